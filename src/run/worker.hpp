#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>

#include "base/loop.hpp"
#include "base/offload.hpp"
#include "base/waiters.hpp"
#include "blob/store.hpp"
#include "ledger/ledger.hpp"
#include "provider/provider.hpp"
#include "run/copier.hpp"
#include "run/flights.hpp"
#include "run/gate.hpp"
#include "run/slots.hpp"

namespace onetake::run {

/// The [fetch] section, as far as a worker goes by it.
struct Limits {
  int max_concurrent = 256;
  int per_tenant_concurrent = 32;
  milliseconds lease{30'000};
  milliseconds heartbeat{10'000};
  milliseconds sweep{5'000};
  milliseconds attempt_timeout{30 * 60'000};
  milliseconds run_deadline{2 * 3'600'000};
  milliseconds not_ready_for{15 * 60'000};
  milliseconds backoff_initial{1'000};
  milliseconds backoff_max{120'000};
  Bytes max_recording_bytes = 2_GiB;
};

/// Where a tenant's recordings lie; null when the tenant has no provider of that name (any more).
using FindProvider = std::function<std::shared_ptr<provider::Provider>(const TenantId&, const std::string& name)>;

/// Is there room for so many bytes more, now, or could it be made?
using MakeRoom = std::function<Task<bool>(Bytes)>;

/// Turns claimed runs into published recordings. One a process; its coroutines live on one loop.
///
/// Each fetch holds a slot and a lease. Whatever happens, the run's row is brought to its next state by that lease's
/// token, or was already taken over by somebody newer: then nothing is written and the temporary file goes.
///
/// A lease is kept by heartbeats, a few at a time: a commit takes a while, and one that hangs holds up few. Where they
/// do not get through the attempt stops by itself, by the monotonic clock and well before the ledger gives the run to
/// somebody else. Who listens sees a pause: the run is queued again, and its next attempt, which waits for the end of
/// the one before, goes on with what has arrived.
class Worker {
 public:
  /// `shared_limit` may be null: then each node's gates know their own only. So may `copier`: then nothing is durable.
  Worker(Loop& loop, ledger::Ledger& ledger, blob::Store& store, Offload& disk, Flights& flights, FindProvider provider,
         MakeRoom make_room, Limits limits, signal::SharedLimit* shared_limit = nullptr, Copier* copier = nullptr);

  /// Looks for queued runs from now on. On the loop's thread or before it runs.
  void start();

  /// A place for one more fetch of this tenant, unless all are taken or the worker is stopping. Any thread.
  std::optional<Slots::Slot> reserve(const TenantId& tenant);
  /// How long a claim for this worker should last.
  [[nodiscard]] milliseconds lease() const { return limits_.lease; }
  /// A slot that was not needed: whoever looked for one meanwhile looks again. Any thread.
  void give_back(Slots::Slot slot);
  /// Works on what was claimed with that slot. `asked` is when the lease was asked for, or earlier. Any thread.
  void take(Slots::Slot slot, ledger::Claimed claimed, std::shared_ptr<Flight> flight, Monotonic::time_point asked);
  /// A run was queued, or a slot came free: look again. Any thread.
  void poke();

  /// Another node may have ended this run: if it is under way here, the ledger is asked at once whether the lease still
  /// holds. Any thread.
  void check(RunId run);

  /// After runs were cancelled, or recordings erased, in the ledger: who listens is cut, the transfers stop, and nobody
  /// joins those runs any more when this returns. Any thread.
  void cancel(const ledger::Leftovers& left);

  /// What stands before the providers.
  [[nodiscard]] const Gates& gates() const { return gates_; }

  /// Claims nothing more; fetches go on.
  void drain();
  /// Suspends until no fetch is left, at most until `deadline`; then gives the rest of the leases back.
  Task<void> finish(Deadline deadline);

 private:
  // worker.cpp
  bool stopping();
  bool over();
  Task<void> look_for_work();
  Task<void> claim(int most, WallTime now);
  void end(const std::shared_ptr<Flight>& flight, Run run);

  // worker_leases.cpp
  Task<void> beat();
  Task<void> beat_in_turn();
  Task<void> beat(std::shared_ptr<Flight> flight);
  Task<void> give_sign_of_life();
  Task<void> keep_to_leases();
  Task<void> sweep();
  Task<bool> rescue();
  Task<void> expire();
  Deadline stops_by(Monotonic::time_point asked) const;
  static void lose(Flight& flight);

  // worker_attempt.cpp
  Task<void> fetch(Slots::Slot slot, ledger::Claimed claimed, std::shared_ptr<Flight> flight,
                   Monotonic::time_point asked);
  Task<void> attempt(const ledger::Claimed& claimed, const std::shared_ptr<Flight>& flight);
  Task<std::expected<Gate::Pass, Gate::Refusal>> enter(Recording recording, std::string_view provider_type);
  Task<void> tell_of(const provider::Refused& refused, const Recording& recording, Gate::Pass& pass);
  Task<std::expected<Media, provider::Refused>> receive(const ledger::Claimed& claimed, Flight& flight,
                                                        provider::Provider& provider, Gate::Pass pass);
  Task<provider::Outcome> transfer(const ledger::Claimed& claimed, Flight& flight, provider::Provider& provider,
                                   Gate::Pass pass);
  std::shared_ptr<Growth> attend(const ledger::Claimed& claimed, const std::shared_ptr<Flight>& flight);
  Task<void> complete(const ledger::Claimed& claimed, const std::shared_ptr<Flight>& flight, Media media,
                      std::shared_ptr<Growth> copy);
  Task<void> set_back(const ledger::Claimed& claimed, const std::shared_ptr<Flight>& flight, provider::Refused refused);
  Task<void> fail(const ledger::Claimed& claimed, const std::shared_ptr<Flight>& flight, Setback setback);
  Task<void> return_claim(const ledger::Claimed& claimed, const std::shared_ptr<Flight>& flight, std::string why);
  Task<void> wait_outside(const ledger::Claimed& claimed, const std::shared_ptr<Flight>& flight, Gate::Refusal refusal);
  Task<bool> requeue(const ledger::Claimed& claimed, const std::shared_ptr<Flight>& flight, Reason reason,
                     Setback setback, WallTime due, bool counts);
  Task<void> unpublish(std::string blob);
  Task<void> step_aside(const ledger::Claimed& claimed, const std::shared_ptr<Flight>& flight);
  /// Whether the run was still the lease's when it was written.
  enum class Held {
    yes,
    no,        ///< somebody else's, or over: nothing was written
    unknown,   ///< the database does not say, and the server stops
    rejected,  ///< it will never be taken: nothing was written
  };
  template <class Call>
  Task<Held> written(Call call);

  Loop& loop_;
  ledger::Ledger& ledger_;
  blob::Store& store_;
  Offload& disk_;
  Flights& flights_;
  FindProvider provider_;
  MakeRoom make_room_;
  const Limits limits_;
  signal::SharedLimit* const shared_limit_;
  Copier* const copier_;
  const std::string id_ = uuid7();  ///< its name among the workers in the ledger
  Slots slots_;
  Gates gates_{Gate::Limits{}};

  std::mutex mutex_;
  Waiters waiters_{mutex_};  ///< for `poked_`, `to_check_`, `to_beat_`, `busy_`, `claiming_` and the stop flags
  bool poked_ = false;
  std::set<RunId> to_check_;
  std::deque<std::shared_ptr<Flight>> to_beat_;  ///< null: a sign of life
  bool draining_ = false;
  bool stopping_ = false;
  int busy_ = 0;
  bool claiming_ = false;  ///< a claim may be under way
};

}  // namespace onetake::run
