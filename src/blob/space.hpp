#pragma once

#include <mutex>
#include <utility>

#include "base/units.hpp"

namespace onetake::blob {

/// How many bytes of audio may lie on this disk, arriving and published together. Any thread.
class Space {
 public:
  explicit Space(Bytes most) : most_(most) {}
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

 private:
  bool take(Bytes bytes) {
    const std::lock_guard lock{mutex_};
    if (used_ >= most_ || bytes > most_ - used_) return false;
    used_ += bytes;
    return true;
  }

  const Bytes most_;
  mutable std::mutex mutex_;
  Bytes used_ = 0;
};

}  // namespace onetake::blob
