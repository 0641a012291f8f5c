#pragma once

#include <gmock/gmock.h>

#include <atomic>
#include <functional>

#include "base/temp_folder.hpp"
#include "base/test_loop.hpp"
#include "run/join.hpp"
#include "run/test_parts.hpp"

/// What the tests of `Join` share.
namespace onetake::run::test {

using ledger::Found;

template <class T>
Task<T> not_expected(T nothing) {
  ADD_FAILURE() << "the ledger was asked for something else";
  co_return nothing;
}

/// Answers a Play and the question after a run as the test says; nobody asks it anything else here.
/// No virtual coroutine is defined in the class: GCC 12 resumes those at the wrong address.
class ScriptedLedger final : public ledger::Ledger {
 public:
  std::function<ledger::Admission(const ledger::Play&)> on_play;
  std::function<std::optional<Run>(const RunId&)> on_run;
  std::function<std::vector<ledger::Seen>(const std::vector<RunId>&)> on_look;
  std::atomic<int> plays = 0;
  std::atomic<int> alive = 0;        ///< workers
  std::atomic<bool> closed = false;  ///< Plays wait until it is opened

  void open() {
    const std::lock_guard lock{mutex_};
    closed = false;
    waiters_.wake_all();
  }

  Task<ledger::Admission> play(ledger::Play play) override;
  Task<std::optional<Run>> run(TenantId tenant, RunId id) override;
  Task<int> workers(milliseconds within) override;
  Task<std::vector<ledger::Seen>> look_at(std::vector<RunId> runs, milliseconds within) override;

  Task<ledger::Put> put(TenantId, CallSid, Registration, WallTime) override { return not_expected(ledger::Put{}); }
  Task<std::optional<Recording>> find(Key) override { return not_expected(std::optional<Recording>{}); }
  Task<result<ledger::Page<Recording>>> list(ledger::ListQuery) override {
    return not_expected(result<ledger::Page<Recording>>{});
  }
  Task<ledger::Leftovers> erase(TenantId, CallSid, std::optional<std::string>, WallTime) override {
    return not_expected(ledger::Leftovers{});
  }
  Task<ledger::Cancelled> cancel(TenantId, RunId, WallTime) override { return not_expected(ledger::Cancelled{}); }
  Task<std::vector<ledger::Claimed>> claim(int, int, milliseconds, WallTime) override {
    return not_expected(std::vector<ledger::Claimed>{});
  }
  Task<std::optional<WallTime>> next_due(WallTime) override { return not_expected(std::optional<WallTime>{}); }
  Task<bool> progress(ledger::Lease, Bytes, std::optional<Bytes>, milliseconds) override { return not_expected(false); }
  Task<bool> retry(ledger::Lease, Reason, Setback, WallTime, bool) override { return not_expected(false); }
  Task<bool> complete(ledger::Lease, Media, WallTime) override { return not_expected(false); }
  Task<bool> fail(ledger::Lease, Setback, WallTime) override { return not_expected(false); }
  Task<bool> disown(RecordingId, std::string) override { return not_expected(false); }
  Task<int> recover(WallTime) override { return not_expected(0); }
  Task<std::vector<ledger::Lease>> rescue(WallTime) override { return not_expected(std::vector<ledger::Lease>{}); }
  Task<std::vector<Recording>> expire(milliseconds, int, WallTime) override {
    return not_expected(std::vector<Recording>{});
  }
  Task<std::vector<ledger::Retired>> retire(milliseconds, int, WallTime) override {
    return not_expected(std::vector<ledger::Retired>{});
  }
  Task<bool> sign_of_life(std::string) override { return not_expected(false); }
  Task<result<ledger::Page<Run>>> runs(ledger::RunQuery) override { return not_expected(result<ledger::Page<Run>>{}); }
  Task<ledger::Counts> counts() override { return not_expected(ledger::Counts{}); }
  Task<result<ledger::Table>> query(std::string) override { return not_expected(result<ledger::Table>{}); }
  Task<int> played(std::vector<ledger::Played>) override { return not_expected(0); }
  Task<std::vector<ledger::Stored>> least_played(std::optional<ledger::Stored>, int) override {
    return not_expected(std::vector<ledger::Stored>{});
  }
  Task<ledger::Stretch> walk_files(RecordingId, int) override { return not_expected(ledger::Stretch{}); }
  Task<bool> announce(std::string) override { return not_expected(false); }
  Task<std::vector<std::string>> loose_files(bool, int) override { return not_expected(std::vector<std::string>{}); }
  Task<int> strike_files(std::vector<std::string>, bool) override { return not_expected(0); }
  Task<std::vector<RecordingId>> not_to_be_kept(std::vector<RecordingId>) override {
    return not_expected(std::vector<RecordingId>{});
  }
  Task<bool> node_lives(std::string, milliseconds) override { return not_expected(false); }
  Task<bool> node_leaves() override { return not_expected(false); }
  Task<std::optional<ledger::Whereabouts>> whereabouts(Key, milliseconds) override {
    return not_expected(std::optional<ledger::Whereabouts>{});
  }
  Task<bool> copied(RecordingId, std::string, WallTime) override { return not_expected(false); }
  Task<bool> made_durable(RecordingId, std::string) override { return not_expected(false); }
  Task<bool> lost(RecordingId, std::string, milliseconds) override { return not_expected(false); }
  Task<bool> spoiled(RecordingId, std::string) override { return not_expected(false); }
  Task<std::vector<ledger::Uncopied>> not_durable(RecordingId, int) override {
    return not_expected(std::vector<ledger::Uncopied>{});
  }
  Task<bool> announce_object(std::string, WallTime) override { return not_expected(false); }
  Task<std::vector<std::string>> take_objects(WallTime, WallTime, int) override {
    return not_expected(std::vector<std::string>{});
  }
  Task<int> strike_objects(std::vector<std::string>) override { return not_expected(0); }
  Task<Bytes> held_bytes() override { return not_expected(Bytes{}); }
  Task<std::string> node_secret() override { return not_expected(std::string{}); }

 private:
  std::mutex mutex_;
  Waiters waiters_{mutex_};
};

inline Task<ledger::Admission> ScriptedLedger::play(ledger::Play play) {
  ++plays;
  {
    std::unique_lock lock{mutex_};
    while (closed) co_await waiters_.wait(lock, never);
  }
  co_return on_play(play);
}

inline Task<std::optional<Run>> ScriptedLedger::run(TenantId, RunId id) { co_return on_run(id); }

inline Task<int> ScriptedLedger::workers(milliseconds) { co_return alive; }

inline Task<std::vector<ledger::Seen>> ScriptedLedger::look_at(std::vector<RunId> runs, milliseconds) {
  co_return on_look(runs);
}

class JoinTest : public testing::Test {
 protected:
  static Key key(const std::string& call_sid = "CA") {
    return {.tenant = TenantId{"acme"}, .call_sid = CallSid{call_sid}, .recording_sid = {}};
  }
  static Recording recording(int cycle = 1, RunStatus status = RunStatus::queued) {
    Recording made;
    made.id = RecordingId{"rec"};
    made.tenant = TenantId{"acme"};
    made.call_sid = CallSid{"CA"};
    made.cycle = cycle;
    made.run.emplace();
    made.run->id = RunId{"run-" + std::to_string(cycle)};
    made.run->cycle = cycle;
    made.run->status = status;
    return made;
  }
  static std::function<ledger::Admission(const ledger::Play&)> answering(Found found, const Recording& recording) {
    return [=](const ledger::Play&) {
      return ledger::Admission{.found = found, .recording = recording, .lease = {}, .retry_at = {}};
    };
  }
  /// The ledger's own word of a run.
  void say(RunStatus status) {
    ledger_.on_run = [status](const RunId& id) {
      auto run = recording(1, status).run.value();
      run.id = id;
      return std::optional{run};
    };
  }

  TempFolder folder_;
  blob::Store store_{folder_.path()};
  ScriptedLedger ledger_;
  Flights flights_;
  TestLoop one_;
  TestLoop two_;
  Offload disk_{1};
  Worker worker_{one_.loop(), ledger_, store_, disk_, flights_, {}, {}, Limits{}};
  Join join_{ledger_, flights_, worker_, Join::Admission{.works = false}};
};

}  // namespace onetake::run::test
