#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace onetake::media {

using Span = std::span<const std::byte>;

inline std::string_view text(Span bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// Whole numbers of 1 to 8 bytes. REQUIRES: they are there.
constexpr std::uint64_t little_endian(Span bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(bytes[at + i]);
  return value;
}
constexpr std::uint64_t big_endian(Span bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | std::to_integer<std::uint64_t>(bytes[at + i]);
  return value;
}
constexpr std::uint8_t byte_at(Span bytes, std::size_t at) { return std::to_integer<std::uint8_t>(bytes[at]); }

}  // namespace onetake::media
