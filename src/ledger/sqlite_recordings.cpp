#include "ledger/sqlite_recordings.hpp"

#include "ledger/sqlite_rows.hpp"
#include "ledger/sqlite_runs.hpp"
#include "ledger/tombstone.hpp"

namespace onetake::ledger {
namespace {

std::optional<Recording> find_exact(Connection& db, const TenantId& tenant, const CallSid& call_sid,
                                    const std::string& recording_sid) {
  static const std::string sql = select_recording + "WHERE r.tenant = ? AND r.call_sid = ? AND r.recording_key = ?";
  auto rows = db.select(sql, tenant, call_sid, recording_sid);
  if (!rows.next()) return std::nullopt;
  return read_recording(*rows);
}

std::vector<Recording> find_all(Connection& db, const TenantId& tenant, const CallSid& call_sid) {
  static const std::string sql = select_recording + "WHERE r.tenant = ? AND r.call_sid = ?";
  std::vector<Recording> all;
  auto rows = db.select(sql, tenant, call_sid);
  while (rows.next()) all.push_back(read_recording(*rows));
  return all;
}

Recording insert(Connection& db, const TenantId& tenant, const CallSid& call_sid, const Registration& r, WallTime now) {
  Recording recording;
  recording.id = RecordingId{uuid7()};
  recording.tenant = tenant;
  recording.call_sid = call_sid;
  recording.registered = r;
  recording.registered_at = now;
  db.run(
      "INSERT INTO recording (id, tenant, call_sid, recording_key, provider, source_url, source_key, parent_call_sid, "
      "from_party, to_party, direction, started_at, duration_seconds, channels, format, labels, registered_at) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      recording.id, tenant, call_sid, r.recording_sid, r.provider, r.source_url, r.source_key, r.parent_call_sid,
      r.from, r.to, r.direction, r.started_at, r.duration_seconds, r.channels, r.format, labels_json(r.labels), now);
  return recording;
}

void replace_metadata(Connection& db, Recording& recording, const Registration& r) {
  recording.registered = r;
  db.run(
      "UPDATE recording SET provider = ?, source_url = ?, source_key = ?, parent_call_sid = ?, from_party = ?, "
      "to_party = ?, direction = ?, started_at = ?, duration_seconds = ?, channels = ?, format = ?, labels = ? "
      "WHERE id = ?",
      r.provider, r.source_url, r.source_key, r.parent_call_sid, r.from, r.to, r.direction, r.started_at,
      r.duration_seconds, r.channels, r.format, labels_json(r.labels), recording.id);
}

/// The active run is cancelled, the audio let go.
Leftovers drop(Connection& db, Recording& recording, State becomes, WallTime now) {
  Leftovers left{{{recording.id, recording.cycle}}, {}, {}};
  if (recording.run && active(recording.run->status)) {
    end_cancelled(db, *recording.run, now);
    left.runs.push_back(recording.run->id);
  }
  if (recording.media) left.blobs.push_back(recording.media->blob);
  db.run("UPDATE recording SET state = ?, media_blob = NULL, media_bytes = NULL WHERE id = ?", becomes, recording.id);
  recording.media.reset();
  recording.state = becomes;
  return left;
}

/// What was known of the old source goes: its run, its audio, its failure, and its age.
Leftovers forget_source(Connection& db, Recording& recording, WallTime now) {
  auto left = drop(db, recording, State::remote, now);
  db.run("UPDATE recording SET registered_at = ? WHERE id = ?", now, recording.id);
  recording.registered_at = now;
  return left;
}

void leave_tombstone(Connection& db, const TenantId& tenant, const CallSid& call_sid,
                     const std::optional<std::string>& recording_sid, WallTime now) {
  std::string secret;
  {
    auto rows = db.select("SELECT value FROM meta WHERE key = 'tombstone_secret'");
    if (!rows.next()) throw Unavailable("ledger: no tombstone secret");
    secret = rows->text();
  }
  const auto hmac = [&](const std::string& name) { return tombstone_hmac(secret, tenant.str(), name); };
  db.run(
      "INSERT INTO tombstone VALUES (?, ?, ?, ?) "
      "ON CONFLICT (tenant, call_sid_hmac, recording_hmac) DO UPDATE SET erased_at = excluded.erased_at",
      tenant, hmac(call_sid.str()), recording_sid ? hmac(*recording_sid) : std::string{}, now);
}

}  // namespace

std::optional<Recording> find(Connection& db, const Key& key) {
  if (key.recording_sid) return find_exact(db, key.tenant, key.call_sid, *key.recording_sid);
  // The plus keeps SQLite from walking the tenant's ids in search of the least.
  static const std::string first = select_recording +
                                   "WHERE r.tenant = ?1 AND r.call_sid = ?2 AND r.id = "
                                   "(SELECT min(+id) FROM recording WHERE tenant = ?1 AND call_sid = ?2)";
  auto rows = db.select(first, key.tenant, key.call_sid);
  if (!rows.next()) return std::nullopt;
  return read_recording(*rows);
}

Put put(Connection& db, const TenantId& tenant, const CallSid& call_sid, const Registration& registration,
        WallTime now) {
  auto known = find_exact(db, tenant, call_sid, registration.recording_sid);
  if (!known) return {insert(db, tenant, call_sid, registration, now), true, {}};
  Put result{std::move(*known), false, {}};
  if (!result.recording.registered.same_source(registration))
    result.leftovers = forget_source(db, result.recording, now);
  replace_metadata(db, result.recording, registration);
  return result;
}

Leftovers erase(Connection& db, const TenantId& tenant, const CallSid& call_sid,
                const std::optional<std::string>& recording_sid, WallTime now) {
  Leftovers left;
  for (const auto& recording : find_all(db, tenant, call_sid)) {
    if (recording_sid && recording.registered.recording_sid != *recording_sid) continue;
    left.recordings.push_back({recording.id, recording.cycle});
    if (recording.run && active(recording.run->status)) left.runs.push_back(recording.run->id);
    if (recording.media) left.blobs.push_back(recording.media->blob);
    db.run("DELETE FROM recording WHERE id = ?", recording.id);  // and, by the foreign key, its runs
  }
  if (!left.recordings.empty()) leave_tombstone(db, tenant, call_sid, recording_sid, now);
  return left;
}

bool disown(Connection& db, const RecordingId& recording, const std::string& blob) {
  if (db.run("UPDATE recording SET media_here = 0 WHERE id = ? AND media_blob = ? AND media_here = 1 "
             "AND media_durable = 1",
             recording, blob) == 1)
    return true;
  return db.run(
             "UPDATE recording SET state = 'remote', media_blob = NULL, media_bytes = NULL "
             "WHERE id = ? AND media_blob = ? AND media_here = 1",
             recording, blob) == 1;
}

std::vector<Retired> retire(Connection& db, milliseconds max_age, int limit, WallTime now) {
  static const std::string sql =
      select_recording + "WHERE r.settled IS NOT 'gone' AND r.sort_at <= ? ORDER BY r.sort_at LIMIT ?";
  std::vector<Recording> old;
  {
    auto rows = db.select(sql, now - max_age, limit);
    while (rows.next()) old.push_back(read_recording(*rows));
  }
  std::vector<Retired> retired;
  for (auto& recording : old)
    retired.push_back({recording.tenant, recording.call_sid, drop(db, recording, State::gone, now)});
  return retired;
}

}  // namespace onetake::ledger
