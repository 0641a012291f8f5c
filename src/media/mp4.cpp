#include <algorithm>
#include <array>

#include "media/container.hpp"

namespace onetake::media {
namespace {

constexpr std::array containers{"moov", "trak", "mdia", "minf", "stbl"};

struct Codec {
  const char* entry;
  const char* name;
};
constexpr std::array codecs{Codec{"mp4a", "aac"},       Codec{"alac", "alac"},    Codec{"Opus", "opus"},
                            Codec{"fLaC", "flac"},      Codec{"samr", "amr_nb"},  Codec{"sawb", "amr_wb"},
                            Codec{"ac-3", "ac3"},       Codec{"ec-3", "eac3"},    Codec{".mp3", "mp3"},
                            Codec{"ulaw", "pcm_mulaw"}, Codec{"alaw", "pcm_alaw"}};

/// ISO/IEC 14496-12. Boxes lie in boxes; those that say something are read, in whatever order they come.
class Mp4 final : public Walker {
 public:
  Mp4() { look_for_box(); }

  std::expected<Says, std::string> end(Bytes size) const override {
    if (open_) return Says::nothing;
    if (size < top_ends_)
      return std::unexpected("its boxes say " + std::to_string(top_ends_) + " bytes, and it has " +
                             std::to_string(size));
    const bool all = size == top_ends_ && movie_ && !fragmented_;
    return all ? Says::all : Says::nothing;
  }

  Description describe(Bytes) const override {
    Description made{.duration_seconds = {}, .channels = {}, .codec = codec_};
    if (channels_ > 0) made.channels = channels_;
    if (timescale_ > 0 && duration_ > 0)
      made.duration_seconds = static_cast<double>(duration_) / static_cast<double>(timescale_);
    return made;
  }

 private:
  enum class Next { box, large, mvhd, hdlr, stsd };

  void look_for_box() {
    next_ = Next::box;
    want(8);
  }

  void piece(Span bytes) override {
    switch (next_) {
      case Next::box: {
        name_ = text(bytes.subspan(4, 4));
        const auto size = big_endian(bytes, 0, 4);
        if (size == 1) {
          next_ = Next::large;
          return want(8);
        }
        if (size != 0) return box(size, 8);
        open_ = true;  // to the end of the file, wherever that is
        return rest();
      }
      case Next::large:
        return box(big_endian(bytes, 0, 8), 16);
      case Next::mvhd:
        mvhd(bytes);
        break;
      case Next::hdlr:
        sound_ = text(bytes.subspan(8, 4)) == "soun";
        break;
      case Next::stsd:
        stsd(bytes);
        break;
    }
    skip(after_);
    look_for_box();
  }

  void box(Bytes size, Bytes header) {
    const bool top = at() - header >= top_ends_;
    if (size < header || size >> 62 != 0) {  // no box, so what follows is none either
      open_ = true;
      return rest();
    }
    auto body = size - header;
    if (top) {
      top_ends_ = at() + body;
      movie_ = movie_ || name_ == "moov";
      fragmented_ = fragmented_ || name_ == "moof";
    } else {
      body = std::min(body, top_ends_ - at());
    }
    if (name_ == "mvex") fragmented_ = true;
    if (std::ranges::find(containers, name_) != containers.end()) return look_for_box();
    if (name_ == "mvhd") return leaf(Next::mvhd, body, 32, 20);
    if (name_ == "hdlr") return leaf(Next::hdlr, body, 12, 12);
    if (name_ == "stsd" && sound_ && codec_.empty()) return leaf(Next::stsd, body, 8 + 28, 8 + 28);
    skip(body);
    look_for_box();
  }

  void leaf(Next next, Bytes body, std::size_t most, std::size_t least) {
    if (body < least) {
      skip(body);
      return look_for_box();
    }
    const auto wanted = std::min<Bytes>(body, most);
    after_ = body - wanted;
    next_ = next;
    want(static_cast<std::size_t>(wanted));
  }

  void mvhd(Span bytes) {
    if (byte_at(bytes, 0) == 0) {
      timescale_ = big_endian(bytes, 12, 4);
      duration_ = big_endian(bytes, 16, 4);
      if (duration_ == 0xFFFF'FFFF) duration_ = 0;
    } else if (bytes.size() >= 32) {
      timescale_ = big_endian(bytes, 20, 4);
      duration_ = big_endian(bytes, 24, 8);
      if (duration_ >> 62 != 0) duration_ = 0;
    }
  }

  /// The first sample entry: an AudioSampleEntry begins 8 bytes in, its channel count 24 bytes later.
  void stsd(Span bytes) {
    const auto entry = text(bytes.subspan(12, 4));
    const auto* found = std::ranges::find(codecs, entry, &Codec::entry);
    if (found != codecs.end()) codec_ = found->name;
    channels_ = static_cast<int>(big_endian(bytes, 8 + 24, 2));
  }

  Next next_ = Next::box;
  std::string name_;
  Bytes after_ = 0;
  Bytes top_ends_ = 0;
  bool open_ = false;
  bool movie_ = false;
  bool fragmented_ = false;
  bool sound_ = false;
  Bytes timescale_ = 0;
  Bytes duration_ = 0;
  int channels_ = 0;
  std::string codec_;
};

}  // namespace

std::unique_ptr<Container> mp4() { return std::make_unique<Mp4>(); }

}  // namespace onetake::media
