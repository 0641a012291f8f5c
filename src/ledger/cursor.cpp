#include "ledger/cursor.hpp"

#include <algorithm>
#include <charconv>

namespace onetake::ledger {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// RFC 4648 section 5.
std::string base64url(std::string_view bytes) {
  std::string text;
  unsigned held = 0;
  int bits = 0;
  for (const char c : bytes) {
    held = held << 8 | static_cast<unsigned char>(c);
    for (bits += 8; bits >= 6; bits -= 6) text += alphabet[held >> (bits - 6) & 63];
  }
  if (bits > 0) text += alphabet[held << (6 - bits) & 63];
  return text;
}

std::optional<std::string> from_base64url(std::string_view text) {
  std::string bytes;
  unsigned held = 0;
  int bits = 0;
  for (const char c : text) {
    const auto value = alphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    held = held << 6 | static_cast<unsigned>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>(held >> bits & 0xff);
    }
  }
  if (base64url(bytes) != text) return std::nullopt;  // one spelling only
  return bytes;
}

bool is_id(std::string_view text) {
  return text.size() == 36 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '-'; });
}

/// What follows the letter that tells the kinds apart.
std::optional<std::string> opened(std::string_view text, char kind) {
  const auto bytes = text.size() > 128 ? std::nullopt : from_base64url(text);
  if (!bytes || bytes->empty() || bytes->front() != kind) return std::nullopt;
  return bytes->substr(1);
}

}  // namespace

std::string encode(const RecordingCursor& cursor) {
  return base64url('r' + cursor.id + std::to_string(cursor.sort_at.time_since_epoch().count()));
}

std::string encode_run_cursor(std::string_view id) { return base64url('u' + std::string{id}); }

std::optional<RecordingCursor> recording_cursor(std::string_view text) {
  constexpr std::size_t id_size = 36;
  const auto inside = opened(text, 'r');
  if (!inside || inside->size() <= id_size || !is_id(inside->substr(0, id_size))) return std::nullopt;
  const std::string_view number = std::string_view{*inside}.substr(id_size);
  std::int64_t ms = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), ms);
  if (error != std::errc{} || end != number.data() + number.size()) return std::nullopt;
  return RecordingCursor{WallTime{milliseconds{ms}}, inside->substr(0, id_size)};
}

std::optional<std::string> run_cursor(std::string_view text) {
  auto inside = opened(text, 'u');
  if (!inside || !is_id(*inside)) return std::nullopt;
  return inside;
}

}  // namespace onetake::ledger
