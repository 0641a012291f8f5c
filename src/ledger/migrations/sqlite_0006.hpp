#pragma once

#include <string_view>

namespace onetake::ledger {

/// A recording that begins to be fetched changes nothing that an index has: one page of the table is written, instead
/// of it and those of two indexes, which lie apart where recordings are not played in the order in which they came.
/// (A generated column would not do: SQLite writes its indexes whenever what it is made of is set.)
inline constexpr std::string_view sqlite_0006 = R"sql(
-- The state, of those that are not 'remote' or 'fetching'.
ALTER TABLE recording ADD COLUMN settled TEXT;
UPDATE recording SET settled = state WHERE state = 'ready' OR state = 'failed' OR state = 'gone';
DROP INDEX recording_by_state;
DROP INDEX recording_by_age;
CREATE INDEX recording_by_settled ON recording (tenant, settled, sort_at, id);
CREATE INDEX recording_unless_gone ON recording (sort_at) WHERE settled IS NOT 'gone';

CREATE TRIGGER recording_settles AFTER UPDATE OF state ON recording
WHEN new.settled IS NOT iif(new.state = 'remote' OR new.state = 'fetching', NULL, new.state)
BEGIN
  UPDATE recording SET settled = iif(new.state = 'remote' OR new.state = 'fetching', NULL, new.state) WHERE id = new.id;
END;
CREATE TRIGGER recording_comes_settled AFTER INSERT ON recording
WHEN new.settled IS NOT iif(new.state = 'remote' OR new.state = 'fetching', NULL, new.state)
BEGIN
  UPDATE recording SET settled = iif(new.state = 'remote' OR new.state = 'fetching', NULL, new.state) WHERE id = new.id;
END;
)sql";

}  // namespace onetake::ledger
