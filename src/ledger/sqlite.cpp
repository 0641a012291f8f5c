#include "ledger/sqlite.hpp"

#include "base/completion.hpp"
#include "ledger/migrations.hpp"
#include "ledger/sqlite_files.hpp"
#include "ledger/sqlite_query.hpp"
#include "ledger/sqlite_recordings.hpp"
#include "ledger/sqlite_runs.hpp"

namespace onetake::ledger {
namespace {

/// `work(db)`, and the coroutine that waits for what it returns.
template <class T, class Work>
class Call final : public Job {
 public:
  Call(bool writes, const Work& work, Completion<T> completion)
      : Job(writes), work_(work), completion_(std::move(completion)) {}

  void run(Connection& db) override { outcome_.emplace(work_(db)); }
  void answer() override { completion_.set(std::move(*outcome_)); }
  void fail(std::exception_ptr error) override { completion_.fail(std::move(error)); }

 private:
  const Work work_;  // may be called twice, so it gives away nothing of its own
  Completion<T> completion_;
  std::optional<T> outcome_;
};

}  // namespace

Sqlite::Sqlite(std::unique_ptr<Connection> db, const SqliteOptions& options)
    : query_limit_(options.query_limit), jobs_(std::move(db)) {}

template <class Work>
auto Sqlite::job(bool writes, Work work) -> Task<std::invoke_result_t<const Work&, Connection&>> {
  using T = std::invoke_result_t<const Work&, Connection&>;
  return completed<T>([this, writes, work = std::move(work)](Completion<T> completion) {
    jobs_.add(std::make_unique<Call<T, Work>>(writes, work, std::move(completion)));
  });
}

template <class Work>
auto Sqlite::reading(Work work) -> Task<std::invoke_result_t<const Work&, Connection&>> {
  return job(false, std::move(work));
}

template <class Work>
auto Sqlite::writing(Work work) -> Task<std::invoke_result_t<const Work&, Connection&>> {
  return job(true, std::move(work));
}

Task<Put> Sqlite::put(TenantId tenant, CallSid call_sid, Registration registration, WallTime now) {
  return writing([=](Connection& db) { return ledger::put(db, tenant, call_sid, registration, now); });
}

Task<std::optional<Recording>> Sqlite::find(Key key) {
  return reading([=](Connection& db) { return ledger::find(db, key); });
}

Task<result<Page<Recording>>> Sqlite::list(ListQuery query) {
  return reading([=](Connection& db) { return ledger::list(db, query); });
}

Task<Leftovers> Sqlite::erase(TenantId tenant, CallSid call_sid, std::optional<std::string> recording_sid,
                              WallTime now) {
  return writing([=](Connection& db) { return ledger::erase(db, tenant, call_sid, recording_sid, now); });
}

Task<Admission> Sqlite::play(Play play) {
  return writing([play = std::move(play)](Connection& db) { return ledger::admit(db, play); });
}

Task<Cancelled> Sqlite::cancel(TenantId tenant, RunId run, WallTime now) {
  return writing([=](Connection& db) { return ledger::cancel(db, tenant, run, now); });
}

Task<std::vector<Claimed>> Sqlite::claim(int limit, int per_tenant, milliseconds lease, WallTime now) {
  return writing([=](Connection& db) { return ledger::claim(db, limit, per_tenant, lease, now); });
}

Task<std::optional<WallTime>> Sqlite::next_due(WallTime now) {
  return reading([=](Connection& db) { return ledger::next_due(db, now); });
}

Task<bool> Sqlite::progress(Lease lease, Bytes received, std::optional<Bytes> total, milliseconds extend) {
  return writing([=](Connection& db) { return ledger::progress(db, lease, received, total, extend); });
}

Task<bool> Sqlite::retry(Lease lease, Reason reason, Setback setback, WallTime due, bool counts) {
  return writing([=](Connection& db) { return ledger::retry(db, lease, reason, setback, due, counts); });
}

Task<bool> Sqlite::complete(Lease lease, Media media, WallTime now) {
  return writing([=](Connection& db) { return ledger::complete(db, lease, media, now); });
}

Task<bool> Sqlite::fail(Lease lease, Setback setback, WallTime now) {
  return writing([=](Connection& db) { return ledger::fail(db, lease, setback, now); });
}

Task<bool> Sqlite::disown(RecordingId recording, std::string blob) {
  return writing([=](Connection& db) { return ledger::disown(db, recording, blob); });
}

Task<int> Sqlite::recover(WallTime now) {
  return writing([=](Connection& db) { return ledger::recover(db, now); });
}

Task<std::vector<Lease>> Sqlite::rescue(WallTime now) {
  return writing([=](Connection& db) { return ledger::rescue(db, now); });
}

Task<std::vector<Recording>> Sqlite::expire(milliseconds deadline, int limit, WallTime now) {
  return writing([=](Connection& db) { return ledger::expire(db, deadline, limit, now); });
}

Task<std::vector<Retired>> Sqlite::retire(milliseconds max_age, int limit, WallTime now) {
  return writing([=](Connection& db) { return ledger::retire(db, max_age, limit, now); });
}

Task<bool> Sqlite::sign_of_life(std::string worker) {
  return writing([worker = std::move(worker)](Connection& db) { return ledger::sign_of_life(db, worker); });
}

Task<int> Sqlite::workers(milliseconds within) {
  return reading([=](Connection& db) { return ledger::workers(db, within); });
}

Task<std::optional<Run>> Sqlite::run(TenantId tenant, RunId id) {
  return reading([=](Connection& db) { return find_run(db, tenant, id); });
}

Task<result<Page<Run>>> Sqlite::runs(RunQuery query) {
  return reading([=](Connection& db) { return list_runs(db, query); });
}

Task<Counts> Sqlite::counts() {
  return reading([](Connection& db) { return count(db); });
}

Task<result<Table>> Sqlite::query(std::string sql) {
  return reading(
      [sql = std::move(sql), limit = query_limit_](Connection& db) { return ledger::query(db, sql, limit); });
}

Task<int> Sqlite::played(std::vector<Played> plays) {
  return writing([plays = std::move(plays)](Connection& db) { return ledger::played(db, plays); });
}

Task<std::vector<Stored>> Sqlite::least_played(std::optional<Stored> after, int limit) {
  return reading([after = std::move(after), limit](Connection& db) { return ledger::least_played(db, after, limit); });
}

Task<Stretch> Sqlite::walk_files(RecordingId after, int limit) {
  return reading([after = std::move(after), limit](Connection& db) { return ledger::walk_files(db, after, limit); });
}

Task<bool> Sqlite::announce(std::string blob) {
  return writing([blob = std::move(blob)](Connection& db) { return ledger::announce(db, blob); });
}

Task<std::vector<std::string>> Sqlite::loose_files(bool announced_too, int limit) {
  return reading([=](Connection& db) { return ledger::loose_files(db, announced_too, limit); });
}

Task<int> Sqlite::strike_files(std::vector<std::string> blobs, bool announced_too) {
  return writing([=](Connection& db) { return ledger::strike_files(db, blobs, announced_too); });
}

Task<std::vector<RecordingId>> Sqlite::not_to_be_kept(std::vector<RecordingId> recordings) {
  return reading([=](Connection& db) { return ledger::not_to_be_kept(db, recordings); });
}

// One node, which is this process: it has no neighbours, and what it holds it can be asked for.

Task<bool> Sqlite::node_lives(std::string, milliseconds) {
  return reading([](Connection&) { return false; });
}

Task<bool> Sqlite::node_leaves() {
  return reading([](Connection&) { return false; });
}

Task<std::optional<Whereabouts>> Sqlite::whereabouts(Key key, milliseconds) {
  return reading([key = std::move(key)](Connection& db) { return ledger::whereabouts(db, key); });
}

Task<bool> Sqlite::copied(RecordingId recording, std::string blob, WallTime now) {
  return writing([=](Connection& db) { return ledger::copied(db, recording, blob, now); });
}

Task<bool> Sqlite::made_durable(RecordingId recording, std::string blob) {
  return writing([=](Connection& db) { return ledger::made_durable(db, recording, blob); });
}

Task<bool> Sqlite::spoiled(RecordingId recording, std::string blob) {
  return writing([=](Connection& db) { return ledger::spoiled(db, recording, blob); });
}

Task<std::vector<Uncopied>> Sqlite::not_durable(RecordingId after, int limit) {
  return reading([after = std::move(after), limit](Connection& db) { return ledger::not_durable(db, after, limit); });
}

Task<bool> Sqlite::announce_object(std::string blob, WallTime due) {
  return writing([=](Connection& db) { return ledger::announce_object(db, blob, due); });
}

Task<std::vector<std::string>> Sqlite::take_objects(WallTime now, WallTime until, int limit) {
  return writing([=](Connection& db) { return ledger::take_objects(db, now, until, limit); });
}

Task<int> Sqlite::strike_objects(std::vector<std::string> blobs) {
  return writing([blobs = std::move(blobs)](Connection& db) { return ledger::strike_objects(db, blobs); });
}

Task<bool> Sqlite::lost(RecordingId, std::string, milliseconds) {
  return reading([](Connection&) { return false; });
}

Task<std::vector<Seen>> Sqlite::look_at(std::vector<RunId> runs, milliseconds) {
  return reading([runs = std::move(runs)](Connection& db) { return ledger::look_at(db, runs); });
}

Task<Bytes> Sqlite::held_bytes() {
  return reading([](Connection& db) { return ledger::held_bytes(db); });
}

Task<std::string> Sqlite::node_secret() {
  return reading([](Connection&) { return std::string{}; });
}

std::unique_ptr<Ledger> open_sqlite(const std::filesystem::path& path, const SqliteOptions& options) {
  auto db = std::make_unique<Connection>(path);
  if (!options.migrate && schema_of(*db) < known_schema())
    throw Unavailable("ledger: the database has schema " + std::to_string(schema_of(*db)) + ", this version needs " +
                      std::to_string(known_schema()) + ": run onetake migrate");
  migrate(*db);
  return std::make_unique<Sqlite>(std::move(db), options);
}

Migrated migrate_sqlite(const std::filesystem::path& path) {
  Connection db{path};
  const int from = schema_of(db);
  migrate(db);
  return {from, schema_of(db)};
}

}  // namespace onetake::ledger
