#include "media/container.hpp"

namespace onetake::media {
namespace {

/// RFC 9639: metadata blocks, the first of them STREAMINFO; frames are not looked at.
class Flac final : public Walker {
 public:
  Flac() { want(4); }

  std::expected<Says, std::string> end(Bytes) const override {
    if (!in_frames_) return std::unexpected("it ends inside its metadata");
    return Says::nothing;
  }

  Description describe(Bytes) const override {
    Description made{.duration_seconds = {}, .channels = {}, .codec = "flac"};
    if (channels_ > 0) made.channels = channels_;
    if (rate_ > 0 && samples_ > 0) made.duration_seconds = static_cast<double>(samples_) / static_cast<double>(rate_);
    return made;
  }

 private:
  static constexpr std::size_t stream_info_size = 34;
  enum class Next { magic, block, stream_info, last_byte };

  void piece(Span bytes) override {
    switch (next_) {
      case Next::magic:
        return pass(0);
      case Next::block:
        last_ = (byte_at(bytes, 0) & 0x80) != 0;
        return block(byte_at(bytes, 0) & 0x7F, big_endian(bytes, 1, 3));
      case Next::stream_info:
        stream_info(bytes);
        return pass(0);
      case Next::last_byte:
        return frames_begin();
    }
  }

  void block(int type, Bytes size) {
    if (type != 0 || size != stream_info_size) return pass(size);
    next_ = Next::stream_info;
    want(stream_info_size);
  }

  void stream_info(Span bytes) {
    const auto packed = big_endian(bytes, 10, 8);  // 20 bits rate, 3 channels - 1, 5 bits a sample - 1, 36 samples
    rate_ = packed >> 44;
    channels_ = static_cast<int>(packed >> 41 & 7) + 1;
    samples_ = packed & 0xF'FFFF'FFFF;
  }

  /// Past what is left of a block. The last byte before the frames is a piece, or it would not be known to have come.
  void pass(Bytes left) {
    if (last_ && left == 0) return frames_begin();
    next_ = last_ ? Next::last_byte : Next::block;
    skip(last_ ? left - 1 : left);
    want(last_ ? 1 : 4);
  }

  void frames_begin() {
    in_frames_ = true;
    rest();
  }

  Next next_ = Next::magic;
  bool last_ = false;
  bool in_frames_ = false;
  Bytes rate_ = 0;
  int channels_ = 0;
  Bytes samples_ = 0;
};

}  // namespace

std::unique_ptr<Container> flac() { return std::make_unique<Flac>(); }

}  // namespace onetake::media
