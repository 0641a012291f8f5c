#include "blob/store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace onetake::blob {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const char* what, const fs::path& path) {
  throw std::system_error(errno, std::generic_category(), what + (' ' + path.string()));
}

Fd open_or_fail(const fs::path& path, int flags) {
  Fd fd{::open(path.c_str(), flags | O_CLOEXEC, 0600)};
  if (!fd) fail("open", path);
  return fd;
}

void sync_folder(const fs::path& path) {
  const Fd folder = open_or_fail(path, O_RDONLY | O_DIRECTORY);
  if (::fsync(folder.get()) != 0) fail("fsync", path);
}

/// Two hexadecimal digits.
std::string folder_name(unsigned hash) {
  constexpr char digits[] = "0123456789abcdef";
  return {digits[(hash >> 4) & 15], digits[hash & 15]};
}

}  // namespace

Store::Store(const fs::path& dir, Bytes most) : dir_(dir), temporary_(dir / "temporary"), space_(most) {
  const auto audio = dir / "audio";
  fs::create_directories(temporary_);
  fs::create_directories(audio);
  for (const auto& left : fs::directory_iterator{temporary_}) fs::remove(left.path());
  // All of them now, and synced even if they are there: a publish that made its folder would race with another's, and
  // one that finds it made cannot know whether an earlier life lived to sync it.
  for (unsigned hash = 0; hash < 256; ++hash) fs::create_directory(audio / folder_name(hash));
  sync_folder(audio);
  sync_folder(dir);
}

Writer Store::create(const std::string& name) {
  auto path = temporary_ / name;
  Fd file = open_or_fail(path, O_RDWR | O_CREAT | O_EXCL);
  return Writer{std::make_shared<Growing>(std::move(file)), std::move(path), space_};
}

void Store::publish(Writer& writer, const std::string& name) {
  if (::fsync(writer.growing_->fd()) != 0) fail("fsync", writer.temporary_);
  const auto path = published(name);
  if (::rename(writer.temporary_.c_str(), path.c_str()) != 0) fail("rename", path);
  writer.temporary_.clear();
  writer.claim_.keep(writer.written_);
  try {
    sync_folder(path.parent_path());
  } catch (...) {
    std::error_code ignored;  // nothing will ever point to it
    if (fs::remove(path, ignored)) space_.free(writer.written_);
    throw;
  }
}

std::shared_ptr<const Published> Store::open(const std::string& name) const {
  Fd file{::open(published(name).c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file) {
    if (errno == ENOENT) return nullptr;
    fail("open", published(name));
  }
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) fail("fstat", published(name));
  return std::make_shared<const Published>(std::move(file), static_cast<Bytes>(status.st_size));
}

void Store::remove(const std::string& name) {
  const auto path = published(name);
  std::error_code missing;
  const auto size = fs::file_size(path, missing);
  if (fs::remove(path) && !missing) space_.free(size);
}

fs::path Store::path_of(const fs::path& dir, const std::string& name) {
  // FNV-1a, for it must stay the same over builds and machines; 256 folders keep each one small.
  std::uint32_t hash = 2166136261U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return dir / "audio" / folder_name(hash >> 24) / name;
}

}  // namespace onetake::blob
