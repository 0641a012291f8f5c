#pragma once

#include <memory>

#include "signal/line_wakes.hpp"
#include "signal/redis_address.hpp"
#include "signal/wake_line.hpp"

namespace onetake::signal {

/// Pub/sub, on the channel `onetake:wakes:DB` (https://redis.io/docs/latest/develop/interact/pubsub/: channels have
/// nothing to do with databases, so the number keeps two that share a Redis apart). Two connections, for who subscribes
/// may not publish; both to a server that can be written to, as a replica's subscribers do not hear the others.
DialWakes redis_line(RedisAddress address);

std::unique_ptr<LineWakes> redis_wakes(RedisAddress address);

}  // namespace onetake::signal
