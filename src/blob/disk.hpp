#pragma once

#include <filesystem>
#include <span>

#include "base/fd.hpp"
#include "base/units.hpp"

namespace onetake::blob {

/// Every call by which this module changes what lies on a disk. Reading goes by the descriptors themselves.
///
/// Blocks. Any thread. What fails throws std::system_error with the errno. Nothing is tried again in here but what a
/// signal has interrupted: whether a call that failed may be repeated is its caller's to know (a `sync` may not).
/// Tests put a layer before it that fails a call, or that forgets what was not synced.
class Disk {
 public:
  virtual ~Disk() = default;

  /// The real one, for as long as the process lives.
  static Disk& real();

  /// A new file, open for reading and writing. Throws when the name is taken.
  virtual Fd create(const std::filesystem::path& path);
  /// All of them.
  virtual void write(int fd, std::span<const std::byte> bytes, Bytes offset);
  /// Holds room on the disk for `size` bytes in all, without changing the file's length. A file system that cannot says
  /// nothing: a `write` finds out then.
  virtual void reserve(int fd, Bytes size);
  virtual void sync(int fd);

  virtual void make_folder(const std::filesystem::path& path);
  /// What has been made in, moved to and removed from the folder.
  virtual void sync_folder(const std::filesystem::path& path);
  /// In the place of what has the name `to`.
  virtual void rename(const std::filesystem::path& from, const std::filesystem::path& to);
  /// False when there was nothing.
  virtual bool remove(const std::filesystem::path& path);

  struct Room {
    Bytes size;       ///< of the file system
    Bytes available;  ///< to us
  };
  [[nodiscard]] virtual Room room(const std::filesystem::path& path) const;
};

}  // namespace onetake::blob
