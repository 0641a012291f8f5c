#include "app/peers.hpp"

#include <utility>

#include "base/metrics.hpp"
#include "signal/fallback_wakes.hpp"
#include "signal/line_wakes.hpp"
#include "signal/postgres_wakes.hpp"
#include "signal/redis_wakes.hpp"

namespace onetake::app {
namespace {

signal::Topic topic_of(ledger::Change change) {
  switch (change) {
    case ledger::Change::run_queued:
      return signal::Topic::run_queued;
    case ledger::Change::run_taken:
      return signal::Topic::run_taken;
    case ledger::Change::run_ended:
      return signal::Topic::run_ended;
    case ledger::Change::recording_changed:
      return signal::Topic::recording_changed;
  }
  return signal::Topic::everything;
}

}  // namespace

Peers::OverRedis::OverRedis(const signal::RedisAddress& address)
    : redis(address, {}, [](bool here) { metrics::set(metrics::Series::redis_up, here ? 1 : 0); }) {}

Peers::Peers(const Settings& settings) {
  if (settings.redis.url) redis_.emplace(*settings.redis.url);
  if (!settings.database.shared()) return;
  wakes_ = signal::postgres_wakes(settings.database.url);
  if (redis_)
    wakes_ = std::make_unique<signal::FallbackWakes>(signal::redis_wakes(*settings.redis.url), std::move(wakes_),
                                                     [this] { return redis_->redis.here(); });
}

void Peers::tell(ledger::Change change, const std::string& id) noexcept {
  if (wakes_) wakes_->announce({.topic = topic_of(change), .id = id});
}

void Peers::listen(signal::Wakes::Heard heard) {
  if (wakes_) wakes_->listen(std::move(heard));
}

}  // namespace onetake::app
