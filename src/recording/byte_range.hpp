#pragma once

#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "base/units.hpp"

namespace onetake {

/// Bytes from `first` to `last`, both included, as RFC 9110 counts them.
struct ByteRange {
  Bytes first;
  Bytes last;

  [[nodiscard]] Bytes size() const { return last - first + 1; }
  bool operator==(const ByteRange&) const = default;
};

/// One range as asked for (RFC 9110 section 14.1.2): `first-last`, `first-` or `-suffix`.
struct RangeSpec {
  std::optional<Bytes> first;
  std::optional<Bytes> last;  ///< with `first`: the last byte; without: how many bytes of the end

  bool operator==(const RangeSpec&) const = default;
};

/// A Range field's value. Nothing when it is not of the bytes unit or not well formed, for then it is as if it were
/// not there; nothing too past 32 ranges, which no player asks for.
std::optional<std::vector<RangeSpec>> parse_range(std::string_view field);

/// What a spec means for a representation of `total` bytes. Nothing when it cannot be satisfied.
std::optional<ByteRange> resolve(const RangeSpec& spec, Bytes total);

}  // namespace onetake
