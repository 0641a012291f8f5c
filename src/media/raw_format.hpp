#pragma once

#include <string_view>

namespace onetake::media {

/// Samples without a header, as telephony has them: one channel.
struct RawFormat {
  std::string_view declared;  ///< what a registration says
  std::string_view content_type;
  std::string_view codec;
  int bytes_per_second;
};

/// Null for a format that is not taken on its word.
const RawFormat* raw_format(std::string_view declared);

}  // namespace onetake::media
