#include <algorithm>
#include <array>

#include "media/container.hpp"
#include "media/mpeg_frame.hpp"

namespace onetake::media {
namespace {

/// MP3, MP2, MP1, with ID3v2 tags before. Every frame is looked at, so the duration is right for any bitrate.
class Mpeg final : public Walker {
 public:
  Mpeg() { want(4); }

  std::expected<Says, std::string> end(Bytes size) const override {
    if (in_tag_ && !between_pieces()) return std::unexpected("it ends inside its ID3 tag");
    // The Xing header of a variable bitrate counts the bytes from its own frame on.
    if (xing_bytes_ != 0 && size >= first_at_ + xing_bytes_) return Says::all;
    return Says::nothing;
  }

  Description describe(Bytes) const override {
    Description made;
    if (!first_) return made;
    made.channels = first_->channels;
    made.codec = "mp" + std::to_string(first_->layer);
    made.duration_seconds = static_cast<double>(frames_) * first_->samples / first_->rate;
    return made;
  }

 private:
  enum class Next { header, tag, first_frame, hunt };

  void piece(Span bytes) override {
    switch (next_) {
      case Next::header:
        return header(bytes);
      case Next::tag:
        return tag(bytes);
      case Next::first_frame:
        ++frames_;
        info(bytes);
        return look_for_header();
      case Next::hunt:
        std::copy(window_.begin() + 1, window_.end(), window_.begin());
        window_.back() = bytes[0];
        return header(window_);
    }
  }

  void look_for_header() {
    next_ = Next::header;
    want(4);
  }

  void header(Span bytes) {
    in_tag_ = false;
    if (!first_ && text(bytes).starts_with("ID3")) {
      next_ = Next::tag;
      return want(6);
    }
    const auto frame = mpeg_frame(bytes);
    if (frame && (!first_ || frame->goes_with(*first_))) {
      if (!first_) {
        first_ = frame;
        first_at_ = at() - 4;
        next_ = Next::first_frame;
        return want(frame->size - 4);
      }
      ++frames_;
      skip(frame->size - 4);
      return look_for_header();
    }
    if (next_ != Next::hunt) std::copy_n(bytes.begin(), window_.size(), window_.begin());
    next_ = Next::hunt;
    want(1);
  }

  /// The rest of an ID3v2 header: the last byte of version, flags, and a size of four times seven bits.
  void tag(Span bytes) {
    Bytes size = 0;
    for (std::size_t i = 2; i < 6; ++i) size = size << 7 | (byte_at(bytes, i) & 0x7F);
    if ((byte_at(bytes, 1) & 0x10) != 0) size += 10;  // a footer
    skip(size);
    in_tag_ = true;
    look_for_header();
  }

  /// Xing or Info, at a place that depends on the first frame, whose header is already read. That frame has no sound.
  void info(Span frame) {
    const std::size_t side = first_->version1 ? (first_->channels == 1 ? 17 : 32) : (first_->channels == 1 ? 9 : 17);
    if (first_->layer == 3 && frame.size() >= side + 16) {
      const auto name = text(frame.subspan(side, 4));
      if (name == "Xing" || name == "Info") {
        --frames_;
        const auto flags = big_endian(frame, side + 4, 4);
        if ((flags & 2) != 0) xing_bytes_ = big_endian(frame, side + ((flags & 1) != 0 ? 12 : 8), 4);
        return;
      }
    }
    constexpr std::size_t vbri_at = 32;
    if (frame.size() >= vbri_at + 14 && text(frame.subspan(vbri_at, 4)) == "VBRI") {
      --frames_;
      xing_bytes_ = big_endian(frame, vbri_at + 10, 4);
    }
  }

  Next next_ = Next::header;
  bool in_tag_ = false;
  std::array<std::byte, 4> window_{};
  std::optional<MpegFrame> first_;
  Bytes first_at_ = 0;
  Bytes xing_bytes_ = 0;
  Bytes frames_ = 0;
};

}  // namespace

std::unique_ptr<Container> mpeg() { return std::make_unique<Mpeg>(); }

}  // namespace onetake::media
