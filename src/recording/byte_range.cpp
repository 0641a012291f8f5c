#include "recording/byte_range.hpp"

#include <algorithm>
#include <charconv>

namespace onetake {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Digits only. A number past 2^64 is taken as the largest: it is well formed, and lies past every end.
std::optional<Bytes> number(std::string_view text) {
  Bytes value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::invalid_argument || end != text.data() + text.size()) return std::nullopt;
  return error == std::errc::result_out_of_range ? ~Bytes{0} : value;
}

std::optional<RangeSpec> parse_one(std::string_view text) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  RangeSpec spec;
  if (dash > 0) {
    spec.first = number(text.substr(0, dash));
    if (!spec.first) return std::nullopt;
  }
  if (dash + 1 < text.size()) {
    spec.last = number(text.substr(dash + 1));
    if (!spec.last) return std::nullopt;
  }
  if (!spec.first && !spec.last) return std::nullopt;
  if (spec.first && spec.last && *spec.last < *spec.first) return std::nullopt;
  return spec;
}

}  // namespace

std::optional<std::vector<RangeSpec>> parse_range(std::string_view field) {
  constexpr std::size_t most = 32;
  constexpr std::string_view unit = "bytes";
  field = trimmed(field);
  const bool ours = field.size() > unit.size() && field[unit.size()] == '=' &&
                    std::ranges::equal(field.substr(0, unit.size()), unit,
                                       [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
  if (!ours) return std::nullopt;
  field.remove_prefix(unit.size() + 1);

  std::vector<RangeSpec> specs;
  for (;;) {
    const auto comma = field.find(',');
    const auto item = trimmed(field.substr(0, comma));
    if (!item.empty()) {  // RFC 9110 section 5.6.1: empty list elements are ignored
      const auto spec = parse_one(item);
      if (!spec || specs.size() == most) return std::nullopt;
      specs.push_back(*spec);
    }
    if (comma == std::string_view::npos) break;
    field.remove_prefix(comma + 1);
  }
  if (specs.empty()) return std::nullopt;
  return specs;
}

std::optional<ByteRange> resolve(const RangeSpec& spec, Bytes total) {
  if (total == 0) return std::nullopt;
  if (!spec.first) {
    const Bytes suffix = spec.last.value_or(0);
    if (suffix == 0) return std::nullopt;
    return ByteRange{total - std::min(suffix, total), total - 1};
  }
  if (*spec.first >= total) return std::nullopt;
  return ByteRange{*spec.first, std::min(spec.last.value_or(total - 1), total - 1)};
}

}  // namespace onetake
