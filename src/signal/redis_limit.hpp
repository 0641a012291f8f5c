#pragma once

#include "signal/redis.hpp"
#include "signal/shared_limit.hpp"

namespace onetake::signal {

/// In Redis, two keys an account in one slot of a Redis Cluster:
///
///     onetake:limit:{acme/main}:setback    an id for the last 429; lives for `memory`
///     onetake:limit:{acme/main}:closed     lives until the account may be asked again: no clock is compared
///
/// Nobody owns either, so nothing is left over from a node that dies.
class RedisLimit final : public SharedLimit {
 public:
  /// For so long a node that comes anew is told.
  static constexpr std::chrono::seconds memory{60};

  explicit RedisLimit(Redis& redis) : redis_(redis) {}

  Task<std::optional<Word>> hear(Account account) override;
  Task<std::optional<std::string>> throttled(Account account, std::string heard,
                                             std::optional<milliseconds> retry_after) override;

 private:
  Redis& redis_;
};

}  // namespace onetake::signal
