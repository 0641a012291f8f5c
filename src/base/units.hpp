#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace onetake {

/// A count of bytes, or an offset into a recording.
using Bytes = std::uint64_t;

constexpr Bytes operator""_KiB(unsigned long long n) { return n << 10; }
constexpr Bytes operator""_MiB(unsigned long long n) { return n << 20; }
constexpr Bytes operator""_GiB(unsigned long long n) { return n << 30; }

/// "64KiB", "20GiB", "1000"; binary units only. Nothing for anything else, or past 2^63.
std::optional<Bytes> parse_bytes(std::string_view text);

/// "250ms" "15s" "5m" "2h" "7d", and "0". Nothing for anything else, or past 100 years.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace onetake
