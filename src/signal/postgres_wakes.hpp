#pragma once

#include <memory>
#include <string>

#include "signal/wake_line.hpp"
#include "signal/wakes.hpp"

namespace onetake::signal {

/// LISTEN and NOTIFY over a connection of its own (https://www.postgresql.org/docs/15/sql-notify.html), not within the
/// transactions that they tell of: those would then commit one after the other, behind NOTIFY's lock.
///
/// `url` is libpq's; of several hosts the one that can be written to. Not through a pooler in transaction mode, which
/// has no LISTEN.
DialWakes postgres_line(std::string url);

std::unique_ptr<Wakes> postgres_wakes(std::string url);

}  // namespace onetake::signal
