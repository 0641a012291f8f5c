#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace onetake::simulator {

/// A canonical 44 byte PCM WAV header (RIFF, fmt, data).
struct WavHeader {
  static constexpr std::size_t size = 44;

  unsigned rate = 8000;
  unsigned channels = 2;
  unsigned bits = 16;
  std::uint32_t data_bytes = 0;  ///< 0xFFFFFFFF: not known when the header was written

  [[nodiscard]] unsigned frame_bytes() const { return channels * bits / 8; }
  [[nodiscard]] double seconds(std::uint64_t bytes) const {
    return static_cast<double>(bytes) / (static_cast<double>(rate) * frame_bytes());
  }
  [[nodiscard]] std::array<char, size> encode() const;
};

/// Where the samples of a PCM WAV begin, and how they are to be read; other chunks before `data` are skipped.
/// Nothing if `start`, the first bytes of a file, is no PCM WAV.
struct WavData {
  WavHeader header;
  std::size_t offset = 0;
};
std::optional<WavData> parse_wav(std::string_view start);

}  // namespace onetake::simulator
