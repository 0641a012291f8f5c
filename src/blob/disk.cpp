#include "blob/disk.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace onetake::blob {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const char* what, const std::string& of) {
  throw std::system_error(errno, std::generic_category(), of.empty() ? what : what + (' ' + of));
}

}  // namespace

Disk& Disk::real() {
  static Disk disk;
  return disk;
}

Fd Disk::create(const fs::path& path) {
  Fd file{::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (!file) fail("create", path.string());
  return file;
}

void Disk::write(int fd, std::span<const std::byte> bytes, Bytes offset) {
  while (!bytes.empty()) {
    const auto n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0) {
      if (errno == EINTR) continue;
      fail("write", {});
    }
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += static_cast<Bytes>(n);
  }
}

void Disk::reserve(int fd, Bytes size) {
  if (size == 0) return;
  while (::fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size)) != 0) {
    if (errno == EINTR) continue;
    if (errno != ENOSPC && errno != EDQUOT) return;  // it cannot, or not so much: a write will say
    fail("fallocate", {});
  }
}

void Disk::sync(int fd) {
  if (::fsync(fd) != 0) fail("fsync", {});
}

void Disk::make_folder(const fs::path& path) { fs::create_directories(path); }

void Disk::sync_folder(const fs::path& path) {
  const Fd folder{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!folder) fail("open", path.string());
  if (::fsync(folder.get()) != 0) fail("fsync", path.string());
}

void Disk::rename(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) fail("rename", to.string());
}

bool Disk::remove(const fs::path& path) {
  if (::unlink(path.c_str()) == 0) return true;
  if (errno != ENOENT) fail("unlink", path.string());
  return false;
}

Disk::Room Disk::room(const fs::path& path) const {
  struct statvfs status{};
  if (::statvfs(path.c_str(), &status) != 0) fail("statvfs", path.string());
  return {.size = Bytes{status.f_blocks} * status.f_frsize, .available = Bytes{status.f_bavail} * status.f_frsize};
}

}  // namespace onetake::blob
