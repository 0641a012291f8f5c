#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <string>

#include "base/clock.hpp"

namespace onetake::ledger {

struct Moved {
  std::int64_t recordings = 0;
  std::int64_t runs = 0;
  std::int64_t files = 0;       ///< published ones, in the source's data directory
  std::int64_t tombstones = 0;  ///< of what was erased
};

/// Copies a ledger from SQLite to PostgreSQL: recordings, runs, tombstones with their secret, and the list of files,
/// which become those of `node`. Ids, cycles and tokens stay; what is running is queued again, due at `now`, its
/// attempt given back. The source is only read; the target gets its schema, and then all of it in one transaction or
/// nothing. Takes memory for a few rows, however many there are.
///
/// REQUIRES: the source's data directory is the caller's. Errors, for a person: the source has another schema than
/// ours, the target is not empty; of files that the source has none is where `has_file` looks: the data directory is
/// another's. Throws `Unavailable`.
std::expected<Moved, std::string> move_to_postgres(const std::filesystem::path& source, const std::string& url,
                                                   const std::string& node,
                                                   const std::function<bool(const std::string& blob)>& has_file,
                                                   WallTime now);

}  // namespace onetake::ledger
