#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "media/bytes.hpp"

/// Small recordings made byte by byte, as the formats' own documents have them.
namespace onetake::media::test {

std::string le(std::uint64_t value, int size);
std::string be(std::uint64_t value, int size);
inline Span span(std::string_view text) { return std::as_bytes(std::span{text}); }

struct Wav {
  unsigned tag = 1;
  unsigned channels = 2;
  unsigned rate = 8000;
  unsigned byte_rate = 32'000;
  unsigned bits = 16;
  std::string extra = {};   ///< behind the 16 bytes of the fmt chunk
  std::string chunks = {};  ///< between fmt and data
  std::string data = std::string(32'000, '\x11');
  std::string after = {};  ///< behind the data chunk, counted by the RIFF size
  std::optional<std::uint32_t> riff_size = {};
  std::optional<std::uint32_t> data_size = {};

  [[nodiscard]] std::string bytes() const;
};
std::string chunk(std::string_view id, std::string_view body);
std::string rf64(std::uint64_t riff_size, std::uint64_t data_size, std::string_view data);

/// MPEG 1 layer 3, 128 kbit/s, 44,100 Hz, stereo: 417 bytes, 1,152 samples.
std::string mp3_frame();
/// The same, with a Xing header that says how many bytes there are from it on.
std::string xing_frame(std::uint32_t bytes);
std::string id3(std::size_t size);

enum PageFlags : unsigned { page = 0, first_page = 2, last_page = 4 };
std::string ogg_page(unsigned flags, std::int64_t granule, std::uint32_t serial, std::string_view body);
std::string opus_head(unsigned channels, unsigned lead);
std::string opus(double seconds);

std::string flac();
std::string box(std::string_view name, std::string_view body);
std::string m4a();
std::string element(std::string_view id, std::string_view body);
/// Without `known` the segment is of unknown size, as live muxers write it.
std::string webm(bool known);
std::string amr(int frames);

struct Sample {
  std::string name;
  std::string bytes;
  std::string content_type;
  std::string codec;
  std::optional<int> channels;
  std::optional<double> seconds;
  bool says_all;  ///< it tells its own end
};
inline void PrintTo(const Sample& sample, std::ostream* out) { *out << sample.name; }
/// One of each kind, whole.
const std::vector<Sample>& samples();

}  // namespace onetake::media::test
