#include <algorithm>
#include <array>

#include "media/container.hpp"

namespace onetake::media {
namespace {

/// Programs that write to a pipe leave a size that they could not know: 0, all ones, or (sox) just under 2 GiB.
constexpr Bytes near_2_gib = 0x7FFF'F000;
constexpr bool placeholder(Bytes size, Bytes from) { return size == 0 || (size >= from && size <= 0xFFFF'FFFF); }
constexpr bool riff_placeholder(Bytes size) { return placeholder(size, near_2_gib); }
/// What the RIFF size counts beside the data is less than 4 KiB in such a file.
constexpr bool data_placeholder(Bytes size) { return placeholder(size, near_2_gib - 4096); }

struct Codec {
  unsigned tag;  ///< the registry in mmreg.h
  const char* name;
  bool fixed;  ///< every sample has the same number of bits
};
constexpr std::array codecs{
    Codec{0x0002, "adpcm_ms", false},      Codec{0x0006, "pcm_alaw", true},    Codec{0x0007, "pcm_mulaw", true},
    Codec{0x0011, "adpcm_ima_wav", false}, Codec{0x0022, "truespeech", false}, Codec{0x0031, "gsm_ms", false},
    Codec{0x0042, "g723_1", false},        Codec{0x0045, "g726", false},       Codec{0x0050, "mp2", false},
    Codec{0x0055, "mp3", false},           Codec{0x0064, "g726", false},       Codec{0x0065, "g722", false},
    Codec{0x0083, "g729", false},          Codec{0x00FF, "aac", false},        Codec{0x028F, "g722", false},
    Codec{0x704F, "opus", false},          Codec{0xF1AC, "flac", false},
};

struct Format {
  unsigned tag = 0;
  unsigned channels = 0;
  Bytes rate = 0;
  Bytes byte_rate = 0;
  unsigned bits = 0;

  [[nodiscard]] bool fixed() const { return tag == 1 || tag == 3 || tag == 6 || tag == 7; }

  [[nodiscard]] std::string codec() const {
    if (tag == 1 && bits == 8) return "pcm_u8";
    if (tag == 1) return "pcm_s" + std::to_string(bits) + "le";
    if (tag == 3) return "pcm_f" + std::to_string(bits) + "le";
    const auto* found = std::ranges::find(codecs, tag, &Codec::tag);
    return found == codecs.end() ? "" : found->name;
  }
};

/// RIFF and RF64 WAVE: EBU Tech 3306 for the latter.
class Riff final : public Walker {
 public:
  Riff() { want(12); }

  std::expected<Says, std::string> end(Bytes size) const override;
  Description describe(Bytes size) const override;

 private:
  enum class Next { riff, chunk, ds64, fmt, fact };

  void piece(Span bytes) override;
  void chunk(std::string_view id, Bytes size);
  void body(Next next, Bytes size, std::size_t most);
  void format(Span bytes);

  [[nodiscard]] bool size_known(Bytes size) const {
    return large_ ? riff_size_ != 0 : !riff_placeholder(riff_size_) || (riff_size_ != 0 && riff_size_ + 8 <= size);
  }

  Next next_ = Next::riff;
  Bytes after_ = 0;  ///< what is left of the chunk behind the piece that is wanted of it
  bool large_ = false;
  Bytes riff_size_ = 0;
  Bytes large_data_ = 0;
  std::optional<Format> format_;
  std::optional<Bytes> samples_;
  std::optional<Bytes> data_at_;
  Bytes data_size_ = 0;  ///< 0: not known
};

void Riff::body(Next next, Bytes size, std::size_t most) {
  const auto wanted = std::min<Bytes>(size, most);
  after_ = size - wanted + size % 2;
  if (wanted == 0) {
    skip(after_);
    want(8);
    return;
  }
  next_ = next;
  want(static_cast<std::size_t>(wanted));
}

void Riff::chunk(std::string_view id, Bytes size) {
  if (id == "ds64") return body(Next::ds64, size, 28);
  if (id == "fmt " && !format_) return body(Next::fmt, size, 40);
  if (id == "fact") return body(Next::fact, size, 4);
  if (id == "data") {
    data_at_ = at();
    if (large_ && size == 0xFFFF'FFFF) {
      data_size_ = large_data_;
    } else if (!data_placeholder(size)) {
      data_size_ = size;
    }
    return rest();
  }
  skip(size + size % 2);
  want(8);
}

void Riff::piece(Span bytes) {
  switch (next_) {
    case Next::riff:
      large_ = text(bytes.first(4)) != "RIFF";
      if (!large_) riff_size_ = little_endian(bytes, 4, 4);
      next_ = Next::chunk;
      return want(8);
    case Next::chunk:
      return chunk(text(bytes.first(4)), little_endian(bytes, 4, 4));
    case Next::ds64:
      // An RF64 whose sizes would be impossible says nothing.
      if (large_ && bytes.size() >= 16) {
        const auto whole = little_endian(bytes, 0, 8);
        const auto data = little_endian(bytes, 8, 8);
        riff_size_ = whole >> 62 == 0 ? whole : 0;
        large_data_ = data >> 62 == 0 ? data : 0;
      }
      break;
    case Next::fmt:
      format(bytes);
      break;
    case Next::fact:
      if (bytes.size() == 4) samples_ = little_endian(bytes, 0, 4);
      break;
  }
  next_ = Next::chunk;
  skip(after_);
  want(8);
}

void Riff::format(Span bytes) {
  if (bytes.size() < 16) return;
  Format made{.tag = static_cast<unsigned>(little_endian(bytes, 0, 2)),
              .channels = static_cast<unsigned>(little_endian(bytes, 2, 2)),
              .rate = little_endian(bytes, 4, 4),
              .byte_rate = little_endian(bytes, 8, 4),
              .bits = static_cast<unsigned>(little_endian(bytes, 14, 2))};
  // WAVE_FORMAT_EXTENSIBLE: the tag is the beginning of the SubFormat GUID.
  if (made.tag == 0xFFFE && bytes.size() >= 26) made.tag = static_cast<unsigned>(little_endian(bytes, 24, 2));
  format_ = made;
}

std::expected<Says, std::string> Riff::end(Bytes size) const {
  if (size_known(size)) {
    const auto whole = riff_size_ + 8;
    // Some programs count the padding of an odd data chunk and do not write it.
    const bool unpadded = data_at_ && data_size_ % 2 == 1 && *data_at_ + data_size_ == size && whole == size + 1;
    if (size < whole && !unpadded)
      return std::unexpected("its RIFF header says " + std::to_string(whole) + " bytes, and it has " +
                             std::to_string(size));
    // A header that was written before the audio and never again says nothing about it.
    const bool unwritten = data_at_ && data_size_ == 0 && size > whole;
    return unwritten ? Says::nothing : Says::all;
  }
  if (data_at_ && size < *data_at_ + data_size_)
    return std::unexpected("its data chunk says " + std::to_string(data_size_) + " bytes, and it has " +
                           std::to_string(size - std::min(size, *data_at_)));
  return Says::nothing;
}

Description Riff::describe(Bytes size) const {
  Description made;
  if (!format_) return made;
  if (format_->channels > 0) made.channels = static_cast<int>(format_->channels);
  made.codec = format_->codec();
  if (!data_at_ || size < *data_at_) return made;
  auto data = size - *data_at_;
  if (data_size_ != 0) data = std::min(data, data_size_);
  const auto rate = static_cast<double>(format_->rate);
  const auto frame_bits = static_cast<double>(format_->channels) * format_->bits;
  if (format_->fixed() && rate > 0 && frame_bits > 0) {
    made.duration_seconds = static_cast<double>(data) * 8 / frame_bits / rate;
  } else if (data_size_ != 0 && samples_.value_or(0) != 0 && *samples_ != 0xFFFF'FFFF && rate > 0) {
    made.duration_seconds = static_cast<double>(*samples_) / rate;
  } else if (format_->byte_rate > 0) {
    made.duration_seconds = static_cast<double>(data) / static_cast<double>(format_->byte_rate);
  }
  return made;
}

}  // namespace

std::unique_ptr<Container> riff() { return std::make_unique<Riff>(); }

}  // namespace onetake::media
