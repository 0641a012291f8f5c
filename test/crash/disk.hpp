#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace onetake::crash {

/// What write_log.cpp put down.
struct Entry {
  enum class Change : std::uint8_t { create, write, truncate, sync, rename, unlink, mkdir };
  Change change = Change::create;
  std::uint64_t number = 0;  ///< write: the offset; truncate: the size
  std::string path;          ///< relative; "." is the root
  std::string data;          ///< write: the bytes; rename: the new path
  std::uint64_t end = 0;     ///< how long the log was with it
};

std::vector<Entry> read_write_log(const std::filesystem::path& file);

/// A disk that loses what was not synced, as POSIX allows it: a file's bytes are safe once the file was synced, its
/// name, a renamed or removed one too, once the folder was.
class Disk {
 public:
  void apply(const Entry& entry);

  /// What is there after a power failure: what is safe, and each other change perhaps, if there is `chance`.
  /// Writes the files into `folder`, which is empty.
  void after_power_failure(const std::filesystem::path& folder, std::mt19937* chance) const;

  /// Whether the name is there after a failure in which everything else was lost.
  [[nodiscard]] bool safe(const std::string& path) const { return safe_names_.contains(path); }

 private:
  struct File {
    std::string safe;
    std::vector<Entry> unsafe;  ///< writes and truncations since
    bool folder = false;
  };
  using Names = std::map<std::string, std::shared_ptr<File>>;

  static void change(std::string& bytes, const Entry& entry);

  Names names_;       ///< as the running server sees them
  Names safe_names_;  ///< as they are after a power failure
};

}  // namespace onetake::crash
