#pragma once

#include <string_view>

namespace onetake::ledger::pg {

/// Since when a node gives its signs of life without a gap, for whoever says that another has been silent must have
/// been able to hear it; and how much each node holds, which a start would have to count. A build that does not know
/// them gets along: the one stays as it is, the other is the triggers'.
inline constexpr std::string_view postgres_0005 = R"sql(
ALTER TABLE node ADD COLUMN alive_since timestamptz NOT NULL DEFAULT clock_timestamp();

-- Bytes of the files that a node's copies name. In slots, as tallies.
CREATE TABLE held (
  node  text COLLATE "C" NOT NULL,
  slot  integer NOT NULL,
  bytes bigint NOT NULL,
  PRIMARY KEY (node, slot)
);
INSERT INTO held SELECT c.node, 0, coalesce(sum(r.media_bytes), 0)
  FROM copy c JOIN recording r ON r.id = c.recording_id GROUP BY 1;

-- One that nobody else adds to until this transaction ends: its own, or the next that is free. Who has one finds it
-- again, so that nobody who has one waits for another.
CREATE FUNCTION tally_slot() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  mine integer := pg_backend_pid() % 16;
BEGIN
  FOR i IN 0 .. 15 LOOP
    EXIT WHEN pg_try_advisory_xact_lock(hashtextextended(current_schema() || '/tally/' || mine, 0));
    mine := (mine + 1) % 16;
  END LOOP;
  PERFORM pg_advisory_xact_lock(hashtextextended(current_schema() || '/tally/' || mine, 0));
  RETURN mine;
END $$;

CREATE OR REPLACE FUNCTION add_to_tally(what text, more bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO tally AS t VALUES (what, tally_slot(), more)
  ON CONFLICT (name, slot) DO UPDATE SET value = t.value + excluded.value;
END $$;

-- The recording still has the length of what goes: its copies go first.
CREATE OR REPLACE FUNCTION copy_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    INSERT INTO loose_file VALUES (old.node, old.blob, false)
    ON CONFLICT (node, blob) DO UPDATE SET announced = false;
    INSERT INTO held AS h SELECT old.node, tally_slot(), -coalesce(media_bytes, 0)
      FROM recording WHERE id = old.recording_id
    ON CONFLICT (node, slot) DO UPDATE SET bytes = h.bytes + excluded.bytes;
  ELSE
    DELETE FROM loose_file WHERE node = new.node AND blob = new.blob;
  END IF;
  IF TG_OP = 'INSERT' THEN
    INSERT INTO held AS h SELECT new.node, tally_slot(), coalesce(media_bytes, 0)
      FROM recording WHERE id = new.recording_id
    ON CONFLICT (node, slot) DO UPDATE SET bytes = h.bytes + excluded.bytes;
  END IF;
  RETURN NULL;
END $$;
)sql";

}  // namespace onetake::ledger::pg
