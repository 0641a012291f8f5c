#include "ledger/sqlite_files.hpp"

#include <utility>

#include "ledger/rows.hpp"
#include "ledger/sqlite_recordings.hpp"

namespace onetake::ledger {
namespace {

constexpr std::string_view columns =
    "id, tenant, call_sid, CASE WHEN media_here = 1 THEN media_blob END, media_bytes, media_sha256, "
    "coalesce(played_at, 0)";

/// REQUIRES: the row is at the blob, which is not NULL; what stands before it has been read.
Stored read_stored(Statement& row, RecordingId recording, TenantId tenant, CallSid call_sid) {
  Stored stored;
  stored.recording = std::move(recording);
  stored.tenant = std::move(tenant);
  stored.call_sid = std::move(call_sid);
  stored.blob = row.text();
  stored.bytes = static_cast<Bytes>(row.integer());
  stored.sha256 = row.text();
  stored.played_at = row.time();
  return stored;
}

}  // namespace

int played(Connection& db, const std::vector<Played>& plays) {
  int count = 0;
  for (const auto& [recording, at] : plays)  // a play that another has overtaken says nothing new
    count += db.run("UPDATE recording SET played_at = ?1 WHERE id = ?2 AND coalesce(played_at, 0) < ?1", at, recording);
  return count;
}

std::vector<Stored> least_played(Connection& db, const std::optional<Stored>& after, int limit) {
  static const std::string sql = "SELECT " + std::string{columns} +
                                 " FROM recording WHERE media_blob IS NOT NULL AND media_here = 1 "
                                 "AND coalesce(played_at, 0) >= ?1 AND (coalesce(played_at, 0) > ?1 OR id > ?2) "
                                 "ORDER BY coalesce(played_at, 0), id LIMIT ?3";
  const auto from = after.value_or(Stored{.recording = {},
                                          .tenant = {},
                                          .call_sid = {},
                                          .blob = {},
                                          .sha256 = {},
                                          .played_at = WallTime{milliseconds{-1}}});
  std::vector<Stored> all;
  auto rows = db.select(sql, from.played_at, from.recording, limit);
  while (rows.next()) {
    RecordingId recording{rows->text()};
    TenantId tenant{rows->text()};
    CallSid call_sid{rows->text()};
    all.push_back(read_stored(*rows, std::move(recording), std::move(tenant), std::move(call_sid)));
  }
  return all;
}

Stretch walk_files(Connection& db, const RecordingId& after, int limit) {
  // Recordings without audio are looked at too: an index of the others would cost every publish more than this walk.
  static const std::string sql = "SELECT " + std::string{columns} + " FROM recording WHERE id > ? ORDER BY id LIMIT ?";
  Stretch stretch;
  auto rows = db.select(sql, after, limit);
  int seen = 0;
  for (; rows.next(); ++seen) {
    RecordingId recording{rows->text()};
    TenantId tenant{rows->text()};
    CallSid call_sid{rows->text()};
    stretch.last = recording;
    if (!rows->at_null())
      stretch.files.push_back(read_stored(*rows, std::move(recording), std::move(tenant), std::move(call_sid)));
  }
  if (seen < limit) stretch.last = {};
  return stretch;
}

bool announce(Connection& db, const std::string& blob) {
  db.run("INSERT OR REPLACE INTO loose_file VALUES (?, 1)", blob);
  return true;
}

std::vector<std::string> loose_files(Connection& db, bool announced_too, int limit) {
  std::vector<std::string> blobs;
  auto rows =
      db.select("SELECT blob FROM loose_file WHERE announced <= ? ORDER BY blob LIMIT ?", announced_too ? 1 : 0, limit);
  while (rows.next()) blobs.push_back(rows->text());
  return blobs;
}

int strike_files(Connection& db, const std::vector<std::string>& blobs, bool announced_too) {
  int count = 0;
  for (const auto& blob : blobs)
    count += db.run("DELETE FROM loose_file WHERE blob = ? AND announced <= ?", blob, announced_too ? 1 : 0);
  return count;
}

std::vector<RecordingId> not_to_be_kept(Connection& db, std::vector<RecordingId> recordings) {
  std::erase_if(recordings, [&](const RecordingId& recording) {
    return db.select("SELECT 1 FROM recording WHERE id = ? AND state <> 'gone'", recording).next();
  });
  return recordings;
}

std::optional<Whereabouts> whereabouts(Connection& db, const Key& key) {
  const auto recording = find(db, key);
  if (!recording) return std::nullopt;
  Whereabouts found;
  found.recording = recording->id;
  if (!recording->media) return found;
  found.blob = recording->media->blob;
  auto rows = db.select("SELECT media_here, media_durable FROM recording WHERE id = ?", recording->id);
  rows.next();
  found.here = rows->integer() == 1;
  found.durable = rows->integer() == 1;
  return found;
}

bool copied(Connection& db, const RecordingId& recording, const std::string& blob, WallTime now) {
  return db.run("UPDATE recording SET media_here = 1, played_at = ? WHERE id = ? AND media_blob = ?", now, recording,
                blob) == 1;
}

bool made_durable(Connection& db, const RecordingId& recording, const std::string& blob) {
  // Announced, its name stands on the list. One that is not there any more, or is being removed, may have lost its
  // object.
  if (db.run("UPDATE recording SET media_durable = 1 WHERE id = ?1 AND media_blob = ?2 AND media_durable = 0 "
             "AND EXISTS (SELECT 1 FROM loose_object WHERE blob = ?2 AND removing = 0)",
             recording, blob) == 1)
    return true;
  const bool already =
      db.select("SELECT 1 FROM recording WHERE id = ? AND media_blob = ? AND media_durable = 1", recording, blob)
          .next();
  if (already) db.run("DELETE FROM loose_object WHERE blob = ? AND removing = 0", blob);
  return already;
}

bool spoiled(Connection& db, const RecordingId& recording, const std::string& blob) {
  if (db.run("UPDATE recording SET media_durable = 0 WHERE id = ? AND media_blob = ? AND media_durable = 1 "
             "AND media_here = 1",
             recording, blob) == 1)
    return true;
  return db.run(
             "UPDATE recording SET state = 'remote', media_blob = NULL, media_bytes = NULL "
             "WHERE id = ? AND media_blob = ? AND media_durable = 1",
             recording, blob) == 1;
}

std::vector<Uncopied> not_durable(Connection& db, const RecordingId& after, int limit) {
  std::vector<Uncopied> all;
  auto rows = db.select(
      "SELECT id, media_blob, media_bytes, media_sha256, media_content_type "
      "FROM recording INDEXED BY recording_not_durable "
      "WHERE media_blob IS NOT NULL AND media_here = 1 AND media_durable = 0 AND id > ? ORDER BY id LIMIT ?",
      after, limit);
  while (rows.next()) all.push_back(read_uncopied(*rows));
  return all;
}

bool announce_object(Connection& db, const std::string& blob, WallTime due) {
  return db.run(
             "INSERT INTO loose_object VALUES (?, ?, 0) "
             "ON CONFLICT (blob) DO UPDATE SET due_at = excluded.due_at WHERE removing = 0",
             blob, due) == 1;
}

std::vector<std::string> take_objects(Connection& db, WallTime now, WallTime until, int limit) {
  // Nobody announces one for later than `until` and a day: the clock was ahead.
  db.run("UPDATE loose_object SET due_at = ?1 WHERE due_at > ?2", now, until + std::chrono::days{1});
  std::vector<std::string> blobs;
  {
    auto rows = db.select("SELECT blob FROM loose_object WHERE due_at <= ? ORDER BY due_at, blob LIMIT ?", now, limit);
    while (rows.next()) blobs.push_back(rows->text());
  }
  // What is durable may have been announced once more, by somebody who then died.
  std::erase_if(blobs, [&](const std::string& blob) {
    return db.run(
               "DELETE FROM loose_object WHERE blob = ?1 AND EXISTS (SELECT 1 FROM recording "
               "WHERE id = substr(?1, 1, 36) AND media_blob = ?1 AND media_durable = 1)",
               blob) == 1;
  });
  for (const auto& blob : blobs) db.run("UPDATE loose_object SET removing = 1, due_at = ? WHERE blob = ?", until, blob);
  return blobs;
}

int strike_objects(Connection& db, const std::vector<std::string>& blobs) {
  int count = 0;
  for (const auto& blob : blobs) count += db.run("DELETE FROM loose_object WHERE blob = ?", blob);
  return count;
}

std::vector<Seen> look_at(Connection& db, const std::vector<RunId>& runs) {
  static const std::string sql = std::string{"SELECT "}.append(run_columns).append(" FROM run u WHERE u.id = ?");
  std::vector<Seen> seen;
  for (const auto& id : runs) {
    auto rows = db.select(sql, id);
    if (rows.next()) seen.push_back(Seen{.run = read_run(*rows), .node = {}});
  }
  return seen;
}

Bytes held_bytes(Connection& db) {
  auto rows = db.select("SELECT value FROM tally WHERE name = 'published_bytes'");
  rows.next();
  return static_cast<Bytes>(rows->integer());
}

}  // namespace onetake::ledger
