#include "app/instance.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <stdexcept>
#include <system_error>

#include "tenant/session.hpp"

namespace onetake::app {
namespace {

namespace fs = std::filesystem;

std::string reason() { return std::generic_category().message(errno); }

/// The first 4 KiB, which is all there may be; nothing when it cannot be read.
std::optional<std::string> content(int fd) {
  std::array<char, 4096> buffer{};
  const auto size = ::pread(fd, buffer.data(), buffer.size(), 0);
  if (size < 0) return std::nullopt;
  return std::string{buffer.data(), static_cast<std::size_t>(size)};
}

std::optional<std::string> content(const fs::path& path) {
  const Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  return fd ? content(fd.get()) : std::nullopt;
}

/// Writes a small file whole or not at all, and keeps it through a power cut.
bool write_whole(const fs::path& path, std::string_view text) {
  fs::path temporary = path;
  temporary += ".new";
  {
    const Fd file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::fsync(file.get()) != 0) {
      return false;
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return false;
  const Fd folder{::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  return folder && ::fsync(folder.get()) == 0;
}

std::string without_line_end(std::string text) {
  while (text.ends_with('\n') || text.ends_with(' ')) text.pop_back();
  return text;
}

/// What speaks against using the directory; nothing when its layout is ours.
std::optional<std::string> check_format(const fs::path& data_dir) {
  const fs::path path = data_dir / "FORMAT";
  const auto found = content(path);
  if (!found) {
    if (errno != ENOENT) return path.string() + ": " + reason();
    if (write_whole(path, std::to_string(data_format) + '\n')) return std::nullopt;
    return path.string() + ": " + reason();
  }
  const std::string text = without_line_end(*found);
  int format = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), format);
  if (error != std::errc{} || end != text.data() + text.size() || format < 1) {
    return path.string() + ": not a version: is this a data directory of onetake?";
  }
  if (format <= data_format) return std::nullopt;
  return data_dir.string() + " has layout " + text + ", this onetake knows " + std::to_string(data_format) +
         ": a newer version has been here";
}

}  // namespace

std::expected<Instance, std::string> Instance::claim(const fs::path& data_dir) {
  std::error_code error;
  if (fs::create_directories(data_dir, error)) fs::permissions(data_dir, fs::perms::owner_all, error);
  if (error) return std::unexpected(data_dir.string() + ": " + error.message());

  const fs::path path = data_dir / "LOCK";
  Fd lock{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!lock) return std::unexpected(path.string() + ": " + reason());
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return std::unexpected(path.string() + ": " + reason());
    const std::string pid = without_line_end(content(lock.get()).value_or(""));
    return std::unexpected(data_dir.string() + " is in use by " + (pid.empty() ? "another process" : "process " + pid));
  }
  const std::string pid = std::to_string(::getpid()) + '\n';
  if (::ftruncate(lock.get(), 0) != 0 ||
      ::pwrite(lock.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return std::unexpected(path.string() + ": " + reason());
  }
  if (auto wrong = check_format(data_dir)) return std::unexpected(std::move(*wrong));
  return Instance{data_dir, std::move(lock)};
}

bool Instance::in_use(const fs::path& data_dir) {
  const Fd lock{::open((data_dir / "LOCK").c_str(), O_RDONLY | O_CLOEXEC)};
  return lock && ::flock(lock.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

std::string Instance::session_secret() const {
  const fs::path path = data_dir_ / "session.key";
  if (const auto found = content(path); found && found->size() == 32) return *found;
  const std::string secret = tenant::random_secret();
  if (!write_whole(path, secret)) throw std::runtime_error(path.string() + ": " + reason());
  return secret;
}

std::optional<std::string> Instance::node_of(const fs::path& data_dir) {
  const auto found = content(data_dir / "NODE");
  if (!found || found->size() != 37) return std::nullopt;
  return found->substr(0, 36);
}

std::string Instance::node() const {
  if (auto known = node_of(data_dir_)) return *std::move(known);
  const fs::path path = data_dir_ / "NODE";
  const std::string made = uuid7();
  if (!write_whole(path, made + '\n')) throw std::runtime_error(path.string() + ": " + reason());
  return made;
}

}  // namespace onetake::app
