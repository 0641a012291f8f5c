#include "run/resume_note.hpp"

#include <charconv>
#include <sstream>
#include <string_view>

namespace onetake::run {
namespace {

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string hex_of(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::optional<std::string> bytes_of(std::string_view hex) {
  std::string bytes;
  for (; hex.size() >= 2; hex.remove_prefix(2)) {
    const auto digits = hex.substr(0, 2);
    unsigned byte = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    bytes += static_cast<char>(byte);
  }
  if (!hex.empty()) return std::nullopt;
  return bytes;
}

/// "2 0a1b…": the algorithm's number, the bytes.
std::optional<Digest> digest_of(std::string_view text) {
  const auto space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto algorithm = number_of<int>(text.substr(0, space));
  auto bytes = bytes_of(text.substr(space + 1));
  if (!algorithm || *algorithm < 0 || *algorithm > static_cast<int>(Digest::Algorithm::sha512) || !bytes)
    return std::nullopt;
  return Digest{.algorithm = static_cast<Digest::Algorithm>(*algorithm), .bytes = *std::move(bytes)};
}

/// False for a field that is none, or does not hold what it should.
bool read_field(std::string_view name, std::string_view value, ResumeNote& note) {
  if (name == "version") {
    const auto version = number_of<int>(value);
    note.version = version.value_or(0);
    return note.version > 0;
  }
  if (name == "last_modified") {
    const auto ms = number_of<std::int64_t>(value);
    note.last_modified = WallTime{milliseconds{ms.value_or(0)}};
    return ms.has_value();
  }
  if (name == "total") {
    note.total = number_of<Bytes>(value);
    return note.total.has_value();
  }
  if (name == "validator") {
    note.validator = value;
    return true;
  }
  if (name == "variant") {
    note.variant = value;
    return true;
  }
  if (name != "digest") return false;
  auto digest = digest_of(value);
  if (!digest) return false;
  note.digests.push_back(*std::move(digest));
  return true;
}

}  // namespace

std::string text_of(const ResumeNote& note) {
  std::string text = "version " + std::to_string(note.version) + "\nlast_modified " +
                     std::to_string(note.last_modified.time_since_epoch().count()) + '\n';
  if (note.total) text += "total " + std::to_string(*note.total) + '\n';
  if (!note.validator.empty()) text += "validator " + note.validator + '\n';
  if (!note.variant.empty()) text += "variant " + note.variant + '\n';
  for (const auto& digest : note.digests)
    text += "digest " + std::to_string(static_cast<int>(digest.algorithm)) + ' ' + hex_of(digest.bytes) + '\n';
  return text;
}

std::optional<ResumeNote> resume_note_of(const std::string& text) {
  ResumeNote note;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    const auto space = line.find(' ');
    if (space == std::string::npos) return std::nullopt;
    if (!read_field(std::string_view{line}.substr(0, space), std::string_view{line}.substr(space + 1), note))
      return std::nullopt;
  }
  if (note.version == 0) return std::nullopt;
  return note;
}

}  // namespace onetake::run
