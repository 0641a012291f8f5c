#pragma once

#include <functional>
#include <memory>
#include <string>

#include "ledger/ledger.hpp"
#include "ledger/migrated.hpp"

namespace onetake::ledger {

/// What was committed and other nodes may be waiting for.
enum class Change {
  run_queued,        ///< somebody may claim it; no id
  run_taken,         ///< by a worker; its id
  run_ended,         ///< its id
  recording_changed  ///< it was erased, replaced or retired; its id
};

struct PostgresOptions {
  /// This node's name: leases and files are its own under this name, also after a restart. Two nodes of one database
  /// never have the same.
  std::string node = {};
  /// Called after the commit, on the loop of whoever made the change, before the answer is given; maybe when the ledger
  /// is no more. Must not block.
  std::function<void(Change change, const std::string& id)> committed = {};
  int pool = 8;                            ///< connections at most, besides one for each `query`; from 2 on
  bool migrate = true;                     ///< false: a schema older than ours is refused
  milliseconds query_limit{10'000};        ///< a `query` is ended after this long
  milliseconds connect_timeout{3'000};     ///< of each address that the URL names
  milliseconds statement_timeout{10'000};  ///< of each statement, and of each wait for a lock
  milliseconds idle_timeout{5'000};        ///< a transaction whose client stopped in the middle is undone after this
  milliseconds patience{5'000};            ///< for a connection to become free; then `Unavailable`
};

/// Connects, and applies migrations. `url` is libpq's, `postgresql://user:pass@host:port/db`: it may name several hosts
/// and any parameter of libpq, and wins over the options; whatever it says, only a server that takes writes is used,
/// unless it sets target_session_attrs itself. A connection is a session: behind PgBouncer, in session mode only.
///
/// Throws `Unavailable`: nobody answers, its schema is newer than we may run on, it is not ours. Every loop that calls
/// the ledger outlives it; destroying it finishes what waits, on threads of its own.
std::unique_ptr<Ledger> open_postgres(const std::string& url, const PostgresOptions& options = {});

/// A server as a person finds it who is about to use it.
struct PostgresFound {
  std::string version;
  std::string place;         ///< host:port/database
  int schema = 0;            ///< 0: none yet
  int known = 0;             ///< the newest that this build knows
  bool may_migrate = false;  ///< this user may make tables where they would lie
};

/// Connects, and changes nothing. Throws as `open_postgres` does.
PostgresFound look_at_postgres(const std::string& url);

/// Applies migrations; running nodes go on.
Migrated migrate_postgres(const std::string& url);

}  // namespace onetake::ledger
