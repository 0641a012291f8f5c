#pragma once

#include <filesystem>
#include <memory>

#include "ledger/ledger.hpp"
#include "ledger/migrated.hpp"

namespace onetake::ledger {

struct SqliteOptions {
  bool migrate = true;               ///< false: a schema older than ours is refused
  milliseconds query_limit{10'000};  ///< a `query` is interrupted after this long
};

/// Opens the file, or makes it. Throws `Unavailable`: another process has it, its schema is newer than we know, it is
/// not ours, the disk does not want to. Every loop that calls the ledger outlives it; destroying it finishes what
/// waits, on a thread of its own, and closes the file.
std::unique_ptr<Ledger> open_sqlite(const std::filesystem::path& path, const SqliteOptions& options = {});

/// Applies migrations to a file that nobody has open, made if need be.
Migrated migrate_sqlite(const std::filesystem::path& path);

}  // namespace onetake::ledger
