#pragma once

namespace onetake::ledger {

/// The schema that a database had before its migration, and has.
struct Migrated {
  int from;
  int to;
};

}  // namespace onetake::ledger
