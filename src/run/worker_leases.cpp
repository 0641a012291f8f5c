// How a worker keeps its leases, and how those that were lost are taken up again.

#include <algorithm>
#include <iterator>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "run/worker.hpp"

namespace onetake::run {
namespace {

using metrics::Series;

/// So many overdue runs are failed in one transaction.
constexpr int expired_at_once = 100;

}  // namespace

/// Says when. It awaits no answer, which may hang.
Task<void> Worker::beat() {
  for (auto next = Monotonic::now();;) {
    {
      std::unique_lock lock{mutex_};
      while (!stopping_ && (!draining_ || busy_ > 0) && to_check_.empty() && Monotonic::now() < next)
        co_await waiters_.wait(lock, next);
    }
    if (over()) co_return;
    const bool all = Monotonic::now() >= next;
    if (all) next = in(limits_.heartbeat);
    const auto flights = flights_.all();
    const std::lock_guard lock{mutex_};
    const auto add = [this](const std::shared_ptr<Flight>& flight) {
      if (std::ranges::find(to_beat_, flight) == to_beat_.end()) to_beat_.push_back(flight);
    };
    if (all) add(nullptr);
    for (const auto& flight : flights)
      if (flight->in_hand && (all || to_check_.contains(flight->run()))) add(flight);
    to_check_.clear();
    waiters_.wake_all();
  }
}

Task<void> Worker::beat_in_turn() {
  for (;;) {
    std::shared_ptr<Flight> flight;
    {
      std::unique_lock lock{mutex_};
      while (to_beat_.empty() && !stopping_ && (!draining_ || busy_ > 0)) co_await waiters_.wait(lock, never);
      if (to_beat_.empty()) co_return;
      flight = std::move(to_beat_.front());
      to_beat_.pop_front();
    }
    if (over()) co_return;
    if (flight)
      co_await beat(std::move(flight));
    else
      co_await give_sign_of_life();
  }
}

Task<void> Worker::beat(std::shared_ptr<Flight> flight) {
  const auto view = flight->view();
  if (!flight->in_hand || flight->lost || view.run.status != RunStatus::running || view.ended) co_return;
  // Past its deadline nothing goes on, not even an attempt that hangs in the disk: the sweep fails the run.
  if (wall_now() >= view.run.created_at + limits_.run_deadline) co_return;
  const ledger::Lease lease{.run = view.run.id, .recording = flight->recording(), .token = view.run.token};
  const auto asked = Monotonic::now();
  try {
    const bool held = co_await ledger_.progress(lease, view.received(), view.total(), limits_.lease);
    // Unless the attempt ended while this was on its way: then its own word came first, and another may have begun.
    const auto now = flight->view().run;
    if (now.status != RunStatus::running || now.token != lease.token) co_return;
    if (held) {
      flight->lease_until = stops_by(asked);
    } else {
      lose(*flight);
    }
  } catch (const std::exception& error) {
    log::warn("ledger.unavailable", "cannot write progress", {{"error", error.what()}});
  }
}

void Worker::check(RunId run) {
  const std::lock_guard lock{mutex_};
  to_check_.insert(std::move(run));
  waiters_.wake_all();
}

Task<void> Worker::give_sign_of_life() {
  try {
    co_await ledger_.sign_of_life(id_);
  } catch (const std::exception& error) {
    log::warn("ledger.unavailable", "cannot give a sign of life", {{"error", error.what()}});
  }
}

/// By then an attempt has heard from the ledger or stops. The last fifth of the lease is for noticing it, and stopping.
Deadline Worker::stops_by(Monotonic::time_point asked) const { return asked + limits_.lease * 4 / 5; }

/// Apart from the heartbeat, which may hang in the ledger.
Task<void> Worker::keep_to_leases() {
  for (;;) {
    {
      std::unique_lock lock{mutex_};
      const auto next = in(limits_.lease / 10);
      while (!stopping_ && (!draining_ || busy_ > 0))
        if (!co_await waiters_.wait(lock, next)) break;
    }
    if (over()) co_return;
    for (const auto& flight : flights_.all()) {
      if (!flight->in_hand || flight->lost || Monotonic::now() < flight->lease_until) continue;
      log::warn("run.lease_lost", "no heartbeat got through; the attempt stops", {{"run_id", flight->run().str()}});
      lose(*flight);
    }
  }
}

void Worker::lose(Flight& flight) {
  flight.lost = true;
  flight.let_go();
}

Task<void> Worker::sweep() {
  for (;;) {
    {
      std::unique_lock lock{mutex_};
      const auto next = in(limits_.sweep);
      while (!draining_)
        if (!co_await waiters_.wait(lock, next)) break;
      if (draining_) co_return;
    }
    try {
      const bool rescued = co_await rescue();
      if (rescued) poke();
      co_await expire();
    } catch (const std::exception& error) {
      log::error("ledger.unavailable", "cannot look for lost leases", {{"error", error.what()}});
    }
  }
}

Task<bool> Worker::rescue() {
  const auto lost = co_await ledger_.rescue(wall_now());
  for (const auto& lease : lost) {
    metrics::add(Series::lease_rescues);
    log::warn("run.rescued", "its lease ran out; the run is queued again",
              {{"run_id", lease.run.str()}, {"token", lease.token}});
  }
  co_return !lost.empty();
}

Task<void> Worker::expire() {
  for (bool more = true; more;) {
    const auto late = co_await ledger_.expire(limits_.run_deadline, expired_at_once, wall_now());
    for (const auto& recording : late) {
      const auto& run = recording.run.value();
      metrics::add(Series::runs_ended, {"failed"});
      metrics::observe(Series::runs_per_recording, 1);
      log::warn("run.failed", "the run waited until its deadline",
                {{"tenant", recording.tenant.str()},
                 {"call_sid", recording.call_sid.str()},
                 {"run_id", run.id.str()},
                 {"cause", name(run.setback->cause)},
                 {"detail", run.setback->detail}});
      if (const auto flight = flights_.find(recording.id); flight && flight->run() == run.id) end(flight, run);
    }
    more = std::ssize(late) == expired_at_once;
  }
}

}  // namespace onetake::run
