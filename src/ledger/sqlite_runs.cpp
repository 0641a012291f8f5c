#include "ledger/sqlite_runs.hpp"

#include <utility>

#include "ledger/admission.hpp"
#include "ledger/sqlite_recordings.hpp"
#include "ledger/sqlite_rows.hpp"

namespace onetake::ledger {
namespace {

// What the statements below do to a status.
static_assert(may_become(RunStatus::queued, RunStatus::running));
static_assert(may_become(RunStatus::running, RunStatus::queued));
static_assert(may_become(RunStatus::running, RunStatus::completed));
static_assert(may_become(RunStatus::running, RunStatus::failed));

Run create(Connection& db, const Recording& recording, const Play& play) {
  Run run;
  run.id = RunId{uuid7()};
  run.recording = recording.id;
  run.call_sid = recording.call_sid;
  run.job_type = "fetch";
  run.cycle = recording.cycle;
  run.max_attempts = play.max_attempts;
  run.created_at = play.now;
  if (play.claim) {
    run.status = RunStatus::running;
    run.attempt = 1;
    run.token = 1;
    run.started_at = play.now;
  } else {
    run.due_at = play.now;
  }
  db.run(
      "INSERT INTO run (id, tenant, recording_id, call_sid, job_type, cycle, status, attempt, max_attempts, token, "
      "due_at, created_at, started_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      run.id, recording.tenant, run.recording, run.call_sid, run.job_type, run.cycle, run.status, run.attempt,
      run.max_attempts, run.token, run.due_at, run.created_at, run.started_at);
  return run;
}

}  // namespace

Admission admit(Connection& db, const Play& play) {
  auto known = find(db, play.key);
  if (!known) return {};
  Admission admission{Found::nothing, std::move(*known), std::nullopt, {}};
  Recording& recording = admission.recording;
  const auto verdict = judge(recording, play);
  admission.found = verdict.found;
  admission.retry_at = verdict.retry_at;
  if (admission.found != Found::created) return admission;

  ++recording.cycle;
  recording.state = State::fetching;
  recording.run = create(db, recording, play);
  db.run("UPDATE recording SET state = 'fetching', cycle = ? WHERE id = ?", recording.cycle, recording.id);
  if (play.claim) admission.lease = Lease{recording.run->id, recording.id, recording.run->token};
  return admission;
}

bool progress(Connection& db, const Lease& lease, Bytes received, std::optional<Bytes> total) {
  return db.run("UPDATE run SET received_bytes = ?, total_bytes = ? WHERE id = ? AND status = 'running' AND token = ?",
                received, total, lease.run, lease.token) == 1;
}

bool retry(Connection& db, const Lease& lease, Reason reason, const Setback& setback, WallTime due, bool counts) {
  // The claim took one; an attempt that does not count gives it back.
  return db.run(
             "UPDATE run SET status = 'queued', reason = ?, cause = ?, error = ?, provider_status = ?, due_at = ?, "
             "attempt = attempt - ? WHERE id = ? AND status = 'running' AND token = ?",
             reason, name(setback.cause), setback.detail, setback.provider_status, due, counts ? 0 : 1, lease.run,
             lease.token) == 1;
}

bool complete(Connection& db, const Lease& lease, const Media& media, WallTime now) {
  if (db.run("UPDATE run SET status = 'completed', received_bytes = ?1, total_bytes = ?1, completed_at = ?2 "
             "WHERE id = ?3 AND status = 'running' AND token = ?4",
             media.bytes, now, lease.run, lease.token) != 1)
    return false;
  db.run(
      "UPDATE recording SET state = 'ready', media_blob = ?, media_bytes = ?, media_sha256 = ?, "
      "media_content_type = ?, media_duration_seconds = ?, media_channels = ?, media_codec = ?, media_cycle = ?, "
      "media_version = ?, media_last_modified = ?, played_at = ? WHERE id = (SELECT recording_id FROM run WHERE id = "
      "?)",
      media.blob, media.bytes, media.sha256, media.content_type, media.duration_seconds, media.channels, media.codec,
      media.cycle, media.version, media.last_modified, now, lease.run);
  return true;
}

bool fail(Connection& db, const Lease& lease, const Setback& setback, WallTime now) {
  if (db.run("UPDATE run SET status = 'failed', cause = ?, error = ?, provider_status = ?, completed_at = ? "
             "WHERE id = ? AND status = 'running' AND token = ?",
             name(setback.cause), setback.detail, setback.provider_status, now, lease.run, lease.token) != 1)
    return false;
  db.run("UPDATE recording SET state = ? WHERE id = (SELECT recording_id FROM run WHERE id = ?)",
         setback.cause == Cause::gone ? State::gone : State::failed, lease.run);
  return true;
}

int recover(Connection& db, WallTime now) {
  // It is not the provider's fault that we stopped: the attempt is given back. The first condition names the index.
  return db.run(
      "UPDATE run SET status = 'queued', reason = 'retrying', due_at = ?, attempt = max(attempt - 1, 0) "
      "WHERE status IN ('queued', 'running') AND status = 'running'",
      now);
}

std::optional<Run> find_run(Connection& db, const TenantId& tenant, const RunId& id) {
  static const std::string sql = select_run + "WHERE u.id = ? AND u.tenant = ?";
  auto rows = db.select(sql, id, tenant);
  if (!rows.next()) return std::nullopt;
  return read_run(*rows);
}

Counts count(Connection& db) {
  Counts counts;
  auto tally = db.select(
      "SELECT (SELECT value FROM tally WHERE name = 'completed'), (SELECT value FROM tally WHERE name = 'failed'), "
      "(SELECT value FROM tally WHERE name = 'cancelled'), "
      "(SELECT value FROM tally WHERE name = 'published_bytes'), "
      "(SELECT count(*) FROM run WHERE status = 'queued'), "
      "(SELECT count(*) FROM run WHERE status IN ('queued', 'running')), "
      "(SELECT count(*) FROM (SELECT 1 FROM run WHERE status IN ('queued', 'running') "
      "GROUP BY tenant, recording_id HAVING count(*) > 1))");
  tally.next();
  counts.runs[RunStatus::completed] = tally->integer();
  counts.runs[RunStatus::failed] = tally->integer();
  counts.runs[RunStatus::cancelled] = tally->integer();
  counts.published_bytes = static_cast<Bytes>(tally->integer());
  const auto queued = tally->integer();
  counts.runs[RunStatus::queued] = queued;
  counts.runs[RunStatus::running] = tally->integer() - queued;
  counts.duplicate_runs = tally->integer();
  return counts;
}

}  // namespace onetake::ledger
