#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/task.hpp"

namespace onetake::signal {

/// What nodes tell each other of one account at one provider: that it said 429, and when it may be asked again.
///
/// Not how many requests each has under way: every node's limit gives way to the same 429s and recovers by itself, as
/// flows do that share a line (docs/decisions/0015). What one node hears from the provider concerns all, so all close
/// and halve with it; and at most once for what was under way together, for who met its 429 without having heard of
/// the last one tells no news.
///
/// Where nobody answers each node goes by its own gate.
class SharedLimit {
 public:
  virtual ~SharedLimit() = default;

  struct Account {
    TenantId tenant = {};
    std::string provider = {};  ///< the name in the tenant's configuration
  };
  struct Word {
    std::string setback = {};    ///< which 429 was the last, of whatever node; "" for none
    milliseconds closed_for{0};  ///< nobody may go before
  };

  /// The word as it is; nothing where nobody answers. Any loop. At most 50 ms, never throws.
  virtual Task<std::optional<Word>> hear(Account account) = 0;

  /// The provider said 429, and maybe when to come again, to a request that set out when `heard` was the last setback.
  /// Returns the last setback as it is now: its own, if it told news; nothing where nobody answers. Any loop; at most
  /// 50 ms, never throws.
  virtual Task<std::optional<std::string>> throttled(Account account, std::string heard,
                                                     std::optional<milliseconds> retry_after) = 0;
};

}  // namespace onetake::signal
