#pragma once

#include <memory>
#include <optional>
#include <string>

#include "app/settings.hpp"
#include "ledger/postgres_ledger.hpp"
#include "signal/play_key.hpp"
#include "signal/redis_limit.hpp"
#include "signal/wakes.hpp"

namespace onetake::app {

/// What this node says to the others and hears from them beside the database: hints and limits over Redis, where there
/// is one, wake-ups over Redis while it is there, else over PostgreSQL. All of it may be lost, and costs time only.
class Peers {
 public:
  explicit Peers(const Settings& settings);

  /// Null without Redis.
  [[nodiscard]] signal::Hints* hints() { return redis_ ? &redis_->hints : nullptr; }
  [[nodiscard]] signal::SharedLimit* limit() { return redis_ ? &redis_->limit : nullptr; }

  /// As `PostgresOptions::committed`. Any thread; does not wait.
  void tell(ledger::Change change, const std::string& id) noexcept;
  /// Once; as `Wakes::listen`. Nothing is ever heard where the database is this node's alone.
  void listen(signal::Wakes::Heard heard);
  /// Says what is still to be said; nothing is heard any more. After whoever tells and hears has ended.
  void fall_silent() { wakes_.reset(); }

 private:
  struct OverRedis {
    explicit OverRedis(const signal::RedisAddress& address);

    signal::Redis redis;
    signal::PlayKey hints{redis};
    signal::RedisLimit limit{redis};
  };

  std::optional<OverRedis> redis_;
  std::unique_ptr<signal::Wakes> wakes_;
};

}  // namespace onetake::app
