#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "ledger/files.hpp"
#include "ledger/whereabouts.hpp"
#include "recording/recording.hpp"

namespace onetake::ledger {

/// What every call throws when the database is down, full, broken or in somebody else's hands. Nothing was answered; a
/// change whose commit failed is there or is not.
class Unavailable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The database is there, and will not have what it was told, however often: a value that it cannot hold, or a rule of
/// its schema. Nothing was changed.
class Rejected : public Unavailable {
 public:
  using Unavailable::Unavailable;
};

/// A run in somebody's hands. Every write about it names the token; zero rows means that somebody newer has it.
struct Lease {
  RunId run;
  RecordingId recording;
  std::int64_t token = 0;
};

/// A claimed run with all that its worker needs to know.
struct Claimed {
  Lease lease;
  Recording recording;  ///< with `run`, running
};

/// Who asks for the audio.
enum class AskedBy {
  play,   ///< a person who wants to hear it
  fetch,  ///< somebody who wants it ready
  retry   ///< somebody who does not accept a failure
};

struct Play {
  Key key = {};
  bool explicit_action = false;  ///< a person pressed Play, or someone asked for the audio to be made ready
  AskedBy asked_by = AskedBy::play;
  bool claim = false;          ///< a slot is free here: what is created is claimed in the same transaction
  int per_tenant = 0;          ///< so many running of the tenant, and it is only queued; 0: any number
  milliseconds lease{30'000};  ///< of what is claimed
  int max_attempts = 5;
  milliseconds failure_cooldown{0};
  milliseconds retention{0};  ///< 0 keeps for ever; counts from started_at, else from registered_at
  WallTime now = {};
};

/// What Play found, in the order in which it looked.
enum class Found {
  nothing,           ///< no such recording of this tenant
  gone,              ///< the provider said 410, or past retention
  ready,             ///< `recording.media` is set
  fetching,          ///< `recording.run` is queued or running
  cooling_down,      ///< `recording.run` has failed, and `retry_at` lies ahead
  cold,              ///< nothing was started, for it was not explicit
  too_many_retries,  ///< three in ten minutes; the next one at `retry_at`
  created,           ///< `recording.run` is new; queued, or running under `lease`
};

struct Admission {
  Found found = Found::nothing;
  Recording recording;                 ///< unless nothing
  std::optional<ledger::Lease> lease;  ///< created and claimed
  WallTime retry_at;                   ///< cooling_down, too_many_retries
};

/// A recording whose audio nobody may hear any more, as far as it came in cycles up to `last_cycle`: the next one may
/// have begun before the caller comes to cut anybody.
struct Dropped {
  RecordingId recording;
  int last_cycle = 0;

  bool operator==(const Dropped&) const = default;
};

/// What a change left behind: runs to stop, files to delete. The caller does both after the commit.
struct Leftovers {
  std::vector<Dropped> recordings;
  std::vector<RunId> runs;         ///< were active, are cancelled or erased
  std::vector<std::string> blobs;  ///< published files that nothing points to any more
};

struct Cancelled {
  std::optional<Run> run;  ///< as it is now; nothing: no such run of this tenant
  Leftovers leftovers;     ///< empty where it had ended before
};

/// A recording that has outlived its retention.
struct Retired {
  TenantId tenant;
  CallSid call_sid;
  Leftovers leftovers;
};

struct Put {
  Recording recording;
  bool created = false;
  Leftovers leftovers;
};

struct ListQuery {
  TenantId tenant = {};
  int limit = 50;  ///< 1 to 500
  std::string cursor = {};
  std::string q = {};  ///< prefix of call_sid, from or to; case-sensitive
  std::optional<State> state = {};
  std::string direction = {};
  std::optional<WallTime> started_after = {};   ///< included; a call without a start stands at its registration
  std::optional<WallTime> started_before = {};  ///< not included
  bool oldest_first = false;
};

struct RunQuery {
  TenantId tenant = {};
  int limit = 50;
  std::string cursor = {};
  std::optional<CallSid> call_sid = {};
  std::optional<RunStatus> status = {};
};

template <class T>
struct Page {
  std::vector<T> items;
  std::string next_cursor;  ///< "" on the last page
};

struct Counts {
  std::map<RunStatus, std::int64_t> runs;  ///< in the database now, each status
  std::int64_t duplicate_runs = 0;         ///< recordings with two runs queued or running
  Bytes published_bytes = 0;
};

/// Read-only SQL for people. Values as text; NULL is nothing.
struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;
};

/// The durable truth: recordings, runs, leases. One port, on SQLite and on PostgreSQL; `conformance` is the one suite
/// for both.
///
/// A ledger is one node's: it is opened with the node's name. On SQLite there is one node. On PostgreSQL any number
/// share the recordings and the runs, while leases, signs of life and files are told apart by node.
///
/// Any loop; the caller goes on, on its own. What an answer says is committed (with fsync) before the answer is given.
/// A database that is down, full or broken throws; an outcome that depends on input is in the answer.
/// Every call is one transaction. `now` is the caller's clock, so that tests have one too; on PostgreSQL it is
/// told by the database's (docs/decisions/0022).
class Ledger {
 public:
  virtual ~Ledger() = default;

  /// Registers, or replaces what was registered under the same (tenant, call sid, recording sid). Another source
  /// cancels the active run and drops the media: the recording is `remote` again, also where it was `failed` or `gone`,
  /// and registered now. A source that says the same keeps all of that.
  virtual Task<Put> put(TenantId tenant, CallSid call_sid, Registration registration, WallTime now) = 0;

  virtual Task<std::optional<Recording>> find(Key key) = 0;
  /// Errors: `bad_request` for a cursor that is none of ours.
  virtual Task<result<Page<Recording>>> list(ListQuery query) = 0;

  /// Erases the recordings, their runs and, with a recording sid, only that one. Leaves a tombstone for each (tenant,
  /// HMAC of the call sid, time). Nothing found: no leftovers.
  virtual Task<Leftovers> erase(TenantId tenant, CallSid call_sid, std::optional<std::string> recording_sid,
                                WallTime now) = 0;

  /// Admission. Creates a run exactly if the recording is cold, or failed and cooled down, and the Play is explicit:
  /// at most one of a recording is ever active, one row a (tenant, recording, cycle), and `cycle` grows here and
  /// nowhere else. A retry does not wait for a failure to cool down, and takes the provider's 410 for one; at most
  /// three of a recording are created in ten minutes. A press of Play makes the run that it joins urgent. Plays that
  /// wait together are committed together.
  virtual Task<Admission> play(Play play) = 0;

  /// Ends an active run; its recording is `remote`, and the next Play begins another cycle.
  virtual Task<Cancelled> cancel(TenantId tenant, RunId run, WallTime now) = 0;

  /// Claims up to `limit` queued runs that are due, each for `lease`, at most `per_tenant` running of one tenant. One
  /// of a tenant in turn, whoever has waited longest for a turn first; of a tenant's own the most urgent, of these the
  /// longest due.
  virtual Task<std::vector<Claimed>> claim(int limit, int per_tenant, milliseconds lease, WallTime now) = 0;
  /// When the next queued run that is not due yet will be; nothing where there is none.
  virtual Task<std::optional<WallTime>> next_due(WallTime now) = 0;

  // By the holder of the lease. False: the token is stale or the run has ended, and nothing was written.

  /// A sign of life: from now on the lease lasts for `extend`.
  virtual Task<bool> progress(Lease lease, Bytes received, std::optional<Bytes> total, milliseconds extend) = 0;
  /// Back to queued, the same row. `counts` says whether the attempt used up one of `max_attempts`: a claim adds one to
  /// `Run::attempt`, a setback that does not count gives it back.
  virtual Task<bool> retry(Lease lease, Reason reason, Setback setback, WallTime due, bool counts) = 0;
  /// The pointer: the recording is ready, and this node holds its file. The run keeps its last setback, if it had any.
  /// True again, when it is said again: whoever lost the answer must not unlink what the pointer names.
  virtual Task<bool> complete(Lease lease, Media media, WallTime now) = 0;
  /// The recording is `failed`, or `gone` where the provider said 410.
  virtual Task<bool> fail(Lease lease, Setback setback, WallTime now) = 0;

  /// The file that `blob` names goes, or is missing, or does not hold what it should: this node's copy is no more, and
  /// with the last one, where none is durable, the pointer: the recording is `remote`. True if this node had one.
  virtual Task<bool> disown(RecordingId recording, std::string blob) = 0;

  /// On start, before anything else: no lease outlives the process that holds it. This node's running runs are queued
  /// again, due now, their attempt given back; tells how many. Its workers of an earlier life are forgotten.
  virtual Task<int> recover(WallTime now) = 0;

  // The sweep. Leases and signs of life are told by the ledger's own clock, which nobody sets: `now` is for what is
  // stored and shown.

  /// Runs whose lease has run out are queued again, due now, their attempt given back. The token stays, the next claim
  /// adds to it. Tells which leases were lost.
  virtual Task<std::vector<Lease>> rescue(WallTime now) = 0;
  /// Fails up to `limit` runs that are queued and were created `deadline` ago, or earlier: `overdue`. What the last
  /// attempt came to stands in the detail. Tells whose, with the run. Those of the future, for the clock has been set
  /// back since, are due now and count from now.
  virtual Task<std::vector<Recording>> expire(milliseconds deadline, int limit, WallTime now) = 0;
  /// Up to `limit` recordings that are `max_age` old, or older, are `gone`: audio dropped, run cancelled, metadata
  /// kept.
  virtual Task<std::vector<Retired>> retire(milliseconds max_age, int limit, WallTime now) = 0;

  /// This worker lives. True when it was not known.
  virtual Task<bool> sign_of_life(std::string worker) = 0;
  /// How many workers have given a sign of life less than so long ago.
  virtual Task<int> workers(milliseconds within) = 0;

  virtual Task<std::optional<Run>> run(TenantId tenant, RunId id) = 0;
  /// Newest first. Errors: `bad_request` for a cursor that is none of ours.
  virtual Task<result<Page<Run>>> runs(RunQuery query) = 0;

  /// Costs no more with more recordings; with more active runs it does.
  virtual Task<Counts> counts() = 0;
  /// Errors: `bad_request` with the database's own words; also for SQL that would write.
  virtual Task<result<Table>> query(std::string sql) = 0;

  // This node's files. `complete`, and whatever takes a pointer away, keep the list of files that nothing points to: a
  // pointer that goes leaves every node's copy on that node's own list.

  /// When these were played last; tells of how many that is news.
  virtual Task<int> played(std::vector<Played> plays) = 0;
  /// Published files, the least recently played first, those that come after `after`. Publishing counts as playing.
  virtual Task<std::vector<Stored>> least_played(std::optional<Stored> after, int limit) = 0;
  /// Goes on behind `after`, looks at up to `limit` recordings and tells of those that have a file here.
  virtual Task<Stretch> walk_files(RecordingId after, int limit) = 0;

  /// `blob` is about to become a published file: until a pointer or `strike_files` says otherwise, nothing points to
  /// it. True, also when it is said again, and of what is loose: an evicted file may be on its way back.
  virtual Task<bool> announce(std::string blob) = 0;
  /// Up to `limit` files that nothing points to any more; those too that have been announced, if nobody can be about to
  /// point to them, as on start.
  virtual Task<std::vector<std::string>> loose_files(bool announced_too, int limit) = 0;
  /// They are unlinked, those of them that have been announced since only if `announced_too`.
  virtual Task<int> strike_files(std::vector<std::string> blobs, bool announced_too) = 0;
  /// Those of these recordings of which no audio may be kept any more, whatever it is kept for: erased, or gone.
  virtual Task<std::vector<RecordingId>> not_to_be_kept(std::vector<RecordingId> recordings) = 0;

  // Nodes, and who holds what.

  /// This node lives, and the others reach it at `url`; whoever was reached there before is no more. After more than
  /// `within` without such a sign it lives anew: see `lost`. True when it was not known. On SQLite there are no others:
  /// false.
  virtual Task<bool> node_lives(std::string url, milliseconds within) = 0;
  /// This node stops: nobody needs to wait until it has been silent for long enough.
  virtual Task<bool> node_leaves() = 0;
  /// Where the audio is, or is being fetched; nothing where there is no such recording. A node lives while its last
  /// sign of life is younger than `within`.
  virtual Task<std::optional<Whereabouts>> whereabouts(Key key, milliseconds within) = 0;
  /// This node now holds the published file too; it has been announced. False: the pointer has moved on, unlink it.
  virtual Task<bool> copied(RecordingId recording, std::string blob, WallTime now) = 0;
  /// The durable copy of what `blob` names exists, and is off the list of objects that nothing points to. REQUIRES: it
  /// has been announced. False: the pointer has moved on, or the name is being removed or has been: then what was made
  /// may be gone, and it is copied again.
  virtual Task<bool> made_durable(RecordingId recording, std::string blob) = 0;
  /// The durable copy of what `blob` names is missing, or does not hold what it should: it is no more, its object is to
  /// be removed, and where no node has the file the pointer goes: the recording is `remote`. True if there was one.
  virtual Task<bool> spoiled(RecordingId recording, std::string blob) = 0;
  /// No living node holds the file that `blob` names, and no copy is durable: the pointer goes, and the recording is
  /// `remote`. Silence counts only where it could have been broken: this node has lived for `within` itself. True if
  /// the pointer went; false where there is still somebody to ask, or to wait for.
  virtual Task<bool> lost(RecordingId recording, std::string blob, milliseconds within) = 0;

  // Durable copies: the objects that all nodes share. They have the names of the blobs that they are copies of.

  /// Up to `limit` files of this node that have no durable copy yet, in the order of their recordings, behind `after`.
  virtual Task<std::vector<Uncopied>> not_durable(RecordingId after, int limit) = 0;
  /// A durable copy of what `blob` names is about to be made, by `due` at the latest: until `made_durable` it stands on
  /// the list of objects that nothing points to. True, also when it is said again; false while somebody is removing
  /// what lies under that name.
  virtual Task<bool> announce_object(std::string blob, WallTime due) = 0;
  /// Up to `limit` objects that nothing points to, for the caller to remove until `until`: others are not told of them
  /// before. Whatever takes a pointer away puts its durable copy here.
  virtual Task<std::vector<std::string>> take_objects(WallTime now, WallTime until, int limit) = 0;
  /// They are removed.
  virtual Task<int> strike_objects(std::vector<std::string> blobs) = 0;

  /// Those of these runs that there are, as they stand.
  virtual Task<std::vector<Seen>> look_at(std::vector<RunId> runs, milliseconds within) = 0;
  /// How much this node holds of what is published.
  virtual Task<Bytes> held_bytes() = 0;
  /// What the nodes of one database prove to each other that they are such by; made when it is first asked for. On
  /// SQLite "".
  virtual Task<std::string> node_secret() = 0;
};

}  // namespace onetake::ledger
