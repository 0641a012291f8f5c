#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.hpp"

namespace onetake {

/// A string that cannot be taken for another kind of string.
template <class Tag>
class Id {
 public:
  Id() = default;
  explicit Id(std::string text) : text_(std::move(text)) {}

  [[nodiscard]] const std::string& str() const { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  auto operator<=>(const Id&) const = default;

 private:
  std::string text_;
};

using TenantId = Id<struct TenantTag>;        ///< [a-z0-9][a-z0-9-]{0,62}
using RecordingId = Id<struct RecordingTag>;  ///< UUIDv7, ours
using RunId = Id<struct RunTag>;              ///< UUIDv7, ours
using CallSid = Id<struct CallSidTag>;        ///< the provider's name of a call; see `valid_call_sid`

/// RFC 9562 section 5.7. Later calls of one process sort after earlier ones, also within a millisecond. Any thread.
std::string uuid7();
/// The same of a moment that somebody else's clock tells, apart from those of our own.
std::string uuid7(WallTime at);

/// 1 to 64 of [A-Za-z0-9_.-], not starting with a dot. Recording sids have the same form.
bool valid_call_sid(std::string_view text);

}  // namespace onetake

template <class Tag>
struct std::hash<onetake::Id<Tag>> {
  std::size_t operator()(const onetake::Id<Tag>& id) const noexcept { return std::hash<std::string>{}(id.str()); }
};
