#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace onetake::provider {

/// The fields of one answer, in order. Names are kept in lower case.
class Headers {
 public:
  /// One line of a head, without its line end. False when it is not a field.
  bool add_line(std::string_view line);

  /// The first with this (lower case) name, "" when there is none.
  [[nodiscard]] std::string_view find(std::string_view name) const;
  /// All with this name as one list (RFC 9110 section 5.3).
  [[nodiscard]] std::string joined(std::string_view name) const;

  [[nodiscard]] auto begin() const { return fields_.begin(); }
  [[nodiscard]] auto end() const { return fields_.end(); }
  void clear() { fields_.clear(); }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// Without blanks and tabs on either side.
std::string_view trimmed(std::string_view text);
std::string lower(std::string_view text);

}  // namespace onetake::provider
