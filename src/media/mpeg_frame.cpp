#include "media/mpeg_frame.hpp"

#include <array>

namespace onetake::media {
namespace {

using Row = std::array<int, 15>;
constexpr Row v1_layer1{0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448};
constexpr Row v1_layer2{0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384};
constexpr Row v1_layer3{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320};
constexpr Row v2_layer1{0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256};
constexpr Row v2_layer23{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160};
constexpr std::array rates{44'100, 48'000, 32'000};

const Row& bitrates(bool version1, int layer) {
  if (!version1) return layer == 1 ? v2_layer1 : v2_layer23;
  return layer == 1 ? v1_layer1 : layer == 2 ? v1_layer2 : v1_layer3;
}

}  // namespace

std::optional<MpegFrame> mpeg_frame(Span header) {
  const auto bits = static_cast<std::uint32_t>(big_endian(header, 0, 4));
  const auto field = [bits](int from, std::uint32_t mask) { return bits >> from & mask; };
  const auto version = field(19, 3);  // 0: 2.5, 1: reserved, 2: 2, 3: 1
  const auto layer_code = field(17, 3);
  const auto bitrate_index = field(12, 15);
  const auto rate_index = field(10, 3);
  const auto emphasis = field(0, 3);
  if (field(21, 0x7FF) != 0x7FF || version == 1 || layer_code == 0 || bitrate_index == 0 || bitrate_index == 15 ||
      rate_index == 3 || emphasis == 2)
    return std::nullopt;

  MpegFrame frame{};
  frame.layer = 4 - static_cast<int>(layer_code);
  frame.version1 = version == 3;
  frame.rate = rates.at(rate_index) >> (version == 3 ? 0 : version == 2 ? 1 : 2);
  frame.channels = field(6, 3) == 3 ? 1 : 2;
  frame.samples = frame.layer == 1 ? 384 : frame.layer == 3 && !frame.version1 ? 576 : 1152;
  const auto padding = static_cast<int>(field(9, 1));
  const auto bitrate = bitrates(frame.version1, frame.layer).at(bitrate_index) * 1000;
  const auto size =
      frame.layer == 1 ? (12 * bitrate / frame.rate + padding) * 4 : frame.samples / 8 * bitrate / frame.rate + padding;
  frame.size = static_cast<std::size_t>(size);
  return frame;
}

}  // namespace onetake::media
