#include <array>

#include "media/container.hpp"

namespace onetake::media {
namespace {

// RFC 4867 section 5.3: bytes behind the header of a frame, by its type; -1: no such type.
constexpr std::array<int, 16> narrow{12, 13, 15, 17, 19, 20, 26, 31, 5, -1, -1, -1, -1, -1, -1, 0};
constexpr std::array<int, 16> wide{17, 23, 32, 36, 40, 46, 50, 58, 60, 5, -1, -1, -1, -1, 0, 0};
constexpr double frame_seconds = 0.02;

/// RFC 4867 section 5, one channel.
class Amr final : public Walker {
 public:
  Amr() { want(6); }

  std::expected<Says, std::string> end(Bytes) const override { return Says::nothing; }

  Description describe(Bytes) const override {
    Description made{.duration_seconds = {}, .channels = {}, .codec = sizes_ == &wide ? "amr_wb" : "amr_nb"};
    if (several_) return made;
    made.channels = 1;
    if (!lost_) made.duration_seconds = static_cast<double>(frames_) * frame_seconds;
    return made;
  }

 private:
  enum class Next { magic, longer_magic, frame };

  void piece(Span bytes) override {
    switch (next_) {
      case Next::magic:
        if (text(bytes) == "#!AMR\n") break;
        next_ = Next::longer_magic;  // "#!AMR-WB\n", or several channels: "#!AMR_MC1.0\n", "#!AMR-WB_MC1.0\n"
        several_ = text(bytes) != "#!AMR-";
        return want(3);
      case Next::longer_magic:
        sizes_ = &wide;
        several_ = several_ || text(bytes) != "WB\n";
        if (several_) return rest();
        break;
      case Next::frame: {
        const int size = sizes_->at(byte_at(bytes, 0) >> 3 & 15);
        if (size < 0) {
          lost_ = true;
          return rest();
        }
        ++frames_;
        skip(static_cast<Bytes>(size));
        break;
      }
    }
    next_ = Next::frame;
    want(1);
  }

  Next next_ = Next::magic;
  const std::array<int, 16>* sizes_ = &narrow;
  bool several_ = false;
  bool lost_ = false;
  Bytes frames_ = 0;
};

}  // namespace

std::unique_ptr<Container> amr() { return std::make_unique<Amr>(); }

}  // namespace onetake::media
