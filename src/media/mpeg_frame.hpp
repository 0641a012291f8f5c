#pragma once

#include <cstdint>
#include <optional>

#include "media/bytes.hpp"

namespace onetake::media {

/// The header of one MPEG audio frame (ISO/IEC 11172-3, 13818-3, and the 2.5 extension).
struct MpegFrame {
  int layer;  ///< 1, 2 or 3
  bool version1;
  int rate;  ///< samples a second
  int channels;
  int samples;       ///< in one frame
  std::size_t size;  ///< bytes, the header's 4 included; at least 24, at most 2,881

  /// Frames of one stream agree on these.
  [[nodiscard]] bool goes_with(const MpegFrame& other) const {
    return layer == other.layer && version1 == other.version1 && rate == other.rate;
  }
};

/// Nothing unless every field has a value that it may have; "free" bitrates count as none. REQUIRES: 4 bytes.
std::optional<MpegFrame> mpeg_frame(Span header);

}  // namespace onetake::media
