#include "ledger/postgres_recordings.hpp"

#include "ledger/postgres_rows.hpp"
#include "ledger/postgres_runs.hpp"
#include "ledger/tombstone.hpp"

namespace onetake::ledger::pg {
namespace {

std::optional<Recording> first(Rows rows) {
  if (!rows.next()) return std::nullopt;
  return read_recording(rows);
}

/// False where the name is taken.
bool insert(Connection& db, const Recording& recording) {
  const auto& r = recording.registered;
  return db.run(
             "INSERT INTO recording (id, tenant, call_sid, recording_key, provider, source_url, source_key, "
             "parent_call_sid, from_party, to_party, direction, started_at, duration_seconds, channels, format, "
             "labels, registered_at) "
             "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) "
             "ON CONFLICT (tenant, call_sid, recording_key) DO NOTHING",
             recording.id, recording.tenant, recording.call_sid, r.recording_sid, r.provider, r.source_url,
             r.source_key, r.parent_call_sid, r.from, r.to, r.direction, r.started_at, r.duration_seconds, r.channels,
             r.format, labels_json(r.labels), recording.registered_at) == 1;
}

void replace_metadata(Connection& db, Recording& recording, const Registration& r) {
  recording.registered = r;
  db.run(
      "UPDATE recording SET provider = $1, source_url = $2, source_key = $3, parent_call_sid = $4, from_party = $5, "
      "to_party = $6, direction = $7, started_at = $8, duration_seconds = $9, channels = $10, format = $11, "
      "labels = $12 WHERE id = $13",
      r.provider, r.source_url, r.source_key, r.parent_call_sid, r.from, r.to, r.direction, r.started_at,
      r.duration_seconds, r.channels, r.format, labels_json(r.labels), recording.id);
}

/// The active run is cancelled, the audio let go. REQUIRES: the recording is locked.
Leftovers drop(Connection& db, Recording& recording, State becomes, WallTime now) {
  Leftovers left{{{recording.id, recording.cycle}}, {}, {}};
  if (recording.run && active(recording.run->status)) {
    end_cancelled(db, *recording.run, now);
    left.runs.push_back(recording.run->id);
  }
  if (recording.media) left.blobs.push_back(recording.media->blob);
  db.run("UPDATE recording SET state = $1, media_blob = NULL, media_bytes = NULL WHERE id = $2", becomes, recording.id);
  recording.media.reset();
  recording.state = becomes;
  return left;
}

/// What was known of the old source goes: its run, its audio, its failure, and its age.
Leftovers forget_source(Connection& db, Recording& recording, WallTime now) {
  auto left = drop(db, recording, State::remote, now);
  db.run("UPDATE recording SET registered_at = $1 WHERE id = $2", now, recording.id);
  recording.registered_at = now;
  return left;
}

void leave_tombstone(Connection& db, const TenantId& tenant, const CallSid& call_sid,
                     const std::optional<std::string>& recording_sid, WallTime now) {
  auto rows = db.select("SELECT value FROM meta WHERE key = 'tombstone_secret'");
  if (!rows.next()) throw Unavailable("ledger: no tombstone secret");
  const auto secret = rows.text();
  const auto hmac = [&](const std::string& name) { return tombstone_hmac(secret, tenant.str(), name); };
  db.run(
      "INSERT INTO tombstone VALUES ($1, $2, $3, $4) "
      "ON CONFLICT (tenant, call_sid_hmac, recording_hmac) DO UPDATE SET erased_at = excluded.erased_at",
      tenant, hmac(call_sid.str()), recording_sid ? hmac(*recording_sid) : std::string{}, now);
}

}  // namespace

std::optional<Recording> find(Connection& db, const Key& key) {
  static const std::string exact =
      select_recording + "WHERE r.tenant = $1 AND r.call_sid = $2 AND r.recording_key = $3";
  // The expression keeps PostgreSQL from walking the ids in search of the least.
  static const std::string oldest =
      select_recording + "WHERE r.tenant = $1 AND r.call_sid = $2 ORDER BY r.id || '' LIMIT 1";
  if (key.recording_sid) return first(db.select(exact, key.tenant, key.call_sid, *key.recording_sid));
  return first(db.select(oldest, key.tenant, key.call_sid));
}

bool lock_recording(Connection& db, const RecordingId& recording) {
  return db.select("SELECT FROM recording WHERE id = $1 FOR UPDATE", recording).size() == 1;
}

std::optional<Recording> find_by_id(Connection& db, const RecordingId& recording) {
  static const std::string sql = select_recording + "WHERE r.id = $1";
  return first(db.select(sql, recording));
}

Put put(Connection& db, const TenantId& tenant, const CallSid& call_sid, const Registration& registration,
        WallTime ours) {
  const auto now = db.by_server(ours);
  for (;;) {  // until the name is ours, or its holder is locked before it is erased
    Put fresh;
    fresh.created = true;
    fresh.recording.id = RecordingId{uuid7(now)};  // the least is the first, whichever node it came to
    fresh.recording.tenant = tenant;
    fresh.recording.call_sid = call_sid;
    fresh.recording.registered = registration;
    fresh.recording.registered_at = now;
    if (insert(db, fresh.recording)) return fresh;
    auto holder =
        db.select("SELECT id FROM recording WHERE tenant = $1 AND call_sid = $2 AND recording_key = $3 FOR UPDATE",
                  tenant, call_sid, registration.recording_sid);
    if (!holder.next()) continue;
    Put result{find_by_id(db, RecordingId{holder.text()}).value(), false, {}};
    if (!result.recording.registered.same_source(registration))
      result.leftovers = forget_source(db, result.recording, now);
    replace_metadata(db, result.recording, registration);
    return result;
  }
}

Leftovers erase(Connection& db, const TenantId& tenant, const CallSid& call_sid,
                const std::optional<std::string>& recording_sid, WallTime now) {
  auto locked = db.select(
      "SELECT id FROM recording WHERE tenant = $1 AND call_sid = $2 AND recording_key = coalesce($3, recording_key) "
      "ORDER BY id FOR UPDATE",
      tenant, call_sid, recording_sid);
  Leftovers left;
  while (locked.next()) {
    const auto recording = find_by_id(db, RecordingId{locked.text()}).value();
    left.recordings.push_back({recording.id, recording.cycle});
    if (recording.run && active(recording.run->status)) left.runs.push_back(recording.run->id);
    if (recording.media) left.blobs.push_back(recording.media->blob);
    db.run("DELETE FROM recording WHERE id = $1", recording.id);  // and, by the foreign key, its runs
  }
  if (!left.recordings.empty()) leave_tombstone(db, tenant, call_sid, recording_sid, db.by_server(now));
  return left;
}

std::vector<Retired> retire(Connection& db, milliseconds max_age, int limit, WallTime ours) {
  const auto now = db.by_server(ours);
  // What somebody else has in hand is for the next sweep: nobody waits here, so nobody waits for each other.
  auto old = db.select(
      "SELECT id FROM recording WHERE settled IS DISTINCT FROM 'gone' AND sort_at <= $1 ORDER BY sort_at LIMIT $2 "
      "FOR UPDATE SKIP LOCKED",
      now - max_age, limit);
  std::vector<Retired> retired;
  while (old.next()) {
    auto recording = find_by_id(db, RecordingId{old.text()}).value();
    auto left = drop(db, recording, State::gone, now);
    retired.push_back({recording.tenant, recording.call_sid, std::move(left)});
  }
  return retired;
}

}  // namespace onetake::ledger::pg
