#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace onetake::ledger {

/// Where a page ended: the last item's place in the order. Opaque outside: base64url without padding.
struct RecordingCursor {
  WallTime sort_at;
  std::string id;

  bool operator==(const RecordingCursor&) const = default;
};

std::string encode(const RecordingCursor& cursor);
/// The runs' order is that of their ids.
std::string encode_run_cursor(std::string_view id);

/// Nothing for what none of the above has made.
std::optional<RecordingCursor> recording_cursor(std::string_view text);
std::optional<std::string> run_cursor(std::string_view text);

}  // namespace onetake::ledger
