#pragma once

#include <string_view>

namespace onetake::ledger::pg {

/// What is still to be copied to the durable storage, and what is to be removed from it: one list for all nodes.
inline constexpr std::string_view postgres_0002 = R"sql(
CREATE INDEX recording_not_durable ON recording (id) WHERE media_blob IS NOT NULL AND NOT media_durable;

-- Objects that nothing points to: nobody makes them any more from `due_at` on.
CREATE TABLE loose_object (
  blob     text COLLATE "C" PRIMARY KEY,
  due_at   bigint NOT NULL,
  removing boolean NOT NULL                                 -- somebody is at it, until then
);
CREATE INDEX loose_object_by_due ON loose_object (due_at);

CREATE FUNCTION object_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND new.media_durable THEN
    DELETE FROM loose_object WHERE blob = new.media_blob;
  ELSIF old.media_blob IS NOT NULL THEN
    INSERT INTO loose_object VALUES (old.media_blob, 0, false)
    ON CONFLICT (blob) DO UPDATE SET due_at = 0, removing = false;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER object_changes AFTER UPDATE OF media_blob, media_durable ON recording
  FOR EACH ROW WHEN (old.media_durable <> new.media_durable) EXECUTE FUNCTION object_changes();
CREATE TRIGGER object_goes AFTER DELETE ON recording
  FOR EACH ROW WHEN (old.media_durable) EXECUTE FUNCTION object_changes();
)sql";

}  // namespace onetake::ledger::pg
