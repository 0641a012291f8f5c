#include "simulator/wav_header.hpp"

#include <cstring>

namespace onetake::simulator {
namespace {

void put(char* at, std::uint32_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) at[i] = static_cast<char>((value >> (8 * i)) & 0xff);
}

std::uint32_t get(std::string_view text, std::size_t at, unsigned bytes) {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < bytes; ++i)
    value |= static_cast<std::uint32_t>(static_cast<unsigned char>(text[at + i])) << (8 * i);
  return value;
}

}  // namespace

std::array<char, WavHeader::size> WavHeader::encode() const {
  const bool unknown = data_bytes == 0xffffffff;
  std::array<char, size> h{};
  std::memcpy(h.data(), "RIFF", 4);
  put(h.data() + 4, unknown ? data_bytes : data_bytes + 36, 4);
  std::memcpy(h.data() + 8, "WAVEfmt ", 8);
  put(h.data() + 16, 16, 4);
  put(h.data() + 20, 1, 2);  // PCM
  put(h.data() + 22, channels, 2);
  put(h.data() + 24, rate, 4);
  put(h.data() + 28, rate * frame_bytes(), 4);
  put(h.data() + 32, frame_bytes(), 2);
  put(h.data() + 34, bits, 2);
  std::memcpy(h.data() + 36, "data", 4);
  put(h.data() + 40, data_bytes, 4);
  return h;
}

std::optional<WavData> parse_wav(std::string_view start) {
  if (start.size() < 12 || !start.starts_with("RIFF") || start.substr(8, 4) != "WAVE") return std::nullopt;
  WavData found;
  bool has_format = false;
  for (std::size_t at = 12; at + 8 <= start.size();) {
    const auto name = start.substr(at, 4);
    const std::size_t length = get(start, at + 4, 4);
    at += 8;
    if (name == "data") {
      if (!has_format) return std::nullopt;
      found.header.data_bytes = static_cast<std::uint32_t>(length);
      found.offset = at;
      return found;
    }
    if (name == "fmt ") {
      if (at + 16 > start.size() || get(start, at, 2) != 1) return std::nullopt;
      found.header.channels = get(start, at + 2, 2);
      found.header.rate = get(start, at + 4, 4);
      found.header.bits = get(start, at + 14, 2);
      has_format = found.header.frame_bytes() > 0 && found.header.rate > 0;
    }
    at += length + (length & 1);
  }
  return std::nullopt;
}

}  // namespace onetake::simulator
