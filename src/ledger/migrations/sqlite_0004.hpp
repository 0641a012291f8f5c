#pragma once

#include <string_view>

namespace onetake::ledger {

/// A durable copy beside the file: the pointer may outlive the file, and the file may come back.
inline constexpr std::string_view sqlite_0004 = R"sql(
ALTER TABLE recording ADD COLUMN media_here INTEGER NOT NULL DEFAULT 1 CHECK (media_here = 0 OR media_here = 1);
ALTER TABLE recording ADD COLUMN media_durable INTEGER NOT NULL DEFAULT 0 CHECK (media_durable = 0 OR media_durable = 1);

DROP INDEX recording_by_play;
CREATE INDEX recording_by_play ON recording (coalesce(played_at, 0), id) WHERE media_blob IS NOT NULL AND media_here = 1;

CREATE TRIGGER file_evicted AFTER UPDATE OF media_here ON recording
WHEN old.media_here = 1 AND new.media_here = 0 AND old.media_blob IS NOT NULL
BEGIN
  INSERT OR REPLACE INTO loose_file VALUES (old.media_blob, 0);
END;
CREATE TRIGGER file_copied AFTER UPDATE OF media_here ON recording
WHEN old.media_here = 0 AND new.media_here = 1 AND new.media_blob IS NOT NULL
BEGIN
  DELETE FROM loose_file WHERE blob = new.media_blob;
END;
)sql";

}  // namespace onetake::ledger
