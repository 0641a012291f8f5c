#include <algorithm>
#include <array>

#include "media/container.hpp"
#include "media/raw_format.hpp"

namespace onetake::media {
namespace {

// Media types: RFC 2046 section 4.3 and RFC 4856. GSM 06.10 is 33 bytes for 20 ms.
constexpr std::array formats{
    RawFormat{"mulaw", "audio/basic", "pcm_mulaw", 8000},
    RawFormat{"alaw", "audio/PCMA", "pcm_alaw", 8000},
    RawFormat{"g722", "audio/G722", "g722", 8000},
    RawFormat{"gsm", "audio/GSM", "gsm", 1650},
};

class Raw final : public Container {
 public:
  explicit Raw(const RawFormat* format) : format_(format) {}

  void take(Span) override {}
  std::expected<Says, std::string> end(Bytes) const override { return Says::nothing; }
  Description describe(Bytes size) const override {
    if (format_ == nullptr) return {};
    return {.duration_seconds = static_cast<double>(size) / format_->bytes_per_second,
            .channels = 1,
            .codec = std::string{format_->codec}};
  }

 private:
  const RawFormat* format_;
};

}  // namespace

const RawFormat* raw_format(std::string_view declared) {
  const auto* found = std::ranges::find(formats, declared, &RawFormat::declared);
  return found == formats.end() ? nullptr : found;
}

std::unique_ptr<Container> raw(std::string_view declared) { return std::make_unique<Raw>(raw_format(declared)); }

}  // namespace onetake::media
