#include "simulator/request.hpp"

#include <algorithm>
#include <charconv>

namespace onetake::simulator {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Up to `separator`, which is taken off too; everything if it is not there.
std::string_view take_until(std::string_view& text, std::string_view separator) {
  const auto at = text.find(separator);
  const auto taken = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + separator.size());
  return taken;
}

std::optional<Bytes> number(std::string_view text) {
  Bytes value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (equal_ignoring_case(key, name)) return value;
  return {};
}

bool Request::has(std::string_view name) const {
  return std::ranges::any_of(headers, [&](const auto& h) { return equal_ignoring_case(h.first, name); });
}

std::string_view Request::parameter(std::string_view key) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    std::string_view pair = take_until(rest, "&");
    if (take_until(pair, "=") == key) return pair;
  }
  return {};
}

std::optional<Request> parse_request(std::string_view head) {
  std::string_view line = take_until(head, "\r\n");
  Request request;
  request.method = take_until(line, " ");
  std::string_view target = take_until(line, " ");
  if (line != "HTTP/1.1" || !target.starts_with('/')) return std::nullopt;
  request.path = take_until(target, "?");
  request.query = target;
  while (!head.empty()) {
    std::string_view field = take_until(head, "\r\n");
    if (field.empty()) break;
    if (field.find(':') == std::string_view::npos) return std::nullopt;
    const std::string_view name = take_until(field, ":");
    request.headers.emplace_back(name, trimmed(field));
  }
  const auto length = request.header("Content-Length");
  if (request.has("Transfer-Encoding") || !(length.empty() || length == "0")) return std::nullopt;
  return request;
}

RangeKind parse_range(std::string_view value, Bytes size, Span& span) {
  if (!value.starts_with("bytes=") || value.find(',') != std::string_view::npos) return RangeKind::ignored;
  value.remove_prefix(6);
  if (value.find('-') == std::string_view::npos) return RangeKind::ignored;
  const std::string_view from = take_until(value, "-");
  const auto first = number(from);
  const auto last = number(value);
  if ((!from.empty() && !first) || (!value.empty() && !last) || (!first && !last)) return RangeKind::ignored;
  if (!first) {
    if (*last == 0 || size == 0) return RangeKind::unsatisfiable;
    span = {size - std::min(size, *last), size};
    return RangeKind::satisfiable;
  }
  if (last && *last < *first) return RangeKind::ignored;
  if (*first >= size) return RangeKind::unsatisfiable;
  span = {*first, last ? std::min(size, *last + 1) : size};
  return RangeKind::satisfiable;
}

}  // namespace onetake::simulator
