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

static_assert(may_become(RunStatus::queued, RunStatus::cancelled));
static_assert(may_become(RunStatus::running, RunStatus::cancelled));

void insert(Connection& db, const Recording& recording, const NewRun& made, const Play& play) {
  const auto& run = made.run;
  std::optional<std::int64_t> lease_ends;
  if (run.status == RunStatus::running) lease_ends = ticks(play.lease);
  db.run(
      "INSERT INTO run (id, tenant, recording_id, call_sid, job_type, cycle, status, attempt, max_attempts, token, "
      "lease_expires_at, due_at, created_at, started_at, asked_by, urgency) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      run.id, recording.tenant, run.recording, run.call_sid, run.job_type, run.cycle, run.status, run.attempt,
      run.max_attempts, run.token, lease_ends, run.due_at, run.created_at, run.started_at, made.asked_by,
      static_cast<int>(run.urgency));
}

/// Whether one more of the tenant may run.
bool room(Connection& db, const TenantId& tenant, int per_tenant) {
  if (per_tenant == 0) return true;
  auto rows =
      db.select("SELECT count(*) FROM run WHERE tenant = ? AND status <> 'completed' AND status = 'running'", tenant);
  rows.next();
  return rows->integer() < per_tenant;
}

/// Whether an earlier call, whose answer was lost, has done it.
bool is_ours(Connection& db, const Lease& lease, const Media& media) {
  auto rows = db.select(
      "SELECT 1 FROM run u JOIN recording r ON r.id = u.recording_id WHERE u.id = ? AND u.token = ? "
      "AND u.status = 'completed' AND r.media_blob = ?",
      lease.run, lease.token, media.blob);
  return rows.next();
}

/// When the next retry may be created; nothing where it may be now.
std::optional<WallTime> retry_at(Connection& db, const Recording& recording, WallTime now) {
  auto rows = db.select(
      "SELECT created_at FROM run WHERE tenant = ? AND recording_id = ? AND asked_by = 'retry' AND created_at > ? "
      "AND created_at <= ? ORDER BY cycle DESC LIMIT ?",
      recording.tenant, recording.id, now - retry_window, now + clock_skew, most_retries);
  int found = 0;
  WallTime oldest;
  for (; rows.next(); ++found) oldest = rows->time();
  if (found < most_retries) return std::nullopt;
  return oldest + retry_window;
}

/// Somebody waits to hear what was only to be made ready.
void promote(Connection& db, Run& run) {
  run.urgency = Urgency::play;
  db.run("UPDATE run SET urgency = 0 WHERE id = ?", run.id);
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
  if (makes_urgent(recording, play, verdict)) promote(db, *recording.run);
  if (admission.found != Found::created) return admission;
  if (verdict.again) {
    if (const auto later = retry_at(db, recording, play.now)) {
      admission.found = Found::too_many_retries;
      admission.retry_at = *later;
      return admission;
    }
  }

  auto wanted = play;
  wanted.claim = play.claim && room(db, recording.tenant, play.per_tenant);
  auto made = new_run(recording, wanted, verdict, RunId{uuid7()});
  insert(db, recording, made, wanted);
  recording.cycle = made.run.cycle;
  recording.state = State::fetching;
  recording.run = std::move(made.run);
  db.run("UPDATE recording SET state = 'fetching', cycle = ? WHERE id = ?", recording.cycle, recording.id);
  if (wanted.claim) admission.lease = Lease{recording.run->id, recording.id, recording.run->token};
  return admission;
}

void end_cancelled(Connection& db, Run& run, WallTime now) {
  db.run("UPDATE run SET status = 'cancelled', due_at = NULL, lease_expires_at = NULL, completed_at = ? WHERE id = ?",
         now, run.id);
  run.status = RunStatus::cancelled;
  run.due_at.reset();
  run.completed_at = now;
}

Cancelled cancel(Connection& db, const TenantId& tenant, const RunId& id, WallTime now) {
  Cancelled cancelled{find_run(db, tenant, id), {}};
  auto& run = cancelled.run;
  if (!run || !active(run->status)) return cancelled;
  end_cancelled(db, *run, now);
  db.run("UPDATE recording SET state = 'remote' WHERE id = ?", run->recording);
  cancelled.leftovers = {{{run->recording, run->cycle}}, {run->id}, {}};
  return cancelled;
}

bool progress(Connection& db, const Lease& lease, Bytes received, std::optional<Bytes> total, milliseconds extend) {
  return db.run(
             "UPDATE run SET received_bytes = ?, total_bytes = ?, lease_expires_at = ? "
             "WHERE id = ? AND status = 'running' AND token = ?",
             received, total, ticks(extend), lease.run, lease.token) == 1;
}

bool retry(Connection& db, const Lease& lease, Reason reason, const Setback& setback, WallTime due, bool counts) {
  // The claim took one; an attempt that does not count gives it back. Who was not even tried keeps its turn.
  return db.run(
             "UPDATE run SET status = 'queued', reason = ?1, cause = ?2, error = ?3, provider_status = ?4, "
             "due_at = ?5, lease_expires_at = NULL, attempt = attempt - ?6, "
             "urgency = CASE WHEN ?1 = 'queued' THEN urgency ELSE max(urgency, 1) END "
             "WHERE id = ?7 AND status = 'running' AND token = ?8",
             reason, name(setback.cause), setback.detail, setback.provider_status, due, counts ? 0 : 1, lease.run,
             lease.token) == 1;
}

bool complete(Connection& db, const Lease& lease, const Media& media, WallTime now) {
  if (db.run("UPDATE run SET status = 'completed', received_bytes = ?1, total_bytes = ?1, completed_at = ?2, "
             "lease_expires_at = NULL WHERE id = ?3 AND status = 'running' AND token = ?4",
             media.bytes, now, lease.run, lease.token) != 1)
    return is_ours(db, lease, media);
  db.run(
      "UPDATE recording SET state = 'ready', media_blob = ?, media_bytes = ?, media_sha256 = ?, "
      "media_content_type = ?, media_duration_seconds = ?, media_channels = ?, media_codec = ?, media_cycle = ?, "
      "media_version = ?, media_last_modified = ?, played_at = ?, media_here = 1, media_durable = 0 WHERE id = (SELECT "
      "recording_id FROM run WHERE id = "
      "?)",
      media.blob, media.bytes, media.sha256, media.content_type, media.duration_seconds, media.channels, media.codec,
      media.cycle, media.version, media.last_modified, now, lease.run);
  return true;
}

bool fail(Connection& db, const Lease& lease, const Setback& setback, WallTime now) {
  if (db.run("UPDATE run SET status = 'failed', cause = ?, error = ?, provider_status = ?, completed_at = ?, "
             "lease_expires_at = NULL WHERE id = ? AND status = 'running' AND token = ?",
             name(setback.cause), setback.detail, setback.provider_status, now, lease.run, lease.token) != 1)
    return false;
  db.run("UPDATE recording SET state = ? WHERE id = (SELECT recording_id FROM run WHERE id = ?)",
         setback.cause == Cause::gone ? State::gone : State::failed, lease.run);
  return true;
}

int recover(Connection& db, WallTime now) {
  db.run("DELETE FROM worker");
  // It is not the provider's fault that we stopped: the attempt is given back. The first condition names the index.
  return db.run(
      "UPDATE run SET status = 'queued', reason = 'retrying', due_at = ?, lease_expires_at = NULL, "
      "attempt = max(attempt - 1, 0) WHERE status IN ('queued', 'running') AND status = 'running'",
      now);
}

std::vector<Lease> rescue(Connection& db, WallTime now) {
  std::vector<Lease> lost;
  auto rows = db.select(
      "UPDATE run SET status = 'queued', reason = 'retrying', due_at = ?, lease_expires_at = NULL, "
      "attempt = max(attempt - 1, 0) WHERE status = 'running' AND lease_expires_at <= ? "
      "RETURNING id, recording_id, token",
      now, ticks());
  while (rows.next()) {
    RunId run{rows->text()};
    RecordingId recording{rows->text()};
    lost.push_back({std::move(run), std::move(recording), rows->integer()});
  }
  return lost;
}

std::vector<Recording> expire(Connection& db, milliseconds deadline, int limit, WallTime now) {
  db.run("UPDATE run SET created_at = ?1, due_at = min(due_at, ?1) WHERE status = 'queued' AND created_at > ?2", now,
         now + clock_skew);
  std::vector<RunId> late;
  {
    auto rows = db.select("SELECT id FROM run WHERE status = 'queued' AND created_at <= ? ORDER BY created_at LIMIT ?",
                          now - deadline, limit);
    while (rows.next()) late.emplace_back(rows->text());
  }
  static const std::string sql = select_recording + "WHERE u.id = ?";
  std::vector<Recording> expired;
  for (const auto& id : late) {
    db.run(
        "UPDATE run SET status = 'failed', cause = 'overdue', due_at = NULL, completed_at = ?, "
        "error = 'not fetched within fetch.run_deadline' || coalesce('; the last attempt: ' || error, ''), "
        "provider_status = coalesce(provider_status, 0) WHERE id = ?",
        now, id);
    db.run("UPDATE recording SET state = 'failed' WHERE id = (SELECT recording_id FROM run WHERE id = ?)", id);
    auto rows = db.select(sql, id);
    if (rows.next()) expired.push_back(read_recording(*rows));
  }
  return expired;
}

bool sign_of_life(Connection& db, const std::string& worker) {
  if (db.run("UPDATE worker SET seen_at = ? WHERE id = ?", ticks(), worker) == 1) return false;
  db.run("INSERT INTO worker VALUES (?, ?)", worker, ticks());
  return true;
}

int workers(Connection& db, milliseconds within) {
  auto rows = db.select("SELECT count(*) FROM worker WHERE seen_at > ?", ticks(-within));
  rows.next();
  return static_cast<int>(rows->integer());
}

std::int64_t ticks(milliseconds ahead) {
  return std::chrono::duration_cast<milliseconds>((Monotonic::now() + ahead).time_since_epoch()).count();
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
