#pragma once

#include <string_view>

namespace onetake::ledger {

/// What is still to be copied to the durable storage, and what is to be removed from it.
inline constexpr std::string_view sqlite_0005 = R"sql(
CREATE INDEX recording_not_durable ON recording (id)
  WHERE media_blob IS NOT NULL AND media_here = 1 AND media_durable = 0;

-- Objects that nothing points to: nobody makes them any more from `due_at` on.
CREATE TABLE loose_object (
  blob     TEXT PRIMARY KEY NOT NULL,
  due_at   INTEGER NOT NULL,
  removing INTEGER NOT NULL CHECK (removing = 0 OR removing = 1)  -- somebody is at it, until then
) STRICT, WITHOUT ROWID;
CREATE INDEX loose_object_by_due ON loose_object (due_at);

CREATE TRIGGER object_made AFTER UPDATE OF media_durable ON recording
WHEN old.media_durable = 0 AND new.media_durable = 1
BEGIN
  DELETE FROM loose_object WHERE blob = new.media_blob;
END;
CREATE TRIGGER object_spoiled AFTER UPDATE OF media_durable ON recording
WHEN old.media_durable = 1 AND new.media_durable = 0 AND old.media_blob IS NOT NULL
BEGIN
  INSERT OR REPLACE INTO loose_object VALUES (old.media_blob, 0, 0);
END;
CREATE TRIGGER object_let_go AFTER UPDATE OF media_blob ON recording
WHEN old.media_blob IS NOT NULL AND old.media_blob IS NOT new.media_blob AND old.media_durable = 1
BEGIN
  INSERT OR REPLACE INTO loose_object VALUES (old.media_blob, 0, 0);
END;
CREATE TRIGGER object_erased AFTER DELETE ON recording WHEN old.media_blob IS NOT NULL AND old.media_durable = 1
BEGIN
  INSERT OR REPLACE INTO loose_object VALUES (old.media_blob, 0, 0);
END;

-- Published is what lies on this disk; what is durable may be elsewhere.
DROP TRIGGER recording_published;
DROP TRIGGER recording_deleted;
UPDATE tally SET value = (SELECT coalesce(sum(media_bytes), 0) FROM recording WHERE media_here = 1)
WHERE name = 'published_bytes';
CREATE TRIGGER recording_published AFTER UPDATE OF media_bytes, media_here ON recording
WHEN old.media_bytes IS NOT new.media_bytes OR old.media_here <> new.media_here
BEGIN
  UPDATE tally
  SET value = value + coalesce(new.media_bytes, 0) * new.media_here - coalesce(old.media_bytes, 0) * old.media_here
  WHERE name = 'published_bytes';
END;
CREATE TRIGGER recording_deleted AFTER DELETE ON recording WHEN old.media_bytes IS NOT NULL AND old.media_here = 1
BEGIN
  UPDATE tally SET value = value - old.media_bytes WHERE name = 'published_bytes';
END;
)sql";

}  // namespace onetake::ledger
