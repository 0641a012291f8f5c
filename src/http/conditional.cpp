#include "http/conditional.hpp"

#include <algorithm>
#include <chrono>

namespace onetake::http {
namespace {

using std::chrono::floor;
using std::chrono::seconds;

/// Is `etag` among a field's entity tags, or is the field "*"? `weakly` lets W/"x" match "x".
bool names_etag(std::string_view field, std::string_view etag, bool weakly) {
  while (!field.empty()) {
    const auto begin = field.find_first_not_of(" \t,");
    if (begin == std::string_view::npos) return false;
    field.remove_prefix(begin);
    if (field.front() == '*') return true;
    const bool weak = field.starts_with("W/");
    if (weak) field.remove_prefix(2);
    if (field.empty() || field.front() != '"') return false;
    const auto end = field.find('"', 1);
    if (end == std::string_view::npos) return false;
    if (field.substr(0, end + 1) == etag && (weakly || !weak)) return true;
    field.remove_prefix(end + 1);
  }
  return false;
}

}  // namespace

Precondition evaluate(const Request& request, std::string_view etag, WallTime last_modified) {
  const auto modified = floor<seconds>(last_modified);  // what Last-Modified can say
  if (const auto field = request.field(Field::if_match); !field.empty()) {
    if (!names_etag(field, etag, false)) return Precondition::failed;
  } else if (const auto since = parse_http_date(request.field(Field::if_unmodified_since))) {
    if (modified > *since) return Precondition::failed;
  }
  if (const auto field = request.field(Field::if_none_match); !field.empty()) {
    if (names_etag(field, etag, true)) return Precondition::not_modified;
  } else if (const auto since = parse_http_date(request.field(Field::if_modified_since))) {
    if (modified <= *since) return Precondition::not_modified;
  }
  return Precondition::proceed;
}

bool range_applies(const Request& request, std::string_view etag, WallTime last_modified) {
  const auto field = request.field(Field::if_range);
  if (field.empty() || field == etag) return true;
  const auto date = parse_http_date(field);
  return date && *date == floor<seconds>(last_modified);
}

}  // namespace onetake::http
