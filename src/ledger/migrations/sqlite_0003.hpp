#pragma once

#include <string_view>

namespace onetake::ledger {

/// Files that nothing points to. A name comes in before its file gets it, or in the transaction that takes its pointer
/// away, and goes out with the commit that points to it, or once the file is unlinked: whatever a crash leaves behind
/// stands here, however many files there are.
inline constexpr std::string_view sqlite_0003 = R"sql(
CREATE TABLE loose_file (
  blob      TEXT PRIMARY KEY NOT NULL,
  announced INTEGER NOT NULL CHECK (announced = 0 OR announced = 1)  -- 1: somebody is about to point to it
) STRICT, WITHOUT ROWID;

CREATE TRIGGER file_taken AFTER UPDATE OF media_blob ON recording WHEN new.media_blob IS NOT NULL
BEGIN
  DELETE FROM loose_file WHERE blob = new.media_blob;
END;
CREATE TRIGGER file_let_go AFTER UPDATE OF media_blob ON recording
WHEN old.media_blob IS NOT NULL AND old.media_blob IS NOT new.media_blob
BEGIN
  INSERT OR REPLACE INTO loose_file VALUES (old.media_blob, 0);
END;
CREATE TRIGGER file_erased AFTER DELETE ON recording WHEN old.media_blob IS NOT NULL
BEGIN
  INSERT OR REPLACE INTO loose_file VALUES (old.media_blob, 0);
END;
)sql";

}  // namespace onetake::ledger
