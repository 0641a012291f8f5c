#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

namespace onetake::ledger {

/// What must hold of every row, whatever happened: docs/guarantees.md as SQL. Each holds within one row and what
/// belongs to it, so that a page can be asked for while the server runs and is one moment's truth.
struct Invariant {
  std::string_view name;
  std::string_view meaning;  ///< for the person who reads that it is violated
  std::string_view violated;
};

/// Of a recording `r`, and of a run `u`.
std::span<const Invariant> recording_invariants();
std::span<const Invariant> run_invariants();

/// As a literal of SQL. Ids are ours, but they come from a table that may be broken.
std::string quoted(const std::string& text);

/// `SELECT id, <a column 0 or 1 an invariant> …`: the next `limit` rows by id, after `after` ("" is the beginning).
std::string recordings_page(const std::string& after, int limit);
std::string runs_page(const std::string& after, int limit);

/// The tables, indexes and triggers that this build makes, by name: what forbids at all times what the invariants look
/// for afterwards.
std::map<std::string, std::string> schema_objects();
/// `name, sql` of those that there are.
extern const std::string_view select_schema_objects;

}  // namespace onetake::ledger
