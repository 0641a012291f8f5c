// Loaded into the server by LD_PRELOAD: every change that it makes under ONETAKE_WRITE_LOG_ROOT is done, and then put
// down in the file ONETAKE_WRITE_LOG, in the order in which they happened. write_log.hpp reads it.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <string_view>

namespace {

/// As in write_log.hpp.
enum class Change : std::uint8_t { create, write, truncate, sync, rename, unlink, mkdir };

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

std::mutex& mutex() {
  static std::mutex one;
  return one;
}

const std::string& root() {
  static const std::string path = [] {
    const char* const set = std::getenv("ONETAKE_WRITE_LOG_ROOT");
    return set == nullptr ? std::string{} : std::string{set} + '/';
  }();
  return path;
}

int log_file() {
  static const int fd = [] {
    const char* const path = std::getenv("ONETAKE_WRITE_LOG");
    return path == nullptr
               ? -1
               : next<int(const char*, int, ...)>("open")(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }();
  return fd;
}

/// Relative to the root; nothing for what lies elsewhere, is no file, or has been unlinked.
std::string within_root(std::string_view path) {
  const std::string_view above{root()};
  const bool is_root = path.size() + 1 == above.size() && above.starts_with(path);
  if (above.empty() || path.ends_with(" (deleted)") || (!is_root && !path.starts_with(above))) return {};
  return is_root ? std::string{"."} : std::string{path.substr(above.size())};
}

std::string path_of(int fd) {
  std::array<char, 4096> target{};
  const auto n = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), target.data(), target.size());
  return n <= 0 ? std::string{} : within_root({target.data(), static_cast<std::size_t>(n)});
}

void put_down(Change change, const std::string& path, std::uint64_t number = 0, std::string_view data = {}) {
  if (path.empty() || log_file() < 0) return;
  const std::uint32_t path_size = static_cast<std::uint32_t>(path.size());
  const std::uint64_t data_size = data.size();
  const std::array<iovec, 6> parts{{{&change, sizeof change},
                                    {const_cast<std::uint64_t*>(&number), sizeof number},
                                    {const_cast<std::uint32_t*>(&path_size), sizeof path_size},
                                    {const_cast<std::uint64_t*>(&data_size), sizeof data_size},
                                    {const_cast<char*>(path.data()), path.size()},
                                    {const_cast<char*>(data.data()), data.size()}}};
  if (::writev(log_file(), parts.data(), static_cast<int>(parts.size())) < 0) std::abort();
}

int open_at(int folder, const char* path, int flags, mode_t mode) {
  static auto* const real = next<int(int, const char*, int, ...)>("openat");
  if ((flags & O_CREAT) == 0 || root().empty()) return real(folder, path, flags, mode);
  const std::lock_guard lock{mutex()};
  struct stat there{};
  const bool known = ::fstatat(folder, path, &there, 0) == 0;
  const int fd = real(folder, path, flags, mode);
  if (fd >= 0 && !known) put_down(Change::create, path_of(fd));
  return fd;
}

ssize_t write_at(int fd, const void* bytes, std::size_t size, off_t offset) {
  static auto* const real = next<ssize_t(int, const void*, std::size_t, off_t)>("pwrite");
  const std::lock_guard lock{mutex()};
  const auto n = real(fd, bytes, size, offset);
  if (n > 0)
    put_down(Change::write, path_of(fd), static_cast<std::uint64_t>(offset),
             {static_cast<const char*>(bytes), static_cast<std::size_t>(n)});
  return n;
}

int truncate_to(int fd, off_t size) {
  static auto* const real = next<int(int, off_t)>("ftruncate");
  const std::lock_guard lock{mutex()};
  const int done = real(fd, size);
  if (done == 0) put_down(Change::truncate, path_of(fd), static_cast<std::uint64_t>(size));
  return done;
}

int sync_by(const char* name, int fd) {
  auto* const real = next<int(int)>(name);
  const std::lock_guard lock{mutex()};
  const int done = real(fd);
  if (done == 0) put_down(Change::sync, path_of(fd));
  return done;
}

mode_t mode_of(int flags, va_list arguments) { return (flags & O_CREAT) == 0 ? 0 : va_arg(arguments, mode_t); }

}  // namespace

#define OPEN(name)                                        \
  extern "C" int name(const char* path, int flags, ...) { \
    va_list arguments;                                    \
    va_start(arguments, flags);                           \
    const mode_t mode = mode_of(flags, arguments);        \
    va_end(arguments);                                    \
    return open_at(AT_FDCWD, path, flags, mode);          \
  }
OPEN(open)
OPEN(open64)

extern "C" ssize_t pwrite(int fd, const void* bytes, std::size_t size, off_t offset) {
  return write_at(fd, bytes, size, offset);
}
extern "C" ssize_t pwrite64(int fd, const void* bytes, std::size_t size, off_t offset) {
  return write_at(fd, bytes, size, offset);
}

/// Where the file's own offset says: of a file that is only written from its beginning on.
extern "C" ssize_t write(int fd, const void* bytes, std::size_t size) {
  static auto* const real = next<ssize_t(int, const void*, std::size_t)>("write");
  const auto path = root().empty() ? std::string{} : path_of(fd);
  if (path.empty()) return real(fd, bytes, size);
  const std::lock_guard lock{mutex()};
  const auto n = real(fd, bytes, size);
  if (n > 0)
    put_down(Change::write, path, static_cast<std::uint64_t>(::lseek(fd, 0, SEEK_CUR) - n),
             {static_cast<const char*>(bytes), static_cast<std::size_t>(n)});
  return n;
}

extern "C" int ftruncate(int fd, off_t size) noexcept { return truncate_to(fd, size); }
extern "C" int ftruncate64(int fd, off_t size) noexcept { return truncate_to(fd, size); }
extern "C" int fsync(int fd) { return sync_by("fsync", fd); }
extern "C" int fdatasync(int fd) { return sync_by("fdatasync", fd); }

extern "C" int rename(const char* from, const char* to) noexcept {
  static auto* const real = next<int(const char*, const char*)>("rename");
  const std::lock_guard lock{mutex()};
  const int done = real(from, to);
  if (done == 0) put_down(Change::rename, within_root(from), 0, within_root(to));
  return done;
}

extern "C" int unlink(const char* path) noexcept {
  static auto* const real = next<int(const char*)>("unlink");
  const std::lock_guard lock{mutex()};
  const int done = real(path);
  if (done == 0) put_down(Change::unlink, within_root(path));
  return done;
}

extern "C" int remove(const char* path) noexcept {
  static auto* const real = next<int(const char*)>("remove");
  const std::lock_guard lock{mutex()};
  const int done = real(path);
  if (done == 0) put_down(Change::unlink, within_root(path));
  return done;
}

extern "C" int mkdir(const char* path, mode_t mode) noexcept {
  static auto* const real = next<int(const char*, mode_t)>("mkdir");
  const std::lock_guard lock{mutex()};
  const int done = real(path, mode);
  if (done == 0) put_down(Change::mkdir, within_root(path));
  return done;
}
