#include "blob/store.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "blob/note.hpp"

namespace onetake::blob {
namespace {

namespace fs = std::filesystem;

/// What the audio leaves free on its disk, for the database beside it: without that nothing could even be evicted.
Bytes kept_free(Bytes disk_size) { return std::min(disk_size / 16, Bytes{16_MiB}); }

Space::Shore shore_of(Disk& disk, const fs::path& dir) {
  const auto size = disk.room(dir).size;
  const auto free = kept_free(size);
  return {.size = size - free, .spare = [&disk, dir, free] {
            const auto available = disk.room(dir).available;
            return available - std::min(available, free);
          }};
}

[[noreturn]] void fail(const char* what, const fs::path& path) {
  throw std::system_error(errno, std::generic_category(), what + (' ' + path.string()));
}

Bytes size_of(const Fd& file, const fs::path& path) {
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) fail("fstat", path);
  return static_cast<Bytes>(status.st_size);
}

/// The folder itself, made if need be: `Space` asks for its disk.
fs::path made(Disk& disk, fs::path dir) {
  disk.make_folder(dir);
  return dir;
}

/// Two hexadecimal digits.
std::string folder_name(unsigned hash) {
  constexpr char digits[] = "0123456789abcdef";
  return {digits[(hash >> 4) & 15], digits[hash & 15]};
}

}  // namespace

Store::Store(const fs::path& dir, Bytes most, Disk& disk)
    : disk_(disk), dir_(dir), temporary_(dir / "temporary"), space_(most, shore_of(disk, made(disk, dir))) {
  const auto audio = dir / "audio";
  disk_.make_folder(temporary_);
  disk_.make_folder(audio);
  disk_.make_folder(dir / "notes");
  disk_.make_folder(dir / "quarantine");
  for (const auto& left : fs::directory_iterator{temporary_}) keep_or_remove(left.path());
  for (const auto& note : fs::directory_iterator{dir / "notes"})
    if (!unfinished_.contains(note.path().filename())) disk_.remove(note.path());
  // All of them now, and synced even if they are there: a publish that made its folder would race with another's, and
  // one that finds it made cannot know whether an earlier life lived to sync it.
  for (unsigned hash = 0; hash < 256; ++hash) disk_.make_folder(audio / folder_name(hash));
  disk_.sync_folder(audio);
  disk_.sync_folder(dir);
}

Writer Store::create(const std::string& name) {
  auto path = temporary_ / name;
  Fd file = disk_.create(path);
  return Writer{std::make_shared<Growing>(std::move(file)), std::move(path), space_, disk_};
}

void Store::keep_or_remove(const fs::path& temporary) {
  if (read_note(note_of(temporary))) {
    unfinished_.insert(temporary.filename());
  } else {
    remove_temporary(temporary);
  }
}

void Store::remove_temporary(const fs::path& temporary) {
  disk_.remove(note_of(temporary));
  disk_.remove(temporary);
}

std::vector<std::string> Store::unfinished() const {
  const std::lock_guard lock{mutex_};
  return {unfinished_.begin(), unfinished_.end()};
}

bool Store::take_unfinished(const std::string& name) {
  const std::lock_guard lock{mutex_};
  return unfinished_.erase(name) == 1;
}

std::optional<Store::Resumed> Store::resume(const std::string& name) {
  if (!take_unfinished(name)) return std::nullopt;
  auto path = temporary_ / name;
  auto note = read_note(note_of(path));
  Fd file{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
  if (!file) fail("open", path);
  const auto size = size_of(file, path);
  Writer writer{std::make_shared<Growing>(std::move(file)), std::move(path), space_, disk_};
  if (!note || !writer.claim_.reach(size)) return std::nullopt;
  writer.position_ = writer.written_ = size;
  return Resumed{.writer = std::move(writer), .note = *std::move(note)};
}

void Store::discard(const std::string& name) {
  if (take_unfinished(name)) remove_temporary(temporary_ / name);
}

void Store::publish(Writer& writer, const std::string& name) {
  disk_.sync(writer.growing_->fd());
  const auto path = published(name);
  const auto note = writer.note_path();
  disk_.rename(writer.temporary_, path);
  writer.temporary_.clear();
  writer.claim_.keep(writer.written_);
  try {
    disk_.remove(note);
    disk_.sync_folder(path.parent_path());
  } catch (...) {
    remove(name);  // nothing will ever point to it
    throw;
  }
}

std::shared_ptr<const Published> Store::open(const std::string& name) const {
  Fd file{::open(published(name).c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file) {
    if (errno == ENOENT) return nullptr;
    fail("open", published(name));
  }
  const auto size = size_of(file, published(name));
  return std::make_shared<const Published>(std::move(file), size);
}

void Store::remove(const std::string& name) {
  const auto path = published(name);
  std::error_code missing;
  const auto size = fs::file_size(path, missing);
  if (disk_.remove(path) && !missing) space_.free(size);
}

bool Store::quarantine(const std::string& name) {
  const auto path = published(name);
  std::error_code missing;
  const auto size = fs::file_size(path, missing);
  if (missing) return false;
  const auto aside = dir_ / "quarantine" / name;
  disk_.rename(path, aside);
  space_.free(size);
  fs::last_write_time(aside, fs::file_time_type::clock::now(), missing);  // since when it has been there
  auto all = quarantined();
  for (; all.size() > quarantined_most; all.pop_back()) remove_quarantined(all.back());
  return true;
}

std::vector<std::string> Store::quarantined() const {
  std::vector<std::pair<fs::file_time_type, std::string>> found;
  for (const auto& entry : fs::directory_iterator{dir_ / "quarantine"}) {
    std::error_code gone;
    const auto since = entry.last_write_time(gone);
    if (!gone) found.emplace_back(since, entry.path().filename().string());
  }
  std::ranges::sort(found, std::ranges::greater{});
  std::vector<std::string> names;
  for (auto& [since, name] : found) names.push_back(std::move(name));
  return names;
}

void Store::remove_quarantined(const std::string& name) { disk_.remove(dir_ / "quarantine" / name); }

fs::path Store::path_of(const fs::path& dir, const std::string& name) {
  // FNV-1a, for it must stay the same over builds and machines; 256 folders keep each one small.
  std::uint32_t hash = 2166136261U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return dir / "audio" / folder_name(hash >> 24) / name;
}

}  // namespace onetake::blob
