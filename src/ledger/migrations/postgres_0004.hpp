#pragma once

#include <string_view>

namespace onetake::ledger::pg {

/// No order in which a transaction adds to its tallies makes it wait for another that has the same slot: the end of a
/// run adds to the ended ones first and to the bytes then, an erasure the other way round.
inline constexpr std::string_view postgres_0004 = R"sql(
-- In a slot that nobody else adds to until this transaction ends: its own, or the next that is free. Who has one finds
-- it again, so that nobody who has one waits for another.
CREATE OR REPLACE FUNCTION add_to_tally(what text, more bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  mine integer := pg_backend_pid() % 16;
BEGIN
  FOR i IN 0 .. 15 LOOP
    EXIT WHEN pg_try_advisory_xact_lock(hashtextextended(current_schema() || '/tally/' || mine, 0));
    mine := (mine + 1) % 16;
  END LOOP;
  PERFORM pg_advisory_xact_lock(hashtextextended(current_schema() || '/tally/' || mine, 0));
  INSERT INTO tally AS t VALUES (what, mine, more)
  ON CONFLICT (name, slot) DO UPDATE SET value = t.value + excluded.value;
END $$;
)sql";

}  // namespace onetake::ledger::pg
