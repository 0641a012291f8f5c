#include "ledger/postgres_runs.hpp"

#include <utility>

#include "ledger/admission.hpp"
#include "ledger/postgres_recordings.hpp"
#include "ledger/postgres_rows.hpp"
#include "ledger/utf8.hpp"

namespace onetake::ledger::pg {
namespace {

/// The run's recording, locked before its run is looked at. Nothing where there is no such run.
std::optional<RecordingId> lock_recording_of(Connection& db, const RunId& run) {
  auto rows =
      db.select("SELECT id FROM recording WHERE id = (SELECT recording_id FROM run WHERE id = $1) FOR UPDATE", run);
  if (!rows.next()) return std::nullopt;
  return RecordingId{rows.text()};
}

/// Whether an earlier call, whose answer was lost, has done it.
bool is_ours(Connection& db, const Lease& lease, const Media& media) {
  return db.select(
               "SELECT FROM run u JOIN recording r ON r.id = u.recording_id WHERE u.id = $1 AND u.token = $2 "
               "AND u.status = 'completed' AND r.media_blob = $3",
               lease.run, lease.token, media.blob)
             .size() == 1;
}

}  // namespace

void end_cancelled(Connection& db, Run& run, WallTime now) {
  db.run("UPDATE run SET status = 'cancelled', due_at = NULL, lease_expires_at = NULL, completed_at = $1 WHERE id = $2",
         now, run.id);
  run.status = RunStatus::cancelled;
  run.due_at.reset();
  run.completed_at = now;
}

Cancelled cancel(Connection& db, const TenantId& tenant, const RunId& id, WallTime now) {
  if (!lock_recording_of(db, id)) return {};
  Cancelled cancelled{find_run(db, tenant, id), {}};
  auto& run = cancelled.run;
  if (!run || !active(run->status)) return cancelled;
  end_cancelled(db, *run, db.by_server(now));
  db.run("UPDATE recording SET state = 'remote' WHERE id = $1", run->recording);
  cancelled.leftovers = {{{run->recording, run->cycle}}, {run->id}, {}};
  return cancelled;
}

bool progress(Connection& db, const Lease& lease, Bytes received, std::optional<Bytes> total, milliseconds extend) {
  return db.run(
             "UPDATE run SET received_bytes = $1, total_bytes = $2, "
             "lease_expires_at = clock_timestamp() + $3::bigint * interval '1 ms' "
             "WHERE id = $4 AND status = 'running' AND token = $5",
             received, total, extend, lease.run, lease.token) == 1;
}

bool retry(Connection& db, const Lease& lease, Reason reason, const Setback& setback, WallTime due, bool counts) {
  // The claim took one; an attempt that does not count gives it back. Who was not even tried keeps its turn.
  return db.run(
             "UPDATE run SET status = 'queued', reason = $1::text, cause = $2, error = $3, provider_status = $4, "
             "due_at = $5, lease_expires_at = NULL, attempt = attempt - $6::integer, "
             "urgency = CASE WHEN $1::text = 'queued' THEN urgency ELSE greatest(urgency, 1) END "
             "WHERE id = $7 AND status = 'running' AND token = $8",
             reason, name(setback.cause), made_text(setback.detail), setback.provider_status, db.by_server(due),
             counts ? 0 : 1, lease.run, lease.token) == 1;
}

bool complete(Connection& db, const std::string& node, const Lease& lease, const Media& media, WallTime now) {
  const auto recording = lock_recording_of(db, lease.run);
  if (!recording) return false;
  if (db.run("UPDATE run SET status = 'completed', received_bytes = $1, total_bytes = $1, completed_at = $2, "
             "lease_expires_at = NULL WHERE id = $3 AND status = 'running' AND token = $4",
             media.bytes, db.by_server(now), lease.run, lease.token) != 1)
    return is_ours(db, lease, media);
  db.run(
      "UPDATE recording SET state = 'ready', media_blob = $1, media_bytes = $2, media_sha256 = $3, "
      "media_content_type = $4, media_duration_seconds = $5, media_channels = $6, media_codec = $7, media_cycle = $8, "
      "media_version = $9, media_last_modified = $10 WHERE id = $11",
      media.blob, media.bytes, media.sha256, media.content_type, media.duration_seconds, media.channels, media.codec,
      media.cycle, media.version, media.last_modified, *recording);
  db.run("INSERT INTO copy VALUES ($1, $2, $3, $4)", node, *recording, media.blob, now);
  return true;
}

bool fail(Connection& db, const Lease& lease, const Setback& setback, WallTime now) {
  const auto recording = lock_recording_of(db, lease.run);
  if (!recording) return false;
  if (db.run("UPDATE run SET status = 'failed', cause = $1, error = $2, provider_status = $3, completed_at = $4, "
             "lease_expires_at = NULL WHERE id = $5 AND status = 'running' AND token = $6",
             name(setback.cause), made_text(setback.detail), setback.provider_status, db.by_server(now), lease.run,
             lease.token) != 1)
    return false;
  db.run("UPDATE recording SET state = $1 WHERE id = $2", setback.cause == Cause::gone ? State::gone : State::failed,
         *recording);
  return true;
}

int recover(Connection& db, const std::string& node, WallTime now) {
  db.run("DELETE FROM worker WHERE node = $1", node);
  // It is not the provider's fault that we stopped: the attempt is given back.
  return db.run(
      "UPDATE run SET status = 'queued', reason = 'retrying', due_at = $1, lease_expires_at = NULL, "
      "attempt = greatest(attempt - 1, 0) WHERE status = 'running' AND node = $2",
      db.by_server(now), node);
}

std::vector<Lease> rescue(Connection& db, WallTime now) {
  auto rows = db.select(
      "UPDATE run SET status = 'queued', reason = 'retrying', due_at = $1, lease_expires_at = NULL, "
      "attempt = greatest(attempt - 1, 0) WHERE id IN (SELECT id FROM run WHERE status = 'running' "
      "AND lease_expires_at <= clock_timestamp() FOR UPDATE SKIP LOCKED) "
      "RETURNING id, recording_id, token",
      db.by_server(now));
  std::vector<Lease> lost;
  while (rows.next()) {
    RunId run{rows.text()};
    RecordingId recording{rows.text()};
    lost.push_back({std::move(run), std::move(recording), rows.integer()});
  }
  return lost;
}

std::vector<Recording> expire(Connection& db, milliseconds deadline, int limit, WallTime ours) {
  const auto now = db.by_server(ours);
  db.run("UPDATE run SET created_at = $1, due_at = least(due_at, $1) WHERE status = 'queued' AND created_at > $2", now,
         now + clock_skew);
  // The recordings of the runs that wait too long; those that somebody has in hand are for the next sweep.
  auto late = db.select(
      "SELECT r.id FROM recording r WHERE r.id IN (SELECT recording_id FROM run WHERE status = 'queued' "
      "AND created_at <= $1 ORDER BY created_at LIMIT $2) FOR UPDATE SKIP LOCKED",
      now - deadline, limit);
  std::vector<Recording> expired;
  while (late.next()) {
    const RecordingId id{late.text()};
    if (db.run("UPDATE run SET status = 'failed', cause = 'overdue', due_at = NULL, completed_at = $1, "
               "error = 'not fetched within fetch.run_deadline' || coalesce('; the last attempt: ' || error, ''), "
               "provider_status = coalesce(provider_status, 0) "
               "WHERE recording_id = $2 AND tenant = (SELECT tenant FROM recording WHERE id = $2) "
               "AND status = 'queued' AND created_at <= $3",
               now, id, now - deadline) == 0)
      continue;
    db.run("UPDATE recording SET state = 'failed' WHERE id = $1", id);
    expired.push_back(find_by_id(db, id).value());
  }
  return expired;
}

bool sign_of_life(Connection& db, const std::string& node, const std::string& worker) {
  if (db.run("UPDATE worker SET seen_at = clock_timestamp() WHERE id = $1", worker) == 1) return false;
  return db.run("INSERT INTO worker VALUES ($1, $2, clock_timestamp()) ON CONFLICT DO NOTHING", worker, node) == 1;
}

int workers(Connection& db, milliseconds within) {
  auto rows =
      db.select("SELECT count(*) FROM worker WHERE seen_at > clock_timestamp() - $1::bigint * interval '1 ms'", within);
  rows.next();
  return static_cast<int>(rows.integer());
}

std::optional<Run> find_run(Connection& db, const TenantId& tenant, const RunId& id) {
  static const std::string sql = select_run + "WHERE u.id = $1 AND u.tenant = $2";
  auto rows = db.select(sql, id, tenant);
  if (!rows.next()) return std::nullopt;
  return read_run(rows);
}

Counts count(Connection& db) {
  Counts counts;
  for (const auto status :
       {RunStatus::queued, RunStatus::running, RunStatus::completed, RunStatus::failed, RunStatus::cancelled})
    counts.runs[status] = 0;
  auto tallies = db.select("SELECT name, sum(value)::bigint FROM tally GROUP BY name");
  while (tallies.next()) {
    const auto what = tallies.text();
    if (const auto status = run_status_named(what)) {
      counts.runs[*status] = tallies.integer();
    } else {
      counts.published_bytes = static_cast<Bytes>(tallies.integer());
    }
  }
  auto now = db.select(
      "SELECT count(*) FILTER (WHERE status = 'queued'), count(*) FILTER (WHERE status = 'running'), "
      "(SELECT count(*) FROM (SELECT FROM run WHERE status IN ('queued', 'running') "
      "GROUP BY tenant, recording_id HAVING count(*) > 1) twice) FROM run WHERE status IN ('queued', 'running')");
  now.next();
  counts.runs[RunStatus::queued] = now.integer();
  counts.runs[RunStatus::running] = now.integer();
  counts.duplicate_runs = now.integer();
  return counts;
}

}  // namespace onetake::ledger::pg
