// Plays that wait together. Each round looks at all recordings with one statement and without a lock, judges here, and
// has the runs created by one function, which locks the recordings and creates only where nothing has changed since:
// a Play that creates nothing costs no lock and no commit. What had changed is looked at again.

#include <algorithm>
#include <set>

#include "ledger/admission.hpp"
#include "ledger/postgres_rows.hpp"
#include "ledger/postgres_runs.hpp"

namespace onetake::ledger::pg {
namespace {

/// Each round somebody has got what he asked for, here or elsewhere: more than this is a fault.
constexpr int most_rounds = 200;

/// Of a batch; `press` is its place there.
struct Wanted {
  std::size_t press;
  NewRun made;
  State state;  ///< in which it was judged
};

std::vector<std::optional<Recording>> look(Connection& db, std::span<const Press> presses,
                                           const std::vector<std::size_t>& at) {
  static const std::string sql = std::string{"SELECT a.n, "}
                                     .append(recording_columns)
                                     .append(", ")
                                     .append(run_columns)
                                     .append(
                                         " FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY "
                                         "AS a (tenant, call_sid, recording_key, n) CROSS JOIN LATERAL ("
                                         "SELECT * FROM recording WHERE tenant = a.tenant AND call_sid = a.call_sid "
                                         "AND (a.recording_key IS NULL OR recording_key = a.recording_key) "
                                         "ORDER BY id || '' LIMIT 1) r ")
                                     .append(newest_run);
  std::vector<std::string> tenants;
  std::vector<std::string> calls;
  std::vector<std::optional<std::string>> keys;
  for (const auto i : at) {
    const auto& key = presses[i].play.key;
    tenants.push_back(key.tenant.str());
    calls.push_back(key.call_sid.str());
    keys.push_back(key.recording_sid);
  }
  std::vector<std::optional<Recording>> found(at.size());
  auto rows = db.select(sql, tenants, calls, keys);
  while (rows.next()) {
    auto& place = found.at(static_cast<std::size_t>(rows.integer() - 1));
    place = read_recording(rows);
  }
  return found;
}

/// When the next retry may be created; nothing where it may be now.
std::optional<WallTime> retry_at(Connection& db, const Recording& recording, WallTime now) {
  auto rows = db.select(
      "SELECT created_at FROM run WHERE tenant = $1 AND recording_id = $2 AND asked_by = 'retry' AND created_at > $3 "
      "AND created_at <= $4 ORDER BY cycle DESC LIMIT $5",
      recording.tenant, recording.id, now - retry_window, now + clock_skew, most_retries);
  int found = 0;
  WallTime oldest;
  for (; rows.next(); ++found) oldest = rows.time();
  if (found < most_retries) return std::nullopt;
  return oldest + retry_window;
}

/// Tells of those that came to be whether they are claimed.
std::map<RunId, bool> create(Connection& db, std::span<const Press> presses, const std::vector<Wanted>& all,
                             const std::string& node) {
  std::vector<std::string> runs, recordings, states, asked;
  std::vector<int> cycles, urgencies, attempts, per_tenant;
  std::vector<bool> claims;
  std::vector<std::int64_t> leases, times;
  for (const auto& [at, made, state] : all) {
    const auto& play = presses[at].play;
    runs.push_back(made.run.id.str());
    recordings.push_back(made.run.recording.str());
    cycles.push_back(made.run.cycle);
    states.emplace_back(name(state));
    asked.emplace_back(made.asked_by);
    urgencies.push_back(static_cast<int>(made.run.urgency));
    attempts.push_back(play.max_attempts);
    claims.push_back(play.claim);
    leases.push_back(play.lease.count());
    per_tenant.push_back(play.per_tenant);
    times.push_back(play.now.time_since_epoch().count());
  }
  auto rows =
      db.select("SELECT run_id, claimed FROM admit_runs($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)", runs,
                recordings, cycles, states, asked, urgencies, attempts, claims, leases, per_tenant, times, node);
  std::map<RunId, bool> created;
  while (rows.next()) {
    RunId id{rows.text()};
    created[std::move(id)] = rows.truth();
  }
  return created;
}

Admission admitted(Recording recording, Run run, bool leased) {
  Admission admission{Found::created, std::move(recording), std::nullopt, {}};
  admission.recording.cycle = run.cycle;
  admission.recording.state = State::fetching;
  if (leased) admission.lease = Lease{run.id, run.recording, run.token};
  admission.recording.run = std::move(run);
  return admission;
}

/// One batch, on its way.
class Batch {
 public:
  Batch(Connection& db, std::span<const Press> presses, const std::string& node)
      : db_(db), presses_(presses), node_(node), answers_(presses.size()) {
    for (std::size_t i = 0; i < presses.size(); ++i) open_.push_back(i);
  }

  std::vector<Admission> all() && {
    for (int round = 0; !open_.empty(); ++round) {
      if (round == most_rounds) throw Unavailable("ledger: a recording changes faster than it can be looked at");
      judge_all();
      if (!urgent_.empty()) make_urgent();
      if (!wanted_.empty()) create_all();
    }
    return std::move(answers_);
  }

 private:
  void judge_all() {
    const auto open = std::exchange(open_, {});
    auto found = look(db_, presses_, open);
    std::set<RecordingId> taken;  // a second Play of a recording waits for what becomes of the first
    for (std::size_t i = 0; i < open.size(); ++i) {
      const auto at = open[i];
      if (!found[i]) {
        answers_[at] = {};
      } else if (taken.contains(found[i]->id)) {
        open_.push_back(at);
      } else if (judge_one(at, *std::move(found[i]))) {
        taken.insert(wanted_.back().made.run.recording);
      }
    }
  }

  /// True where a run is to be created.
  bool judge_one(std::size_t at, Recording recording) {
    const auto& [play, id] = presses_[at];
    if (recording.run && recording.run->id == id) {  // an earlier try, whose answer was lost, has created it
      auto run = *recording.run;
      const bool ours = play.claim && is_held_here(run);
      answers_[at] = admitted(std::move(recording), std::move(run), ours);
      return false;
    }
    const auto verdict = judge(recording, play);
    auto& answer = answers_[at];
    answer = Admission{verdict.found, std::move(recording), std::nullopt, verdict.retry_at};
    if (makes_urgent(answer.recording, play, verdict)) {
      answer.recording.run->urgency = Urgency::play;
      urgent_.push_back(answer.recording.run->id.str());
    }
    if (verdict.found != Found::created) return false;
    if (verdict.again) {
      if (const auto later = retry_at(db_, answer.recording, play.now)) {
        answer.found = Found::too_many_retries;
        answer.retry_at = *later;
        return false;
      }
    }
    wanted_.push_back({at, new_run(answer.recording, play, verdict, id), answer.recording.state});
    return true;
  }

  /// Since its admission: one that was queued may have been claimed by now, here or at another node, and that lease is
  /// somebody else's.
  [[nodiscard]] bool is_held_here(const Run& run) const {
    return db_
        .select(
            "SELECT FROM run WHERE id = $1 AND status = 'running' AND token = 1 AND node = $2 "
            "AND started_at = created_at",
            run.id, node_)
        .next();
  }

  void make_urgent() {
    db_.run("UPDATE run SET urgency = 0 WHERE id = ANY ($1::text[]) AND status IN ('queued', 'running')", urgent_);
    urgent_.clear();
  }

  void create_all() {
    const auto created = create(db_, presses_, wanted_, node_);
    for (auto& [at, made, state] : wanted_) {
      const auto it = created.find(made.run.id);
      if (it == created.end()) {
        open_.push_back(at);
        continue;
      }
      if (!it->second && presses_[at].play.claim) make_queued(made.run);
      const bool leased = made.run.status == RunStatus::running;
      answers_[at] = admitted(std::move(answers_[at].recording), std::move(made.run), leased);
    }
    wanted_.clear();
  }

  /// Its tenant had no room.
  static void make_queued(Run& run) {
    run.status = RunStatus::queued;
    run.attempt = 0;
    run.token = 0;
    run.started_at.reset();
    run.due_at = run.created_at;
  }

  Connection& db_;
  std::span<const Press> presses_;
  const std::string& node_;
  std::vector<Admission> answers_;
  std::vector<std::size_t> open_;
  std::vector<std::string> urgent_;
  std::vector<Wanted> wanted_;
};

}  // namespace

std::vector<Admission> admit(Connection& db, std::span<const Press> presses, const std::string& node) {
  const auto ahead = db.server_ahead();
  std::vector<Press> by_server{presses.begin(), presses.end()};
  for (auto& each : by_server) each.play.now += ahead;
  auto answers = Batch{db, by_server, node}.all();
  for (auto& each : answers) {  // whoever asked goes by his own clock
    each.retry_at -= ahead;
    if (!each.lease) continue;
    each.recording.run->created_at -= ahead;
    each.recording.registered_at -= ahead;
  }
  return answers;
}

}  // namespace onetake::ledger::pg
