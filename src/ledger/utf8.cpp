#include "ledger/utf8.hpp"

#include <algorithm>
#include <cstdint>

namespace onetake::ledger {
namespace {

constexpr std::uint32_t last_code_point = 0x10ffff;
constexpr std::uint32_t first_surrogate = 0xd800;
constexpr std::uint32_t last_surrogate = 0xdfff;

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

/// Bytes of the sequence that begins with `lead`; 0 for none.
std::size_t length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xc2) return 0;
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) return 3;
  return lead < 0xf5 ? 4 : 0;
}

std::uint32_t decoded(std::string_view sequence) {
  const auto lead = static_cast<unsigned char>(sequence.front());
  if (sequence.size() == 1) return lead;
  std::uint32_t code = lead & (0x7fU >> sequence.size());
  for (const char c : sequence.substr(1)) code = code << 6 | (static_cast<unsigned char>(c) & 0x3f);
  return code;
}

std::string encoded(std::uint32_t code) {
  if (code < 0x80) return {static_cast<char>(code)};
  const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  std::string text(1, static_cast<char>((0xf00U >> (more + 1) & 0xff) | code >> (6 * more)));
  for (int i = more - 1; i >= 0; --i) text += static_cast<char>(0x80 | (code >> (6 * i) & 0x3f));
  return text;
}

}  // namespace

bool is_text(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto size = length(static_cast<unsigned char>(bytes.front()));
    if (bytes.front() == '\0' || size == 0 || size > bytes.size()) return false;
    for (std::size_t i = 1; i < size; ++i)
      if (!continues(bytes[i])) return false;
    const auto code = decoded(bytes.substr(0, size));
    const bool shortest = encoded(code).size() == size;
    if (!shortest || code > last_code_point || (code >= first_surrogate && code <= last_surrogate)) return false;
    bytes.remove_prefix(size);
  }
  return true;
}

std::string made_text(std::string_view bytes) {
  std::string text{bytes};
  if (!is_text(text))
    std::ranges::replace_if(text, [](char c) { return c == '\0' || static_cast<unsigned char>(c) >= 0x80; }, '?');
  return text;
}

std::string past(std::string prefix) {
  while (!prefix.empty()) {
    auto at = prefix.size() - 1;
    while (continues(prefix[at])) --at;
    const auto code = decoded(std::string_view{prefix}.substr(at));
    prefix.resize(at);
    if (code < last_code_point) return prefix + encoded(code + 1 == first_surrogate ? last_surrogate + 1 : code + 1);
  }
  return prefix;
}

}  // namespace onetake::ledger
