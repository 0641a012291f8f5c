#include "provider/answer.hpp"

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <charconv>

namespace onetake::provider {
namespace {

struct Row {
  int status;
  Cause cause;
};
constexpr std::array table{
    Row{202, Cause::not_ready}, Row{401, Cause::unauthorized}, Row{403, Cause::forbidden}, Row{404, Cause::not_ready},
    Row{410, Cause::gone},      Row{425, Cause::not_ready},    Row{429, Cause::throttled}, Row{451, Cause::forbidden},
};

constexpr milliseconds longest_wait = std::chrono::days{1};

/// Digits only, as a whole. Nothing for what does not fit.
template <class Number = Bytes>
std::optional<Number> number(std::string_view text) {
  Number value = 0;
  if (text.empty() || text.front() == '-') return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// RFC 4648 section 4, padded. Nothing for anything else.
std::optional<std::string> from_base64(std::string_view text) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && text.ends_with('=')) {
    text.remove_suffix(1);
    ++padding;
  }
  std::string bytes;
  unsigned bits = 0;
  int held = 0;
  for (const char c : text) {
    const auto value = alphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<unsigned>(value);
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes += static_cast<char>(bits >> held & 0xff);
    }
  }
  return bytes;
}

std::optional<Digest::Algorithm> algorithm(std::string_view name) {
  const auto known = lower(name);
  if (known == "md5") return Digest::Algorithm::md5;
  if (known == "sha" || known == "sha-1") return Digest::Algorithm::sha1;
  if (known == "sha-256") return Digest::Algorithm::sha256;
  if (known == "sha-512") return Digest::Algorithm::sha512;
  return std::nullopt;
}

std::size_t size_of(Digest::Algorithm which) {
  switch (which) {
    case Digest::Algorithm::md5:
      return 16;
    case Digest::Algorithm::sha1:
      return 20;
    case Digest::Algorithm::sha256:
      return 32;
    case Digest::Algorithm::sha512:
      return 64;
  }
  return 0;
}

void add(std::vector<Digest>& found, std::optional<Digest::Algorithm> which, std::string_view base64) {
  if (!which) return;
  auto bytes = from_base64(base64);
  if (!bytes || bytes->size() != size_of(*which)) return;
  Digest digest{*which, std::move(*bytes)};
  if (std::ranges::find(found, digest) == found.end()) found.push_back(std::move(digest));
}

/// "name=value, name=value": base64 has neither comma nor, but at its end, an equals sign.
void add_list(std::vector<Digest>& found, std::string_view list, bool structured) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    const auto item = trimmed(list.substr(0, comma));
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
    const auto equals = item.find('=');
    if (equals == std::string_view::npos) continue;
    auto value = item.substr(equals + 1);
    if (structured) {  // RFC 8941: a byte sequence stands between colons
      if (value.size() < 2 || !value.starts_with(':') || !value.ends_with(':')) continue;
      value = value.substr(1, value.size() - 2);
    }
    add(found, algorithm(item.substr(0, equals)), value);
  }
}

}  // namespace

std::optional<Cause> cause_of(int status) {
  if (status == 200 || status == 206) return std::nullopt;
  for (const auto& row : table)
    if (row.status == status) return row.cause;
  return Cause::unavailable;
}

std::optional<milliseconds> retry_after(const Headers& headers, WallTime now) {
  const auto field = headers.find("retry-after");
  if (const auto seconds = number(field))
    return std::min<milliseconds>(std::chrono::seconds{std::min<Bytes>(*seconds, 86'400)}, longest_wait);
  if (const auto date = parse_http_date(field))
    return std::clamp<milliseconds>(*date - now, milliseconds{0}, longest_wait);
  return std::nullopt;
}

std::optional<ContentRange> content_range(std::string_view field) {
  if (lower(field.substr(0, 6)) != "bytes ") return std::nullopt;
  field = trimmed(field.substr(6));
  const auto dash = field.find('-');
  const auto slash = field.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || dash > slash) return std::nullopt;
  const auto first = number(field.substr(0, dash));
  const auto last = number(field.substr(dash + 1, slash - dash - 1));
  if (!first || !last || *last < *first) return std::nullopt;
  ContentRange range{*first, *last, std::nullopt};
  if (field.substr(slash + 1) != "*") {
    range.total = number(field.substr(slash + 1));
    if (!range.total || *range.total <= *last) return std::nullopt;
  }
  return range;
}

std::string_view strong_etag(const Headers& headers) {
  const auto etag = headers.find("etag");
  return etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"') ? etag : std::string_view{};
}

std::vector<Digest> digests(const Headers& headers) {
  using enum Digest::Algorithm;
  std::vector<Digest> found;
  add(found, md5, headers.find("content-md5"));
  add(found, sha256, headers.find("x-amz-checksum-sha256"));
  add(found, sha1, headers.find("x-amz-checksum-sha1"));
  add_list(found, headers.joined("digest"), false);
  add_list(found, headers.joined("x-goog-hash"), false);
  add_list(found, headers.joined("repr-digest"), true);
  add_list(found, headers.joined("content-digest"), true);
  return found;
}

int error_code(std::string_view body) {
  boost::system::error_code error;
  const auto value = boost::json::parse({body.data(), body.size()}, error);
  if (!error && value.is_object()) {
    for (const char* key : {"code", "error_code"})
      if (const auto* code = value.get_object().if_contains(key); code != nullptr && code->is_int64())
        return static_cast<int>(std::clamp<std::int64_t>(code->get_int64(), 0, 1'000'000));
    return 0;
  }
  constexpr std::string_view open = "<Code>";
  const auto at = body.find(open);
  if (at == std::string_view::npos) return 0;
  const auto digits = body.substr(at + open.size());
  return number<int>(digits.substr(0, digits.find('<'))).value_or(0);
}

}  // namespace onetake::provider
