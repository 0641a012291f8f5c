#include <algorithm>
#include <ranges>
#include <utility>

#include "media/container.hpp"

namespace onetake::media {
namespace {

struct Stream {
  std::uint32_t serial = 0;
  bool ended = false;
  std::string codec;  ///< "": not audio that we know
  int channels = 0;
  double rate = 0;  ///< granules a second
  std::int64_t lead = 0;
  std::int64_t granule = 0;

  [[nodiscard]] double seconds() const {
    return rate > 0 ? static_cast<double>(std::max<std::int64_t>(granule - lead, 0)) / rate : 0;
  }
};

/// RFC 3533, with the headers of Opus (RFC 7845), Vorbis, FLAC and Speex.
class Ogg final : public Walker {
 public:
  Ogg() { want(header_size); }

  std::expected<Says, std::string> end(Bytes) const override {
    if (lost_) return Says::nothing;
    if (!between_pieces() || next_ != Next::header) return std::unexpected("it ends inside an Ogg page");
    const bool all = !streams_.empty() && std::ranges::all_of(streams_, &Stream::ended);
    return all ? Says::all : Says::nothing;
  }

  Description describe(Bytes) const override {
    Description made;
    double seconds = 0;
    for (const auto& stream : streams_ | std::views::filter([](const Stream& s) { return !s.codec.empty(); })) {
      if (made.codec.empty()) {
        made.codec = stream.codec;
        if (stream.channels > 0) made.channels = stream.channels;
      }
      seconds += stream.seconds();
    }
    if (!made.codec.empty()) made.duration_seconds = seconds;
    return made;
  }

 private:
  static constexpr std::size_t header_size = 27;
  static constexpr std::size_t most_streams = 64;
  static constexpr std::size_t codec_header = 64;
  enum class Next { header, lacing, codec };
  enum Flag : std::uint8_t { begins = 2, ends = 4 };

  void piece(Span bytes) override {
    switch (next_) {
      case Next::header:
        return header(bytes);
      case Next::lacing:
        return lacing(bytes);
      case Next::codec:
        identify(streams_.back(), bytes);
        return page_ends();
    }
  }

  void header(Span bytes) {
    if (text(bytes.first(4)) != "OggS") {
      lost_ = true;
      return rest();
    }
    flags_ = byte_at(bytes, 5);
    const auto granule = static_cast<std::int64_t>(little_endian(bytes, 6, 8));
    const auto serial = static_cast<std::uint32_t>(little_endian(bytes, 14, 4));
    if ((flags_ & begins) != 0) {
      if (streams_.size() == most_streams) {
        lost_ = true;
        return rest();
      }
      streams_.emplace_back().serial = serial;
    }
    // A chain may use a number again: the newest one is meant.
    const auto newest_first = streams_ | std::views::reverse;
    if (const auto found = std::ranges::find(newest_first, serial, &Stream::serial); found != newest_first.end()) {
      if (granule > 0 && granule < std::int64_t{1} << 60) found->granule = granule;
      if ((flags_ & ends) != 0) found->ended = true;
    }
    const std::size_t segments = byte_at(bytes, 26);
    if (segments == 0) return page_ends();
    next_ = Next::lacing;
    want(segments);
  }

  void lacing(Span bytes) {
    left_ = 0;
    for (const auto byte : bytes) left_ += std::to_integer<std::size_t>(byte);
    if ((flags_ & begins) == 0 || left_ == 0) return page_ends();
    next_ = Next::codec;
    const auto wanted = std::min(left_, codec_header);
    left_ -= wanted;
    want(wanted);
  }

  void page_ends() {
    skip(std::exchange(left_, 0));
    next_ = Next::header;
    want(header_size);
  }

  static void identify(Stream& stream, Span bytes) {
    const auto begin = text(bytes);
    if (begin.starts_with("OpusHead") && bytes.size() >= 19) {
      stream.codec = "opus";
      stream.channels = byte_at(bytes, 9);
      stream.lead = static_cast<std::int64_t>(little_endian(bytes, 10, 2));
      stream.rate = 48'000;
    } else if (begin.starts_with("\x01vorbis") && bytes.size() >= 16) {
      stream.codec = "vorbis";
      stream.channels = byte_at(bytes, 11);
      stream.rate = static_cast<double>(little_endian(bytes, 12, 4));
    } else if (begin.starts_with("\x7f"
                                 "FLAC") &&
               bytes.size() >= 51) {
      stream.codec = "flac";
      const auto packed = big_endian(bytes, 27, 4);  // 20 bits rate, 3 bits channels - 1
      stream.rate = static_cast<double>(packed >> 12);
      stream.channels = static_cast<int>(packed >> 9 & 7) + 1;
    } else if (begin.starts_with("Speex   ") && bytes.size() >= 52) {
      stream.codec = "speex";
      stream.rate = static_cast<double>(little_endian(bytes, 36, 4));
      stream.channels = static_cast<int>(little_endian(bytes, 48, 4) & 0xFF);
    }
  }

  Next next_ = Next::header;
  std::uint8_t flags_ = 0;
  std::size_t left_ = 0;
  bool lost_ = false;
  std::vector<Stream> streams_;
};

}  // namespace

std::unique_ptr<Container> ogg() { return std::make_unique<Ogg>(); }

}  // namespace onetake::media
