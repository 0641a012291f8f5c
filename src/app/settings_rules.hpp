#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "app/settings.hpp"

namespace onetake::app {

/// What is wrong and what looks wrong in one file.
class Report {
 public:
  explicit Report(const std::filesystem::path& file) : file_(file.string()) {}

  void fault(int line, std::string_view key, std::string_view what) { faults_.emplace(line, text(line, key, what)); }
  void warning(int line, std::string_view key, std::string_view what) {
    warnings_.emplace(line, text(line, key, what));
  }

  [[nodiscard]] std::size_t fault_count() const { return faults_.size(); }
  /// In the order of the file.
  [[nodiscard]] Faults faults() const { return texts(faults_); }
  [[nodiscard]] std::vector<std::string> warnings() const { return texts(warnings_); }

 private:
  using Entries = std::multimap<int, std::string>;  // by line; those of one line in the order they were found in
  [[nodiscard]] std::string text(int line, std::string_view key, std::string_view what) const;
  static std::vector<std::string> texts(const Entries& entries);

  std::string file_;
  Entries faults_;
  Entries warnings_;
};

/// What one value alone does not tell: each is called when its section has been read, and looks at what was read last.
class Rules {
 public:
  /// The line of each key of the present section and those around it, and of the sections themselves.
  using Lines = std::map<std::string, int, std::less<>>;

  explicit Rules(Report& report) : report_(report) {}

  /// Everything but the tenants. Brings `fetch.heartbeat` below `fetch.lease`.
  void settings(Settings& settings, const Lines& lines);
  void url_key(const Settings::Tenant& tenant, const Lines& lines);
  /// `readable`: every value by itself is fine, so the type may look at all of them.
  void provider(const Settings& settings, const Settings::Tenant& tenant, bool readable, const Lines& lines);
  void tenant(const Settings& settings, const Lines& lines);
  void tenants(const Settings& settings);

 private:
  void storage(const Settings& settings, const Lines& lines);

  Report& report_;
};

}  // namespace onetake::app
