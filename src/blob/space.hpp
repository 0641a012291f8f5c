#pragma once

#include <algorithm>
#include <functional>
#include <limits>
#include <mutex>
#include <utility>

#include "base/units.hpp"

namespace onetake::blob {

/// How many bytes of audio may lie on this disk, arriving and published together. Any thread.
class Space {
 public:
  /// What a disk has, beside what the database needs to go on: how much audio could ever lie there, and how much more
  /// may be written now.
  struct Shore {
    Bytes size = std::numeric_limits<Bytes>::max();
    std::function<Bytes()> spare = [] { return std::numeric_limits<Bytes>::max(); };
  };

  explicit Space(Bytes most) : Space(most, Shore{}) {}
  Space(Bytes most, Shore shore) : most_(most), shore_(std::move(shore)) {}
  Space(const Space&) = delete;
  Space& operator=(const Space&) = delete;

  /// Bytes that are spoken for before they are written; given back when it goes, unless kept.
  class Claim {
   public:
    explicit Claim(Space& space) : space_(&space) {}
    Claim(Claim&& other) noexcept : space_(other.space_), held_(std::exchange(other.held_, 0)) {}
    Claim& operator=(Claim&& other) noexcept {
      std::swap(space_, other.space_);
      std::swap(held_, other.held_);
      return *this;
    }
    ~Claim() { space_->free(held_); }

    /// Holds at least `bytes` from now on. False, and nothing changes, when there is no room for them.
    [[nodiscard]] bool reach(Bytes bytes) {
      if (bytes <= held_) return true;
      if (!space_->take(bytes - held_)) return false;
      held_ = bytes;
      return true;
    }
    /// `used` of them stay taken, for as long as the file does; the rest is given back.
    void keep(Bytes used) {
      space_->free(held_ - used);
      held_ = 0;
    }

   private:
    Space* space_;
    Bytes held_ = 0;
  };

  /// What lies there since an earlier life; may be more than is allowed now.
  void occupy(Bytes bytes) {
    const std::lock_guard lock{mutex_};
    used_ += bytes;
  }
  void free(Bytes bytes) {
    const std::lock_guard lock{mutex_};
    used_ -= bytes < used_ ? bytes : used_;
  }

  [[nodiscard]] Bytes used() const {
    const std::lock_guard lock{mutex_};
    return used_;
  }
  [[nodiscard]] Bytes most() const { return most_; }

  /// There is room for `bytes` more now.
  [[nodiscard]] bool has(Bytes bytes) const {
    const std::lock_guard lock{mutex_};
    return fits(bytes);
  }
  /// There would be if all that lies there went: a fetch that asks for more need drive nothing out.
  [[nodiscard]] bool could_have(Bytes bytes) const {
    if (bytes > most_) return false;
    const auto spare = shore_.spare();
    return bytes <= spare || bytes - spare <= used();
  }
  /// What is kept free for recordings whose length is not known yet; what goes, goes in portions of this size.
  [[nodiscard]] Bytes headroom() const { return std::min(most_, shore_.size) / 16; }
  /// Room that a fetch asks for before it knows how long the recording is.
  [[nodiscard]] Bytes foreseen() const { return std::clamp(headroom(), Bytes{1}, Bytes{8_MiB}); }

 private:
  [[nodiscard]] bool fits(Bytes bytes) const {
    return used_ < most_ && bytes <= most_ - used_ && bytes <= shore_.spare();
  }
  bool take(Bytes bytes) {
    const std::lock_guard lock{mutex_};
    if (!fits(bytes)) return false;
    used_ += bytes;
    return true;
  }

  const Bytes most_;
  const Shore shore_;
  mutable std::mutex mutex_;
  Bytes used_ = 0;
};

}  // namespace onetake::blob
