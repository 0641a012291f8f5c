#include "ledger/postgres.hpp"

#include <algorithm>

#include "ledger/group_commit.hpp"
#include "ledger/postgres_files.hpp"
#include "ledger/postgres_migrations.hpp"
#include "ledger/postgres_query.hpp"
#include "ledger/postgres_recordings.hpp"

namespace onetake::ledger {

/// Says what has been committed to whoever wants to hear of it. Held by those too whose answer is under way, for they
/// take it when the ledger may be no more.
class Postgres::Herald {
 public:
  explicit Herald(std::function<void(Change, const std::string&)> committed) : committed_(std::move(committed)) {}

  void tell(Change change, const std::string& id) const {
    if (committed_) committed_(change, id);
  }
  void tell(const Leftovers& left) const {
    for (const auto& run : left.runs) tell(Change::run_ended, run.str());
    if (left.blobs.empty()) return;
    for (const auto& dropped : left.recordings) tell(Change::recording_changed, dropped.recording.str());
  }

 private:
  const std::function<void(Change, const std::string&)> committed_;
};

namespace {

/// Two commit side by side where there are connections enough; more would only make the batches smaller.
int admission_threads(int pool) { return pool >= 4 ? 2 : 1; }

pg::Target target_of(const std::string& url, const PostgresOptions& options) {
  return {url, options.connect_timeout, options.statement_timeout, options.idle_timeout};
}

/// `work`, and then `tell(answer)`, which says what has changed.
template <class T>
Task<T> told(Task<T> work, std::type_identity_t<std::function<void(const T&)>> tell) {
  auto answer = co_await std::move(work);
  tell(std::as_const(answer));
  co_return answer;
}

template <class T>
std::function<T(pg::Session&)> repeated(std::function<T(pg::Connection&)> work) {
  return [work = std::move(work)](pg::Session& session) { return session.again(work); };
}

template <class T>
std::function<T(pg::Session&)> transacted(std::function<T(pg::Connection&)> work) {
  return [work = std::move(work)](pg::Session& session) { return session.once(work); };
}

}  // namespace

Postgres::Postgres(const pg::Target& target, const PostgresOptions& options)
    : options_(options),
      node_(options.node),
      herald_(std::make_shared<const Herald>(options.committed)),
      admissions_(admission_threads(options.pool), GroupCommit::most, target,
                  [this](pg::Session& session, std::vector<Asked>& asked) { serve_plays(session, asked); }),
      pool_(std::max(1, options.pool - admission_threads(options.pool)), 1, target,
            [](pg::Session& session, std::vector<Job>& jobs) {
              for (auto& each : jobs) each.run(session);
            }) {}

template <class T>
Task<T> Postgres::job(std::function<T(pg::Session&)> call) {
  return completed<T>([this, call = std::move(call)](Completion<T> completion) {
    auto run = [call, completion](pg::Session& session) mutable {
      std::optional<T> outcome;
      try {
        outcome.emplace(call(session));
      } catch (...) {
        completion.fail(std::current_exception());
        return;
      }
      completion.set(std::move(*outcome));
    };
    auto give_up = [completion](std::exception_ptr error) mutable { completion.fail(std::move(error)); };
    pool_.add(Job{in(options_.patience), std::move(run), std::move(give_up)});
  });
}

// What follows them is compiled once for what it answers, and not for each lambda.

template <class Work>
auto Postgres::again(Work work) -> Task<std::invoke_result_t<const Work&, pg::Connection&>> {
  using T = std::invoke_result_t<const Work&, pg::Connection&>;
  return job<T>(repeated(std::function<T(pg::Connection&)>{std::move(work)}));
}

template <class Work>
auto Postgres::once(Work work) -> Task<std::invoke_result_t<const Work&, pg::Connection&>> {
  using T = std::invoke_result_t<const Work&, pg::Connection&>;
  return job<T>(transacted(std::function<T(pg::Connection&)>{std::move(work)}));
}

void Postgres::serve_plays(pg::Session& session, std::vector<Asked>& asked) {
  const auto admit = [&](std::span<Asked> some) {
    std::vector<pg::Press> presses;
    for (const auto& each : some) presses.push_back(each.press);
    auto answers = session.again([&](pg::Connection& db) { return pg::admit(db, presses, node_); });
    for (std::size_t i = 0; i < some.size(); ++i) some[i].answer.set(std::move(answers[i]));
  };
  try {
    return admit(asked);
  } catch (const pg::Lost&) {  // the database is down, for each of them
    for (auto& each : asked) each.fail(std::current_exception());
    return;
  } catch (...) {
    if (asked.size() == 1) return asked.front().fail(std::current_exception());
  }
  for (auto& each : asked) {  // one of them is at fault, and fails alone
    try {
      admit(std::span{&each, 1});
    } catch (...) {
      each.fail(std::current_exception());
    }
  }
}

Task<Admission> Postgres::play(Play play) {
  auto admitted = completed<Admission>([this, play = std::move(play)](Completion<Admission> answer) {
    admissions_.add(Asked{in(options_.patience), {play, RunId{uuid7()}}, std::move(answer)});
  });
  return told(std::move(admitted), [herald = herald_](const Admission& answer) {
    if (answer.found == Found::created && !answer.lease) herald->tell(Change::run_queued, {});
  });
}

Task<Put> Postgres::put(TenantId tenant, CallSid call_sid, Registration registration, WallTime now) {
  return told(once([=](pg::Connection& db) { return pg::put(db, tenant, call_sid, registration, now); }),
              [herald = herald_](const Put& put) { herald->tell(put.leftovers); });
}

Task<std::optional<Recording>> Postgres::find(Key key) {
  return again([=](pg::Connection& db) { return pg::find(db, key); });
}

Task<result<Page<Recording>>> Postgres::list(ListQuery query) {
  return again([=](pg::Connection& db) { return pg::list(db, query); });
}

Task<Leftovers> Postgres::erase(TenantId tenant, CallSid call_sid, std::optional<std::string> recording_sid,
                                WallTime now) {
  return told(once([=](pg::Connection& db) { return pg::erase(db, tenant, call_sid, recording_sid, now); }),
              [herald = herald_](const Leftovers& left) { herald->tell(left); });
}

Task<Cancelled> Postgres::cancel(TenantId tenant, RunId run, WallTime now) {
  return told(once([=](pg::Connection& db) { return pg::cancel(db, tenant, run, now); }),
              [herald = herald_](const Cancelled& cancelled) { herald->tell(cancelled.leftovers); });
}

Task<std::vector<Claimed>> Postgres::claim(int limit, int per_tenant, milliseconds lease, WallTime now) {
  return told(job<std::vector<Claimed>>(
                  [=, this](pg::Session& session) { return pg::claim(session, node_, limit, per_tenant, lease, now); }),
              [herald = herald_](const std::vector<Claimed>& all) {
                for (const auto& claimed : all) herald->tell(Change::run_taken, claimed.lease.run.str());
              });
}

Task<std::optional<WallTime>> Postgres::next_due(WallTime now) {
  return again([=](pg::Connection& db) { return pg::next_due(db, now); });
}

Task<bool> Postgres::progress(Lease lease, Bytes received, std::optional<Bytes> total, milliseconds extend) {
  return again([=](pg::Connection& db) { return pg::progress(db, lease, received, total, extend); });
}

Task<bool> Postgres::retry(Lease lease, Reason reason, Setback setback, WallTime due, bool counts) {
  return told(once([=](pg::Connection& db) { return pg::retry(db, lease, reason, setback, due, counts); }),
              [herald = herald_](bool held) {
                if (held) herald->tell(Change::run_queued, {});
              });
}

Task<bool> Postgres::complete(Lease lease, Media media, WallTime now) {
  return told(once([=, this](pg::Connection& db) { return pg::complete(db, node_, lease, media, now); }),
              [herald = herald_, run = lease.run](bool held) {
                if (held) herald->tell(Change::run_ended, run.str());
              });
}

Task<bool> Postgres::fail(Lease lease, Setback setback, WallTime now) {
  return told(once([=](pg::Connection& db) { return pg::fail(db, lease, setback, now); }),
              [herald = herald_, run = lease.run](bool held) {
                if (held) herald->tell(Change::run_ended, run.str());
              });
}

Task<bool> Postgres::disown(RecordingId recording, std::string blob) {
  return once([=, this](pg::Connection& db) { return pg::disown(db, node_, recording, blob); });
}

Task<int> Postgres::recover(WallTime now) {
  return told(once([=, this](pg::Connection& db) { return pg::recover(db, node_, now); }),
              [herald = herald_](int runs) {
                if (runs > 0) herald->tell(Change::run_queued, {});
              });
}

Task<std::vector<Lease>> Postgres::rescue(WallTime now) {
  return told(once([=](pg::Connection& db) { return pg::rescue(db, now); }),
              [herald = herald_](const std::vector<Lease>& lost) {
                if (!lost.empty()) herald->tell(Change::run_queued, {});
              });
}

Task<std::vector<Recording>> Postgres::expire(milliseconds deadline, int limit, WallTime now) {
  return told(once([=](pg::Connection& db) { return pg::expire(db, deadline, limit, now); }),
              [herald = herald_](const std::vector<Recording>& late) {
                for (const auto& recording : late) herald->tell(Change::run_ended, recording.run->id.str());
              });
}

Task<std::vector<Retired>> Postgres::retire(milliseconds max_age, int limit, WallTime now) {
  return told(once([=](pg::Connection& db) { return pg::retire(db, max_age, limit, now); }),
              [herald = herald_](const std::vector<Retired>& retired) {
                for (const auto& each : retired) herald->tell(each.leftovers);
              });
}

Task<bool> Postgres::sign_of_life(std::string worker) {
  return again([=, this](pg::Connection& db) { return pg::sign_of_life(db, node_, worker); });
}

Task<int> Postgres::workers(milliseconds within) {
  return again([=](pg::Connection& db) { return pg::workers(db, within); });
}

Task<std::optional<Run>> Postgres::run(TenantId tenant, RunId id) {
  return again([=](pg::Connection& db) { return pg::find_run(db, tenant, id); });
}

Task<result<Page<Run>>> Postgres::runs(RunQuery query) {
  return again([=](pg::Connection& db) { return pg::list_runs(db, query); });
}

Task<Counts> Postgres::counts() {
  return again([](pg::Connection& db) { return pg::count(db); });
}

Task<result<Table>> Postgres::query(std::string sql) {
  return job<result<Table>>([sql = std::move(sql), limit = options_.query_limit](const pg::Session& session) {
    return pg::query(session.target(), sql, limit);
  });
}

Task<int> Postgres::played(std::vector<Played> plays) {
  return again([=, this](pg::Connection& db) { return pg::played(db, node_, plays); });
}

Task<std::vector<Stored>> Postgres::least_played(std::optional<Stored> after, int limit) {
  return again([=, this](pg::Connection& db) { return pg::least_played(db, node_, after, limit); });
}

Task<Stretch> Postgres::walk_files(RecordingId after, int limit) {
  return again([=, this](pg::Connection& db) { return pg::walk_files(db, node_, after, limit); });
}

Task<bool> Postgres::announce(std::string blob) {
  return again([=, this](pg::Connection& db) { return pg::announce(db, node_, blob); });
}

Task<std::vector<std::string>> Postgres::loose_files(bool announced_too, int limit) {
  return again([=, this](pg::Connection& db) { return pg::loose_files(db, node_, announced_too, limit); });
}

Task<int> Postgres::strike_files(std::vector<std::string> blobs, bool announced_too) {
  return again([=, this](pg::Connection& db) { return pg::strike_files(db, node_, blobs, announced_too); });
}

Task<std::vector<RecordingId>> Postgres::not_to_be_kept(std::vector<RecordingId> recordings) {
  return again([=](pg::Connection& db) { return pg::not_to_be_kept(db, recordings); });
}

Task<bool> Postgres::node_lives(std::string url, milliseconds within) {
  return again([=, this](pg::Connection& db) { return pg::node_lives(db, node_, url, within); });
}

Task<bool> Postgres::node_leaves() {
  return again([this](pg::Connection& db) { return pg::node_leaves(db, node_); });
}

Task<std::optional<Whereabouts>> Postgres::whereabouts(Key key, milliseconds within) {
  return again([=, this](pg::Connection& db) { return pg::whereabouts(db, node_, key, within); });
}

Task<bool> Postgres::copied(RecordingId recording, std::string blob, WallTime now) {
  return again([=, this](pg::Connection& db) { return pg::copied(db, node_, recording, blob, now); });
}

Task<bool> Postgres::made_durable(RecordingId recording, std::string blob) {
  return again([=](pg::Connection& db) { return pg::made_durable(db, recording, blob); });
}

Task<bool> Postgres::spoiled(RecordingId recording, std::string blob) {
  return once([=](pg::Connection& db) { return pg::spoiled(db, recording, blob); });
}

Task<std::vector<Uncopied>> Postgres::not_durable(RecordingId after, int limit) {
  return again([=, this](pg::Connection& db) { return pg::not_durable(db, node_, after, limit); });
}

Task<bool> Postgres::announce_object(std::string blob, WallTime due) {
  return again([=](pg::Connection& db) { return pg::announce_object(db, blob, due); });
}

Task<std::vector<std::string>> Postgres::take_objects(WallTime now, WallTime until, int limit) {
  return again([=](pg::Connection& db) { return pg::take_objects(db, now, until, limit); });
}

Task<int> Postgres::strike_objects(std::vector<std::string> blobs) {
  return again([blobs = std::move(blobs)](pg::Connection& db) { return pg::strike_objects(db, blobs); });
}

Task<bool> Postgres::lost(RecordingId recording, std::string blob, milliseconds within) {
  return once([=, this](pg::Connection& db) { return pg::lost(db, node_, recording, blob, within); });
}

Task<std::vector<Seen>> Postgres::look_at(std::vector<RunId> runs, milliseconds within) {
  return again([=, this, runs = std::move(runs)](pg::Connection& db) { return pg::look_at(db, node_, runs, within); });
}

Task<Bytes> Postgres::held_bytes() {
  return again([this](pg::Connection& db) { return pg::held_bytes(db, node_); });
}

Task<std::string> Postgres::node_secret() {
  return again([](pg::Connection& db) { return pg::node_secret(db); });
}

std::unique_ptr<Ledger> open_postgres(const std::string& url, const PostgresOptions& options) {
  const auto target = target_of(url, options);
  {
    pg::Connection db{target};
    if (const int found = pg::schema_of(db); !options.migrate && found < pg::known_schema())
      throw Unavailable("ledger: the database has schema " + std::to_string(found) + ", this version needs " +
                        std::to_string(pg::known_schema()) + ": run onetake migrate");
  }
  pg::migrate(target);
  return std::make_unique<Postgres>(target, options);
}

PostgresFound look_at_postgres(const std::string& url) {
  pg::Connection db{target_of(url, {})};
  const int schema = pg::schema_of(db);
  pg::check_newer(db, schema);
  auto rows = db.execute("SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)");
  rows.next();
  return {.version = db.version(),
          .place = std::string{PQhost(db.handle())} + ':' + PQport(db.handle()) + '/' + PQdb(db.handle()),
          .schema = schema,
          .known = pg::known_schema(),
          .may_migrate = rows.truth()};
}

Migrated migrate_postgres(const std::string& url) { return pg::migrate(target_of(url, {})); }

}  // namespace onetake::ledger
