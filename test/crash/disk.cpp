#include "crash/disk.hpp"

#include <fstream>
#include <set>
#include <stdexcept>

namespace onetake::crash {
namespace {

namespace fs = std::filesystem;

std::string folder_of(const std::string& path) {
  const auto parent = fs::path{path}.parent_path().string();
  return parent.empty() ? "." : parent;
}

template <class T>
bool take(std::istream& in, T& value) {
  return static_cast<bool>(in.read(reinterpret_cast<char*>(&value), sizeof value));
}

std::string take_text(std::istream& in, std::uint64_t size) {
  std::string text(size, '\0');
  in.read(text.data(), static_cast<std::streamsize>(size));
  return text;
}

}  // namespace

std::vector<Entry> read_write_log(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  std::vector<Entry> all;
  std::uint32_t path_size = 0;
  std::uint64_t data_size = 0;
  for (Entry entry; take(in, entry.change) && take(in, entry.number) && take(in, path_size) && take(in, data_size);) {
    entry.path = take_text(in, path_size);
    entry.data = take_text(in, data_size);
    if (!in) break;  // the server was killed while it put this down
    entry.end = static_cast<std::uint64_t>(in.tellg());
    all.push_back(entry);
  }
  return all;
}

void Disk::apply(const Entry& entry) {
  switch (entry.change) {
    case Entry::Change::create:
    case Entry::Change::mkdir: {
      auto file = std::make_shared<File>();
      file->folder = entry.change == Entry::Change::mkdir;
      names_[entry.path] = std::move(file);
      break;
    }
    case Entry::Change::write:
    case Entry::Change::truncate:
      names_.at(entry.path)->unsafe.push_back(entry);
      break;
    case Entry::Change::rename: {
      auto moved = names_.extract(entry.path);
      names_[entry.data] = moved.mapped();
      break;
    }
    case Entry::Change::unlink:
      names_.erase(entry.path);
      break;
    case Entry::Change::sync: {
      const auto synced = names_.find(entry.path);
      if (entry.path != "." && !synced->second->folder) {
        for (const auto& each : synced->second->unsafe) change(synced->second->safe, each);
        synced->second->unsafe.clear();
        break;
      }
      std::erase_if(safe_names_, [&](const auto& name) { return folder_of(name.first) == entry.path; });
      for (const auto& [path, file] : names_)
        if (folder_of(path) == entry.path) safe_names_[path] = file;
      break;
    }
  }
}

void Disk::change(std::string& bytes, const Entry& entry) {
  if (entry.change == Entry::Change::truncate) return bytes.resize(entry.number);
  bytes.resize(std::max<std::size_t>(bytes.size(), entry.number + entry.data.size()));
  bytes.replace(entry.number, entry.data.size(), entry.data);
}

void Disk::after_power_failure(const fs::path& folder, std::mt19937* chance) const {
  const auto kept = [&] { return chance != nullptr && ((*chance)() & 1U) != 0; };
  auto names = safe_names_;
  if (chance != nullptr) {  // a name that has changed is the old one or the new one
    std::set<std::string> changed;
    for (const auto& [path, file] : names_)
      if (const auto safe = names.find(path); safe == names.end() || safe->second != file) changed.insert(path);
    for (const auto& [path, file] : safe_names_)
      if (!names_.contains(path)) changed.insert(path);
    for (const auto& path : changed) {
      if (!kept()) continue;
      const auto now = names_.find(path);
      if (now == names_.end()) {
        names.erase(path);
      } else {
        names[path] = now->second;
      }
    }
  }
  for (const auto& [path, file] : names) {
    if (file->folder) {
      fs::create_directories(folder / path);
      continue;
    }
    if (!fs::exists((folder / path).parent_path())) continue;  // its folder is lost
    auto bytes = file->safe;
    for (const auto& each : file->unsafe)
      if (kept()) change(bytes, each);
    std::ofstream{folder / path, std::ios::binary} << bytes;
  }
}

}  // namespace onetake::crash
