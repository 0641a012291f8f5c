#include <sstream>

#include "app/settings_table.hpp"

namespace onetake::app {
namespace {

constexpr std::string_view introduction = R"(# Configuration

`onetake serve --config FILE` reads one TOML file. This page is printed from the table that the file is read by
(`onetake --print-settings`); a test keeps them the same.

- A string value may be `env:NAME`, the value of an environment variable, or `file:PATH`, the content of a file without
  its last line break. A relative path starts at the folder of the configuration. So no secret has to stand in the file.
- A duration is `"250ms"`, `"15s"`, `"5m"`, `"2h"`, `"7d"` or `"0"`; a size is `"64KiB"`, `"20GiB"` or a number of bytes.
- An unknown key is an error, and so is one that this version does not have: nothing is ignored. All faults are told at
  once, one a line, as `file:line: key: what is wrong`, and the exit status is 2. What only looks wrong is a warning in
  the log.
- `--listen`, `--data-dir` and `--role` on the command line come before what the file says.

`onetake check --config FILE` reads it and reaches what it names.
)";

std::string cell(std::string_view text) {
  std::string escaped;
  for (const char c : text) escaped += c == '|' ? std::string{"\\|"} : std::string{c};
  return escaped;
}

/// A default as the file would have it.
std::string fallback(const Row& row) {
  if (row.need == Need::required) return "required";
  if (row.fallback.empty()) return "";
  const bool bare =
      row.form == Form<int>::text || row.form == Form<bool>::text || row.fallback == "[]" || row.fallback == "{}";
  return bare ? '`' + std::string{row.fallback} + '`' : "`\"" + std::string{row.fallback} + "\"`";
}

}  // namespace

std::string configuration_page() {
  std::ostringstream out;
  out << introduction;
  for (const auto& section : sections()) {
    out << "\n## `" << section.title << "`\n\n";
    if (!section.help.empty()) out << section.help << "\n\n";
    out << "| key | form | default | |\n| --- | --- | --- | --- |\n";
    for (const auto& row : rows()) {
      if (row.section != section.name) continue;
      out << "| `" << row.name << "` | " << cell(row.form) << " | " << fallback(row) << " | " << cell(row.help)
          << " |\n";
    }
  }
  return out.str();
}

}  // namespace onetake::app
