#include <algorithm>
#include <array>
#include <bit>

#include "media/container.hpp"

namespace onetake::media {
namespace {

enum Element : std::uint32_t {
  segment = 0x18538067,
  info = 0x1549A966,
  timecode_scale = 0x2AD7B1,
  duration = 0x4489,
  tracks = 0x1654AE6B,
  track_entry = 0xAE,
  codec_id = 0x86,
  audio = 0xE1,
  channels = 0x9F,
  cluster = 0x1F43B675,
};

struct Codec {
  const char* id;
  const char* name;
};
constexpr std::array codecs{Codec{"A_OPUS", "opus"},   Codec{"A_VORBIS", "vorbis"}, Codec{"A_AAC", "aac"},
                            Codec{"A_MPEG/L3", "mp3"}, Codec{"A_FLAC", "flac"},     Codec{"A_PCM/INT/LIT", "pcm"}};

/// WebM and Matroska (RFC 8794, RFC 9559), up to the first cluster.
class Ebml final : public Walker {
 public:
  Ebml() { look_for_element(); }

  std::expected<Says, std::string> end(Bytes size) const override {
    if (!segment_ends_) return Says::nothing;
    if (size < *segment_ends_)
      return std::unexpected("its segment says " + std::to_string(*segment_ends_) + " bytes, and it has " +
                             std::to_string(size));
    return Says::all;
  }

  Description describe(Bytes) const override {
    Description made{.duration_seconds = {}, .channels = {}, .codec = codec_};
    if (!codec_.empty()) made.channels = channels_;
    const auto seconds = duration_ * static_cast<double>(scale_) / 1e9;
    if (seconds > 0 && seconds < 1e9) made.duration_seconds = seconds;
    return made;
  }

 private:
  enum class Next { id, size, leaf };

  void look_for_element() {
    next_ = Next::id;
    number_ = 0;
    left_ = 0;
    want(1);
  }

  void piece(Span bytes) override {
    if (next_ == Next::leaf) {
      leaf(bytes);
      return look_for_element();
    }
    const auto byte = byte_at(bytes, 0);
    if (left_ == 0) {  // the first byte of a number: its zeros in front count the bytes behind
      left_ = std::countl_zero(byte);
      if (left_ > (next_ == Next::id ? 3 : 7)) return rest();
      unknown_ = byte == (1 << (8 - left_)) - 1;
      number_ = next_ == Next::id ? byte : byte & ((1 << (7 - left_)) - 1);
    } else {
      --left_;
      number_ = number_ << 8 | byte;
      unknown_ = unknown_ && byte == 0xFF;
    }
    if (left_ > 0) return want(1);
    if (next_ == Next::size) return element(number_, unknown_);
    id_ = static_cast<std::uint32_t>(number_);
    next_ = Next::size;
    want(1);
  }

  void element(Bytes size, bool unknown) {
    if (id_ == segment && !unknown) segment_ends_ = at() + size;
    if (id_ == cluster) return rest();
    if (id_ == segment || id_ == info || id_ == tracks || id_ == track_entry || id_ == audio) return look_for_element();
    if (unknown) return rest();
    const bool read = id_ == timecode_scale || id_ == duration || id_ == codec_id || id_ == channels;
    if (read && size > 0 && size <= 32) {
      next_ = Next::leaf;
      return want(static_cast<std::size_t>(size));
    }
    skip(size);
    look_for_element();
  }

  void leaf(Span bytes) {
    if (id_ == codec_id && codec_.empty()) {
      const auto id = text(bytes);
      const auto* found = std::ranges::find_if(codecs, [&](const Codec& row) { return id.starts_with(row.id); });
      if (found != codecs.end()) codec_ = found->name;
    } else if (id_ == channels && bytes.size() <= 8) {
      channels_ = static_cast<int>(std::min<Bytes>(big_endian(bytes, 0, bytes.size()), 255));
    } else if (id_ == timecode_scale && bytes.size() <= 8) {
      scale_ = big_endian(bytes, 0, bytes.size());
    } else if (id_ == duration && bytes.size() == 4) {
      duration_ = std::bit_cast<float>(static_cast<std::uint32_t>(big_endian(bytes, 0, 4)));
    } else if (id_ == duration && bytes.size() == 8) {
      duration_ = std::bit_cast<double>(big_endian(bytes, 0, 8));
    }
  }

  Next next_ = Next::id;
  int left_ = 0;
  Bytes number_ = 0;
  bool unknown_ = false;
  std::uint32_t id_ = 0;
  std::optional<Bytes> segment_ends_;
  Bytes scale_ = 1'000'000;
  double duration_ = 0;
  int channels_ = 1;
  std::string codec_;
};

}  // namespace

std::unique_ptr<Container> ebml() { return std::make_unique<Ebml>(); }

}  // namespace onetake::media
