#pragma once

#include "signal/hints.hpp"
#include "signal/redis.hpp"

namespace onetake::signal {

/// Hints in Redis: a key for each (tenant, call sid, recording sid) as it is asked for, which holds the run's id and
/// lives for `Hints::life`. One command each, on one key: the hash tag keeps the keys of a call in one slot of a Redis
/// Cluster, and their names apart from other people's.
///
///     onetake:play:{acme/CA1}          the call's first recording
///     onetake:play:{acme/CA1}:RE2      another one
class PlayKey final : public Hints {
 public:
  explicit PlayKey(Redis& redis) : redis_(redis) {}

  Task<std::optional<RunId>> under_way(Key key) override;
  void begun(const Key& key, const RunId& run) noexcept override;
  void ended(const Key& key, const RunId& run) noexcept override;

  static std::string name(const Key& key);

 private:
  Redis& redis_;
};

}  // namespace onetake::signal
