#pragma once

#include <atomic>
#include <cerrno>
#include <system_error>

#include "blob/disk.hpp"

namespace onetake::blob::test {

/// The real disk, of which a test breaks one kind of call, or says how large it is.
class FaultyDisk final : public Disk {
 public:
  enum class Call { none, create, write, reserve, sync, sync_folder, rename, remove };

  /// From now on calls of this kind fail; `none` mends it.
  void fail(Call call, int error = EIO) {
    error_ = error;
    failing_ = call;
  }
  /// How often that kind has been called while it failed.
  [[nodiscard]] int failures() const { return failures_; }
  /// What `room` says from now on.
  void say(Room room) {
    size_ = room.size;
    available_ = room.available;
  }

  Fd create(const std::filesystem::path& path) override {
    meet(Call::create);
    return Disk::create(path);
  }
  void write(int fd, std::span<const std::byte> bytes, Bytes offset) override {
    meet(Call::write);
    Disk::write(fd, bytes, offset);
  }
  void reserve(int fd, Bytes size) override {
    meet(Call::reserve);
    Disk::reserve(fd, size);
  }
  void sync(int fd) override {
    meet(Call::sync);
    Disk::sync(fd);
  }
  void sync_folder(const std::filesystem::path& path) override {
    meet(Call::sync_folder);
    Disk::sync_folder(path);
  }
  void rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    meet(Call::rename);
    Disk::rename(from, to);
  }
  bool remove(const std::filesystem::path& path) override {
    meet(Call::remove);
    return Disk::remove(path);
  }
  [[nodiscard]] Room room(const std::filesystem::path& path) const override {
    return size_ == 0 ? Disk::room(path) : Room{.size = size_, .available = available_};
  }

 private:
  void meet(Call call) {
    if (failing_ != call) return;
    ++failures_;
    throw std::system_error(error_, std::generic_category(), "a fault of the test's");
  }

  std::atomic<Call> failing_ = Call::none;
  std::atomic<int> error_ = EIO;
  std::atomic<int> failures_ = 0;
  std::atomic<Bytes> size_ = 0;  ///< 0: the truth
  std::atomic<Bytes> available_ = 0;
};

}  // namespace onetake::blob::test
