#pragma once

#include "ledger/group_commit.hpp"
#include "ledger/ledger.hpp"
#include "ledger/sqlite_ledger.hpp"

namespace onetake::ledger {

/// The port on SQLite: each call is a job for the thread that owns the connection.
class Sqlite final : public Ledger {
 public:
  Sqlite(std::unique_ptr<Connection> db, const SqliteOptions& options);

  Task<Put> put(TenantId tenant, CallSid call_sid, Registration registration, WallTime now) override;
  Task<std::optional<Recording>> find(Key key) override;
  Task<result<Page<Recording>>> list(ListQuery query) override;
  Task<Leftovers> erase(TenantId tenant, CallSid call_sid, std::optional<std::string> recording_sid,
                        WallTime now) override;
  Task<Admission> play(Play play) override;
  Task<Cancelled> cancel(TenantId tenant, RunId run, WallTime now) override;
  Task<std::vector<Claimed>> claim(int limit, int per_tenant, milliseconds lease, WallTime now) override;
  Task<std::optional<WallTime>> next_due(WallTime now) override;
  Task<bool> progress(Lease lease, Bytes received, std::optional<Bytes> total, milliseconds extend) override;
  Task<bool> retry(Lease lease, Reason reason, Setback setback, WallTime due, bool counts) override;
  Task<bool> complete(Lease lease, Media media, WallTime now) override;
  Task<bool> fail(Lease lease, Setback setback, WallTime now) override;
  Task<bool> disown(RecordingId recording, std::string blob) override;
  Task<int> recover(WallTime now) override;
  Task<std::vector<Lease>> rescue(WallTime now) override;
  Task<std::vector<Recording>> expire(milliseconds deadline, int limit, WallTime now) override;
  Task<std::vector<Retired>> retire(milliseconds max_age, int limit, WallTime now) override;
  Task<bool> sign_of_life(std::string worker) override;
  Task<int> workers(milliseconds within) override;
  Task<std::optional<Run>> run(TenantId tenant, RunId id) override;
  Task<result<Page<Run>>> runs(RunQuery query) override;
  Task<Counts> counts() override;
  Task<result<Table>> query(std::string sql) override;
  Task<int> played(std::vector<Played> plays) override;
  Task<std::vector<Stored>> least_played(std::optional<Stored> after, int limit) override;
  Task<Stretch> walk_files(RecordingId after, int limit) override;
  Task<bool> announce(std::string blob) override;
  Task<std::vector<std::string>> loose_files(bool announced_too, int limit) override;
  Task<int> strike_files(std::vector<std::string> blobs, bool announced_too) override;
  Task<std::vector<RecordingId>> not_to_be_kept(std::vector<RecordingId> recordings) override;
  Task<bool> node_lives(std::string url, milliseconds within) override;
  Task<bool> node_leaves() override;
  Task<std::optional<Whereabouts>> whereabouts(Key key, milliseconds within) override;
  Task<bool> copied(RecordingId recording, std::string blob, WallTime now) override;
  Task<bool> made_durable(RecordingId recording, std::string blob) override;
  Task<bool> spoiled(RecordingId recording, std::string blob) override;
  Task<std::vector<Uncopied>> not_durable(RecordingId after, int limit) override;
  Task<bool> announce_object(std::string blob, WallTime due) override;
  Task<std::vector<std::string>> take_objects(WallTime now, WallTime until, int limit) override;
  Task<int> strike_objects(std::vector<std::string> blobs) override;
  Task<bool> lost(RecordingId recording, std::string blob, milliseconds within) override;
  Task<std::vector<Seen>> look_at(std::vector<RunId> runs, milliseconds within) override;
  Task<Bytes> held_bytes() override;
  Task<std::string> node_secret() override;

 private:
  template <class Work>
  auto reading(Work work) -> Task<std::invoke_result_t<const Work&, Connection&>>;
  template <class Work>
  auto writing(Work work) -> Task<std::invoke_result_t<const Work&, Connection&>>;
  template <class Work>
  auto job(bool writes, Work work) -> Task<std::invoke_result_t<const Work&, Connection&>>;

  const milliseconds query_limit_;
  GroupCommit jobs_;
};

}  // namespace onetake::ledger
