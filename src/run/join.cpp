#include "run/join.hpp"

#include <exception>
#include <variant>

#include "base/log.hpp"
#include "base/metrics.hpp"

namespace onetake::run {

using ledger::AskedBy;
using ledger::Found;
using metrics::Series;

namespace {

/// A worker that was alive a moment ago is taken for alive.
constexpr milliseconds manned_for{1'000};

/// Of a flight only `id` and `run` are sure.
Joined as_joined(std::shared_ptr<Flight> flight) {
  Joined joined{.found = Found::fetching, .recording = {}, .flight = std::move(flight), .retry_at = {}};
  joined.recording.id = joined.flight->recording();
  joined.recording.run = joined.flight->view().run;
  return joined;
}

}  // namespace

/// An admission under way, and those who wait for what it brings.
struct Join::Pending {
  std::mutex mutex;
  Waiters waiters{mutex};
  std::variant<std::monostate, Joined, std::exception_ptr> answer;

  template <class Answer>
  void set(Answer&& brought) {
    const std::lock_guard lock{mutex};
    answer = std::forward<Answer>(brought);
    waiters.wake_all();
  }

  /// The caller holds a shared_ptr to this.
  Task<Joined> wait() {
    std::unique_lock lock{mutex};
    while (std::holds_alternative<std::monostate>(answer)) co_await waiters.wait(lock, never);
    if (const auto* error = std::get_if<std::exception_ptr>(&answer)) std::rethrow_exception(*error);
    co_return std::get<Joined>(answer);
  }
};

Join::Join(ledger::Ledger& ledger, Flights& flights, Worker& worker, Admission admission, signal::Hints* hints)
    : ledger_(ledger), flights_(flights), worker_(worker), admission_(admission), hints_(hints) {
  if (hints_ != nullptr) flights_.on_landing([hints](const Key& key, const RunId& run) { hints->ended(key, run); });
}

Task<Joined> Join::play(Key key, bool explicit_action, AskedBy by) {
  auto joined = co_await join(std::move(key), explicit_action, by);
  if (joined.flight) joined.unattended = co_await unattended(joined.flight);
  co_return joined;
}

/// Nobody is to wait for what nobody will do.
Task<bool> Join::unattended(std::shared_ptr<Flight> flight) {
  if (admission_.works || Monotonic::now() - began_ < admission_.no_worker_after) co_return false;
  const auto view = flight->view();
  if (view.ended || view.run.status != RunStatus::queued) co_return false;
  const auto asked = Monotonic::now();
  {
    const std::lock_guard lock{mutex_};
    if (asked - manned_at_ < manned_for) co_return false;
  }
  const int alive = co_await ledger_.workers(admission_.no_worker_after);
  if (alive == 0) co_return true;
  const std::lock_guard lock{mutex_};
  manned_at_ = asked;
  co_return false;
}

/// Only the ledger, where it waits for its turn, can make it urgent.
Task<Joined> Join::promote(Key key, std::shared_ptr<Flight> flight) {
  try {
    co_return co_await ask(std::move(key), true, AskedBy::play);
  } catch (...) {
    flight->background = true;
    throw;
  }
}

Task<Joined> Join::join(Key key, bool explicit_action, AskedBy by) {
  if (auto flight = flights_.find(key)) {
    if (explicit_action && by == AskedBy::play && flight->background.exchange(false))
      co_return co_await promote(key, flight);
    if (explicit_action) count_joined(key, *flight);
    co_return as_joined(std::move(flight));
  }
  // Who does not press Play only looks, and must not be answered with what another's looking found.
  if (!explicit_action) co_return co_await look_around(std::move(key), false, by);

  std::shared_ptr<Pending> pending;
  bool first = false;
  {
    const std::lock_guard lock{mutex_};
    auto& entry = pending_[{key, by}];
    first = entry == nullptr;
    if (first) entry = std::make_shared<Pending>();
    pending = entry;
  }
  if (!first) {
    auto joined = co_await pending->wait();
    if (joined.found == Found::created) joined.found = Found::fetching;
    if (joined.flight) count_joined(key, *joined.flight);
    co_return joined;
  }

  std::variant<std::monostate, Joined, std::exception_ptr> answer;
  try {
    answer = co_await look_around(key, true, by);
  } catch (...) {
    answer = std::current_exception();
  }
  {
    const std::lock_guard lock{mutex_};
    pending_.erase({key, by});
  }
  // From here on nobody comes, and mostly nobody has.
  const bool others = pending.use_count() > 1;
  if (const auto* error = std::get_if<std::exception_ptr>(&answer)) {
    if (others) pending->set(*error);
    std::rethrow_exception(*error);
  }
  if (others) pending->set(std::get<Joined>(answer));
  co_return std::get<Joined>(std::move(answer));
}

/// A press that starts nothing. The first of a run is told of, the crowd is counted.
void Join::count_joined(const Key& key, Flight& flight) {
  metrics::add(Series::run_admissions, {"joined_process"});
  if (flight.joined.exchange(true)) return;
  log::info("run.exists", "joins the run that is under way here",
            {{"tenant", key.tenant.str()}, {"call_sid", key.call_sid.str()}, {"run_id", flight.run().str()}});
}

/// Beyond this process: the hints, then the database.
Task<Joined> Join::look_around(Key key, bool explicit_action, AskedBy by) {
  if (hints_ != nullptr) {
    std::shared_ptr<Flight> flight;
    try {
      flight = co_await hinted(key, explicit_action, by);
    } catch (const std::exception& error) {  // the database is down: let it say so itself
      log::debug("run.hint_unchecked", "cannot ask for the run that a hint names", {{"error", error.what()}});
    }
    if (flight) {
      if (explicit_action) {
        metrics::add(Series::run_admissions, {"blocked_redis"});
        log::info("run.duplicate_blocked", "joins the run that another node told of",
                  {{"tenant", key.tenant.str()}, {"call_sid", key.call_sid.str()}, {"run_id", flight->run().str()}});
      }
      co_return as_joined(std::move(flight));
    }
  }
  co_return co_await ask(std::move(key), explicit_action, by);
}

/// The flight of the run that another node has under way for this key, if the ledger says so too.
Task<std::shared_ptr<Flight>> Join::hinted(Key key, bool explicit_action, AskedBy by) {
  const auto told = co_await hints_->under_way(key);
  if (!told) co_return nullptr;
  auto run = co_await ledger_.run(key.tenant, *told);
  if (!run || !active(run->status) || run->call_sid != key.call_sid) {
    hints_->ended(key, *told);
    co_return nullptr;
  }
  // Only the ledger, where it waits for its turn, can make it urgent.
  const bool presses = explicit_action && by == AskedBy::play;
  if (presses && run->urgency == Urgency::background) co_return nullptr;
  Recording recording;
  recording.id = run->recording;
  recording.tenant = key.tenant;
  recording.call_sid = key.call_sid;
  recording.cycle = run->cycle;
  recording.run = *std::move(run);
  auto flight = co_await flight_of(key, recording);
  if (!flight->view().ended) co_return flight;
  hints_->ended(key, *told);
  co_return nullptr;
}

Task<Joined> Join::ask(Key key, bool explicit_action, AskedBy by) {
  std::optional<Slots::Slot> slot;
  if (explicit_action && admission_.works) slot = worker_.reserve(key.tenant);
  // Named, for GCC 12 destroys a braced argument of an awaited call twice.
  ledger::Play play{.key = key,
                    .explicit_action = explicit_action,
                    .asked_by = by,
                    .claim = slot.has_value(),
                    .per_tenant = admission_.per_tenant,
                    .lease = worker_.lease(),
                    .max_attempts = admission_.max_attempts,
                    .failure_cooldown = admission_.failure_cooldown,
                    .retention = admission_.retention,
                    .now = wall_now()};
  ledger::Admission admitted;
  const auto asked = Monotonic::now();
  try {
    admitted = co_await ledger_.play(std::move(play));
  } catch (const std::exception& error) {
    log::error("run.create_failed", "the database did not answer",
               {{"tenant", key.tenant.str()}, {"call_sid", key.call_sid.str()}, {"error", error.what()}});
    throw;
  }
  Joined joined{
      .found = admitted.found, .recording = std::move(admitted.recording), .flight = {}, .retry_at = admitted.retry_at};

  if (slot && !admitted.lease) worker_.give_back(*std::exchange(slot, std::nullopt));
  if (joined.found == Found::created) {
    metrics::add(Series::run_admissions, {"created"});
    log::info("run.created", "a fetch begins",
              {{"tenant", key.tenant.str()},
               {"call_sid", key.call_sid.str()},
               {"run_id", joined.recording.run->id.str()},
               {"cycle", joined.recording.run->cycle}});
    if (hints_ != nullptr) hints_->begun(key, joined.recording.run->id);
    if (admitted.lease) {
      joined.flight = flights_.open(joined.recording, Flights::By::worker);
      flights_.alias(key, joined.flight);
      worker_.take(std::move(slot.value()), {.lease = *admitted.lease, .recording = joined.recording}, joined.flight,
                   asked);
    } else if (admission_.works) {
      joined.flight = co_await flight_of(std::move(key), joined.recording);
      worker_.poke();
    } else {
      joined.flight = begun_for_others(key, joined.recording);
    }
  } else if (joined.found == Found::fetching) {
    if (explicit_action) {
      metrics::add(Series::run_admissions, {"exists_database"});
      log::info(
          "run.exists", "joins the run in the database",
          {{"tenant", key.tenant.str()}, {"call_sid", key.call_sid.str()}, {"run_id", joined.recording.run->id.str()}});
    }
    joined.flight = co_await flight_of(key, joined.recording);
    // Another node's, whose hint was lost or has outlived its life.
    if (hints_ != nullptr && !joined.flight->view().ended) hints_->begun(key, joined.flight->run());
  }
  co_return joined;
}

/// The flight of a run that was created a moment ago and is somebody else's to work on. `Lookout` ends it, however soon
/// that was; unless the run was called off here, or a later one has its place, before it could be seen.
std::shared_ptr<Flight> Join::begun_for_others(const Key& key, const Recording& recording) {
  auto flight = flights_.open(recording, Flights::By::onlooker);
  flights_.alias(key, flight);
  if (flights_.called_off(flight->run())) {
    auto run = *recording.run;
    run.status = RunStatus::cancelled;
    run.completed_at = wall_now();
    flights_.close(flight, std::move(run));
  } else if (flights_.find(recording.id) != flight) {
    flights_.doubt(flight);  // whoever follows it asks again
  }
  return flight;
}

/// The flight of a run that was active when the database was asked. It may have ended since, and nobody would ever end
/// a flight that is made now: so it is asked once more, after the flight can be seen.
Task<std::shared_ptr<Flight>> Join::flight_of(Key key, const Recording& recording) {
  if (auto known = flights_.find(recording.id); known && known->run() == recording.run->id) {
    flights_.alias(key, known);
    co_return known;
  }
  auto flight = flights_.open(recording, Flights::By::onlooker);
  std::optional<Run> run;
  try {
    run = co_await ledger_.run(recording.tenant, recording.run->id);
  } catch (...) {
    flights_.doubt(flight);
    throw;
  }
  if (run && active(run->status)) {
    flights_.alias(key, flight);
  } else {
    auto ended = run.value_or(*recording.run);
    if (!run) ended.status = RunStatus::cancelled;
    flights_.close(flight, std::move(ended));
  }
  co_return flight;
}

}  // namespace onetake::run
