#include "run/worker.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "run/receiver.hpp"

namespace onetake::run {

using metrics::Series;

namespace {

/// Half of the connections that a node has to PostgreSQL by default.
constexpr int beats_at_once = 4;

}  // namespace

Worker::Worker(Loop& loop, ledger::Ledger& ledger, blob::Store& store, Offload& disk, Flights& flights,
               FindProvider provider, MakeRoom make_room, Limits limits, signal::SharedLimit* shared_limit,
               Copier* copier)
    : loop_(loop),
      ledger_(ledger),
      store_(store),
      disk_(disk),
      flights_(flights),
      provider_(std::move(provider)),
      make_room_(std::move(make_room)),
      limits_(limits),
      shared_limit_(shared_limit),
      copier_(copier),
      slots_(limits.max_concurrent, limits.per_tenant_concurrent) {}

void Worker::start() {
  {
    const std::lock_guard lock{mutex_};
    claiming_ = true;  // what it begins with
  }
  loop_.spawn(look_for_work());
  loop_.spawn(beat());
  for (int i = 0; i < beats_at_once; ++i) loop_.spawn(beat_in_turn());
  loop_.spawn(keep_to_leases());
  loop_.spawn(sweep());
  poke();
}

std::optional<Slots::Slot> Worker::reserve(const TenantId& tenant) {
  {
    const std::lock_guard lock{mutex_};
    if (draining_) return std::nullopt;
  }
  return slots_.take(tenant);
}

void Worker::take(Slots::Slot slot, ledger::Claimed claimed, std::shared_ptr<Flight> flight,
                  Monotonic::time_point asked) {
  if (flights_.called_off(claimed.lease.run)) {
    auto run = *claimed.recording.run;
    run.status = RunStatus::cancelled;
    run.completed_at = wall_now();
    end(flight, std::move(run));
    return give_back(std::move(slot));
  }
  {
    const std::lock_guard lock{mutex_};
    ++busy_;
  }
  loop_.spawn(fetch(std::move(slot), std::move(claimed), std::move(flight), asked));
}

void Worker::give_back(Slots::Slot slot) {
  const bool none_was_free = slots_.free() == 0;
  {
    [[maybe_unused]] const Slots::Slot given_back{std::move(slot)};
  }
  if (none_was_free) poke();
}

void Worker::poke() {
  const std::lock_guard lock{mutex_};
  poked_ = true;
  waiters_.wake_all();
}

void Worker::drain() {
  const std::lock_guard lock{mutex_};
  draining_ = true;
  waiters_.wake_all();
}

Task<void> Worker::finish(Deadline deadline) {
  drain();
  std::unique_lock lock{mutex_};
  while (busy_ > 0 || claiming_)
    if (!co_await waiters_.wait(lock, deadline)) break;
  if (busy_ == 0 && !claiming_) co_return;
  stopping_ = true;
  lock.unlock();
  for (const auto& flight : flights_.all()) flight->stop();
  lock.lock();
  while (busy_ > 0 || claiming_) co_await waiters_.wait(lock, never);
}

Task<void> Worker::look_for_work() {
  for (;;) {
    auto wake_at = in(limits_.sweep);
    try {
      if (const int free = slots_.free(); free > 0) {
        const auto now = wall_now();
        co_await claim(free, now);
        if (const auto due = co_await ledger_.next_due(now); due && slots_.free() > 0)
          wake_at = std::min(wake_at, in(std::max(*due - wall_now(), milliseconds{1})));
      }
    } catch (const std::exception& error) {
      log::error("ledger.unavailable", "cannot look for queued runs", {{"error", error.what()}});
    }
    std::unique_lock lock{mutex_};
    claiming_ = false;
    waiters_.wake_all();
    while (!poked_ && !draining_)
      if (!co_await waiters_.wait(lock, wake_at)) break;
    poked_ = false;
    if (draining_) co_return;
    claiming_ = true;
  }
}

/// What it brings is taken, or given back: to a Play that took the place meanwhile, or to other servers if this one is
/// about to stop.
Task<void> Worker::claim(int most, WallTime now) {
  const auto asked = Monotonic::now();
  auto all = co_await ledger_.claim(most, limits_.per_tenant_concurrent, limits_.lease, now);
  for (auto& claimed : all) {
    auto slot = reserve(claimed.recording.tenant);
    auto flight = flights_.open(claimed.recording, Flights::By::worker);
    if (slot) {
      take(std::move(*slot), std::move(claimed), std::move(flight), asked);
    } else {
      co_await return_claim(claimed, flight, "there was no place for it");
    }
  }
}

/// Nothing is left to be looked after.
bool Worker::over() {
  const std::lock_guard lock{mutex_};
  return stopping_ || (draining_ && busy_ == 0);
}

void Worker::cancel(const ledger::Leftovers& left) {
  flights_.call_off(left.runs);
  for (const auto& [recording, last_cycle] : left.recordings) {
    flights_.withdraw(recording, last_cycle);
    const auto flight = flights_.find(recording);
    if (!flight || std::ranges::find(left.runs, flight->run()) == left.runs.end()) continue;
    auto run = flight->view().run;
    run.status = RunStatus::cancelled;
    run.completed_at = wall_now();
    end(flight, std::move(run));
  }
  for (const auto& run : left.runs) {
    metrics::add(Series::runs_ended, {"cancelled"});
    metrics::observe(Series::runs_per_recording, 1);
    log::info("run.cancelled", "cancelled", {{"run_id", run.str()}});
  }
}

/// It has ended in the ledger, and not by an attempt of ours. Any thread.
void Worker::end(const std::shared_ptr<Flight>& flight, Run run) {
  flights_.close(flight, std::move(run));
  flight->stop();
  asio::post(loop_, [flight] {
    if (!flight->in_hand) flight->paused.reset();
  });
}

bool Worker::stopping() {
  const std::lock_guard lock{mutex_};
  return stopping_;
}

}  // namespace onetake::run
