#include "provider/headers.hpp"

#include <algorithm>

namespace onetake::provider {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string lower(std::string_view text) {
  std::string made{text};
  std::ranges::transform(made, made.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return made;
}

bool Headers::add_line(std::string_view line) {
  if (!line.empty() && (line.front() == ' ' || line.front() == '\t')) {  // a folded field goes on
    if (fields_.empty()) return false;
    fields_.back().second.append(" ").append(trimmed(line));
    return true;
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  fields_.emplace_back(lower(trimmed(line.substr(0, colon))), trimmed(line.substr(colon + 1)));
  return true;
}

std::string_view Headers::find(std::string_view name) const {
  for (const auto& [known, value] : fields_)
    if (known == name) return value;
  return {};
}

std::string Headers::joined(std::string_view name) const {
  std::string list;
  for (const auto& [known, value] : fields_) {
    if (known != name) continue;
    if (!list.empty()) list += ", ";
    list += value;
  }
  return list;
}

}  // namespace onetake::provider
