#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.hpp"

namespace onetake::run {

/// What a published file is called: RECORDING-CYCLE-TOKEN-VERSION. No two claims give the same name.
struct BlobName {
  RecordingId recording;
  int cycle = 0;

  [[nodiscard]] std::string str(std::int64_t token, int version) const;
  /// Nothing for what is no such name.
  static std::optional<BlobName> parse(std::string_view name);
};

}  // namespace onetake::run
