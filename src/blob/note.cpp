#include "blob/note.hpp"

#include <fstream>
#include <sstream>

namespace onetake::blob {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view end_mark = "\nend\n";

std::string content(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Another one each time that the machine starts (random(4)); "" where there is none: then nothing is ever resumed.
const std::string& boot() {
  static const std::string id = [] {
    std::ifstream file{"/proc/sys/kernel/random/boot_id"};
    std::string line;
    std::getline(file, line);
    return line;
  }();
  return id;
}

}  // namespace

fs::path note_of(const fs::path& temporary) {
  return temporary.parent_path().parent_path() / "notes" / temporary.filename();
}

std::string note_for_this_boot(const std::string& text) { return boot() + '\n' + text + std::string{end_mark}; }

std::optional<std::string> read_note(const fs::path& path) {
  const auto whole = content(path);
  const auto first = boot() + '\n';
  if (boot().empty() || !whole.starts_with(first) || !whole.ends_with(end_mark) ||
      whole.size() < first.size() + end_mark.size())
    return std::nullopt;
  return whole.substr(first.size(), whole.size() - first.size() - end_mark.size());
}

}  // namespace onetake::blob
