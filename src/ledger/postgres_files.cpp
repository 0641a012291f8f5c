#include "ledger/postgres_files.hpp"

#include "ledger/rows.hpp"

namespace onetake::ledger::pg {
namespace {

constexpr std::string_view select_stored =
    "SELECT r.id, r.tenant, r.call_sid, c.blob, r.media_bytes, r.media_sha256, c.played_at "
    "FROM copy c JOIN recording r ON r.id = c.recording_id WHERE c.node = $1 AND ";

std::vector<Stored> read_all(Rows rows) {
  std::vector<Stored> all;
  while (rows.next()) {
    Stored stored;
    stored.recording = RecordingId{rows.text()};
    stored.tenant = TenantId{rows.text()};
    stored.call_sid = CallSid{rows.text()};
    stored.blob = rows.text();
    stored.bytes = static_cast<Bytes>(rows.integer());
    stored.sha256 = rows.text();
    stored.played_at = rows.time();
    all.push_back(std::move(stored));
  }
  return all;
}

}  // namespace

int played(Connection& db, const std::string& node, const std::vector<Played>& plays) {
  std::vector<std::string> recordings;
  std::vector<std::int64_t> times;
  for (const auto& [recording, at] : plays) {
    recordings.push_back(recording.str());
    times.push_back(at.time_since_epoch().count());
  }
  return db.run(  // a play that another has overtaken says nothing new
      "UPDATE copy c SET played_at = p.at FROM "
      "(SELECT id, max(at) AS at FROM unnest($2::text[], $3::bigint[]) a (id, at) GROUP BY id) p "
      "WHERE c.node = $1 AND c.recording_id = p.id AND c.played_at < p.at",
      node, recordings, times);
}

std::vector<Stored> least_played(Connection& db, const std::string& node, const std::optional<Stored>& after,
                                 int limit) {
  static const std::string sql =
      std::string{select_stored} +
      "(c.played_at, c.recording_id) > ($2, $3) ORDER BY c.played_at, c.recording_id LIMIT $4";
  const auto since = after ? after->played_at : WallTime{milliseconds{-1}};
  return read_all(db.select(sql, node, since, after ? after->recording : RecordingId{}, limit));
}

Stretch walk_files(Connection& db, const std::string& node, const RecordingId& after, int limit) {
  static const std::string sql = std::string{select_stored} + "c.recording_id > $2 ORDER BY c.recording_id LIMIT $3";
  Stretch stretch{read_all(db.select(sql, node, after, limit)), {}};
  if (std::ssize(stretch.files) == limit) stretch.last = stretch.files.back().recording;
  return stretch;
}

bool announce(Connection& db, const std::string& node, const std::string& blob) {
  db.run("INSERT INTO loose_file VALUES ($1, $2, true) ON CONFLICT (node, blob) DO UPDATE SET announced = true", node,
         blob);
  return true;
}

std::vector<std::string> loose_files(Connection& db, const std::string& node, bool announced_too, int limit) {
  auto rows = db.select("SELECT blob FROM loose_file WHERE node = $1 AND announced <= $2 ORDER BY blob LIMIT $3", node,
                        announced_too, limit);
  std::vector<std::string> blobs;
  while (rows.next()) blobs.push_back(rows.text());
  return blobs;
}

int strike_files(Connection& db, const std::string& node, const std::vector<std::string>& blobs, bool announced_too) {
  return db.run("DELETE FROM loose_file WHERE node = $1 AND blob = ANY ($2::text[]) AND announced <= $3", node, blobs,
                announced_too);
}

std::vector<RecordingId> not_to_be_kept(Connection& db, const std::vector<RecordingId>& recordings) {
  std::vector<std::string> ids;
  for (const auto& recording : recordings) ids.push_back(recording.str());
  auto rows = db.select(
      "SELECT a.id FROM unnest($1::text[]) a (id) "
      "WHERE NOT EXISTS (SELECT FROM recording r WHERE r.id = a.id AND r.state <> 'gone')",
      ids);
  std::vector<RecordingId> found;
  while (rows.next()) found.emplace_back(rows.text());
  return found;
}

bool disown(Connection& db, const std::string& node, const RecordingId& recording, const std::string& blob) {
  // The lock first: of two nodes that give up the last two copies, the second must see that it is the last.
  db.run("SELECT FROM recording WHERE id = $1 FOR UPDATE", recording);
  if (db.run("DELETE FROM copy WHERE node = $1 AND recording_id = $2 AND blob = $3", node, recording, blob) == 0)
    return false;
  db.run(
      "UPDATE recording SET state = 'remote', media_blob = NULL, media_bytes = NULL WHERE id = $1 "
      "AND NOT media_durable AND NOT EXISTS (SELECT FROM copy WHERE recording_id = $1)",
      recording);
  return true;
}

bool node_lives(Connection& db, const std::string& node, const std::string& url, milliseconds within) {
  if (db.run(
          "UPDATE node SET seen_at = clock_timestamp(), alive_since = CASE "
          "WHEN seen_at > clock_timestamp() - $3::bigint * interval '1 ms' THEN alive_since ELSE clock_timestamp() END "
          "WHERE id = $1 AND url = $2",
          node, url, within) == 1)
    return false;
  db.run("DELETE FROM node WHERE url = $1 AND id <> $2", url, node);
  return db.run(
             "INSERT INTO node VALUES ($1, $2, clock_timestamp(), clock_timestamp()) ON CONFLICT (id) DO UPDATE "
             "SET url = excluded.url, seen_at = excluded.seen_at, alive_since = excluded.alive_since",
             node, url) == 1;
}

bool node_leaves(Connection& db, const std::string& node) {
  return db.run("DELETE FROM node WHERE id = $1", node) == 1;
}

std::optional<Whereabouts> whereabouts(Connection& db, const std::string& node, const Key& key, milliseconds within) {
  auto rows = db.select(
      "SELECT r.id, r.media_blob, r.media_durable, "
      "EXISTS (SELECT FROM copy WHERE recording_id = r.id AND node = $5), "
      "(SELECT n.url FROM run u JOIN node n ON n.id = u.node WHERE u.tenant = r.tenant "
      "AND u.recording_id = r.id AND u.cycle = r.cycle AND u.status = 'running' AND u.node <> $5 "
      "AND n.seen_at > l.since), h.holder "
      "FROM (SELECT * FROM recording WHERE tenant = $1 AND call_sid = $2 "
      "AND recording_key = coalesce($3, recording_key) ORDER BY id || '' LIMIT 1) r "
      "CROSS JOIN (SELECT clock_timestamp() - $4::bigint * interval '1 ms' AS since) l "
      "LEFT JOIN LATERAL (SELECT n.url AS holder, c.played_at FROM copy c JOIN node n ON n.id = c.node "
      "WHERE c.recording_id = r.id AND c.node <> $5 AND n.seen_at > l.since) h ON true "
      "ORDER BY h.played_at DESC, h.holder",
      key.tenant, key.call_sid, key.recording_sid, within, node);
  std::optional<Whereabouts> found;
  while (rows.next()) {
    if (!found) found.emplace();
    found->recording = RecordingId{rows.text()};
    found->blob = rows.text();
    found->durable = rows.truth();
    found->here = rows.truth();
    found->fetching = rows.text();
    if (!rows.at_null()) found->holders.push_back(rows.text());
  }
  return found;
}

bool copied(Connection& db, const std::string& node, const RecordingId& recording, const std::string& blob,
            WallTime now) {
  // The pointer is locked, so that it does not go between the look and the copy's row.
  return db.run(
             "INSERT INTO copy SELECT $1, id, media_blob, $4::bigint FROM (SELECT id, media_blob FROM recording "
             "WHERE id = $2 AND media_blob = $3 FOR NO KEY UPDATE) r "
             "ON CONFLICT (node, recording_id) DO UPDATE SET blob = excluded.blob, played_at = excluded.played_at",
             node, recording, blob, now) == 1;
}

bool made_durable(Connection& db, const RecordingId& recording, const std::string& blob) {
  // Announced, its name stands on the list. One that is not there any more, or is being removed, may have lost its
  // object. Locked, the name is nobody's to take; the pointer before it, as whoever takes a pointer away does.
  if (db.run(
          "WITH pointer AS MATERIALIZED (SELECT FROM recording WHERE id = $1 AND media_blob = $2 FOR NO KEY UPDATE), "
          "name AS MATERIALIZED (SELECT FROM loose_object WHERE EXISTS (SELECT FROM pointer) "
          "AND blob = $2 AND NOT removing FOR UPDATE) "
          "UPDATE recording SET media_durable = true "
          "WHERE id = $1 AND media_blob = $2 AND NOT media_durable AND EXISTS (SELECT FROM name)",
          recording, blob) == 1)
    return true;
  db.run(  // announced again by a node that did not know that there is one
      "DELETE FROM loose_object WHERE blob = $2 AND NOT removing AND EXISTS "
      "(SELECT FROM recording WHERE id = $1 AND media_blob = $2 AND media_durable FOR NO KEY UPDATE)",
      recording, blob);
  return db.select("SELECT FROM recording WHERE id = $1 AND media_blob = $2 AND media_durable", recording, blob).next();
}

bool spoiled(Connection& db, const RecordingId& recording, const std::string& blob) {
  db.run("SELECT FROM recording WHERE id = $1 FOR UPDATE", recording);
  if (db.run("UPDATE recording SET media_durable = false WHERE id = $1 AND media_blob = $2 AND media_durable",
             recording, blob) == 0)
    return false;
  db.run(
      "UPDATE recording SET state = 'remote', media_blob = NULL, media_bytes = NULL WHERE id = $1 "
      "AND NOT EXISTS (SELECT FROM copy WHERE recording_id = $1)",
      recording);
  return true;
}

std::vector<Uncopied> not_durable(Connection& db, const std::string& node, const RecordingId& after, int limit) {
  auto rows = db.select(
      "SELECT r.id, r.media_blob, r.media_bytes, r.media_sha256, r.media_content_type FROM recording r "
      "JOIN copy c ON c.node = $1 AND c.recording_id = r.id "
      "WHERE r.media_blob IS NOT NULL AND NOT r.media_durable AND r.id > $2 ORDER BY r.id LIMIT $3",
      node, after, limit);
  std::vector<Uncopied> all;
  while (rows.next()) all.push_back(read_uncopied(rows));
  return all;
}

bool announce_object(Connection& db, const std::string& blob, WallTime due) {
  return db.run(
             "INSERT INTO loose_object AS o VALUES ($1, $2, false) "
             "ON CONFLICT (blob) DO UPDATE SET due_at = excluded.due_at WHERE NOT o.removing",
             blob, db.by_server(due)) == 1;
}

std::vector<std::string> take_objects(Connection& db, WallTime now, WallTime until, int limit) {
  // Nobody announces one for later than `until` and a day: the clock was ahead.
  db.run("UPDATE loose_object SET due_at = $1 WHERE due_at > $2", db.by_server(now),
         db.by_server(until + std::chrono::days{1}));
  // What is durable may have been announced once more, by somebody who then died.
  auto rows = db.select(
      "WITH due AS MATERIALIZED (SELECT l.blob, EXISTS (SELECT FROM recording r WHERE r.id = left(l.blob, 36) "
      "AND r.media_blob = l.blob AND r.media_durable) AS kept FROM loose_object l "
      "WHERE l.due_at <= $1 ORDER BY l.due_at, l.blob LIMIT $3 FOR UPDATE OF l SKIP LOCKED), "
      "struck AS (DELETE FROM loose_object l USING due d WHERE l.blob = d.blob AND d.kept) "
      "UPDATE loose_object l SET removing = true, due_at = $2 FROM due d WHERE l.blob = d.blob AND NOT d.kept "
      "RETURNING l.blob",
      db.by_server(now), db.by_server(until), limit);
  std::vector<std::string> blobs;
  while (rows.next()) blobs.push_back(rows.text());
  return blobs;
}

int strike_objects(Connection& db, const std::vector<std::string>& blobs) {
  return db.run("DELETE FROM loose_object WHERE blob = ANY ($1::text[])", blobs);
}

bool lost(Connection& db, const std::string& node, const RecordingId& recording, const std::string& blob,
          milliseconds within) {
  db.run("SELECT FROM recording WHERE id = $1 FOR UPDATE", recording);
  // While the database was away, or its clock was set forward, everybody was silent.
  return db.run(
             "WITH since AS MATERIALIZED (SELECT clock_timestamp() - $3::bigint * interval '1 ms' AS at) "
             "UPDATE recording SET state = 'remote', media_blob = NULL, media_bytes = NULL FROM since "
             "WHERE id = $1 AND media_blob = $2 AND NOT media_durable "
             "AND EXISTS (SELECT FROM node n WHERE n.id = $4 AND n.seen_at > since.at AND n.alive_since <= since.at) "
             "AND NOT EXISTS (SELECT FROM copy c LEFT JOIN node n ON n.id = c.node WHERE c.recording_id = $1 "
             "AND (c.node = $4 OR n.seen_at > since.at))",
             recording, blob, within, node) == 1;
}

std::vector<Seen> look_at(Connection& db, const std::string& node, const std::vector<RunId>& runs,
                          milliseconds within) {
  std::vector<std::string> ids;
  ids.reserve(runs.size());
  for (const auto& run : runs) ids.push_back(run.str());
  static const std::string sql = std::string{"SELECT "}
                                     .append(run_columns)
                                     .append(
                                         ", (SELECT n.url FROM node n WHERE n.id = u.node AND u.node <> $2 "
                                         "AND u.status = 'running' "
                                         "AND n.seen_at > clock_timestamp() - $3::bigint * interval '1 ms') "
                                         "FROM run u WHERE u.id = ANY ($1::text[])");
  auto rows = db.select(sql, ids, node, within);
  std::vector<Seen> seen;
  while (rows.next()) {
    Seen each{.run = read_run(rows), .node = {}};
    each.node = rows.text();
    seen.push_back(std::move(each));
  }
  return seen;
}

Bytes held_bytes(Connection& db, const std::string& node) {
  auto rows = db.select("SELECT coalesce(sum(bytes), 0)::bigint FROM held WHERE node = $1", node);
  rows.next();
  return static_cast<Bytes>(rows.integer());
}

std::string node_secret(Connection& db) {
  auto rows = db.select("SELECT value FROM meta WHERE key = 'node_secret'");
  rows.next();
  return rows.text();
}

}  // namespace onetake::ledger::pg
