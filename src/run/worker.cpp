#include "run/worker.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <system_error>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "run/backoff.hpp"
#include "run/receiver.hpp"

namespace onetake::run {
namespace {

using metrics::Series;
using std::chrono::duration;

double seconds_between(WallTime from, WallTime to) { return duration<double>(to - from).count(); }

/// How long a 404 may mean "not ready yet": from the end of the call where that is known, else from the run's creation.
WallTime ready_by(const Recording& recording, milliseconds not_ready_for) {
  const auto& said = recording.registered;
  if (said.started_at && said.duration_seconds)
    return *said.started_at + milliseconds{static_cast<std::int64_t>(*said.duration_seconds * 1000)} + not_ready_for;
  return recording.run->created_at + not_ready_for;
}

/// So many overdue runs are failed in one transaction.
constexpr int expired_at_once = 100;

Reason reason_of(Cause cause) {
  if (cause == Cause::not_ready) return Reason::not_ready;
  return cause == Cause::throttled ? Reason::throttled : Reason::retrying;
}

}  // namespace

Worker::Worker(Loop& loop, ledger::Ledger& ledger, blob::Store& store, Offload& disk, Flights& flights,
               FindProvider provider, MakeRoom make_room, Limits limits)
    : loop_(loop),
      ledger_(ledger),
      store_(store),
      disk_(disk),
      flights_(flights),
      provider_(std::move(provider)),
      make_room_(std::move(make_room)),
      limits_(limits),
      slots_(limits.max_concurrent, limits.per_tenant_concurrent) {}

void Worker::start() {
  asio::co_spawn(loop_.get_executor(), look_for_work(), asio::detached);
  asio::co_spawn(loop_.get_executor(), beat(), asio::detached);
  asio::co_spawn(loop_.get_executor(), keep_to_leases(), asio::detached);
  asio::co_spawn(loop_.get_executor(), sweep(), asio::detached);
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
  {
    const std::lock_guard lock{mutex_};
    ++busy_;
  }
  asio::co_spawn(loop_.get_executor(), fetch(std::move(slot), std::move(claimed), std::move(flight), asked),
                 asio::detached);
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
  while (busy_ > 0)
    if (!co_await waiters_.wait(lock, deadline)) break;
  if (busy_ == 0) co_return;
  stopping_ = true;
  lock.unlock();
  for (const auto& flight : flights_.all()) flight->stop();
  lock.lock();
  while (busy_ > 0) co_await waiters_.wait(lock, never);
}

Task<void> Worker::look_for_work() {
  for (;;) {
    auto wake_at = in(limits_.sweep);
    try {
      if (const int free = slots_.free(); free > 0) {
        const auto asked = Monotonic::now();
        const auto now = wall_now();
        auto all = co_await ledger_.claim(free, limits_.per_tenant_concurrent, limits_.lease, now);
        for (auto& claimed : all) {
          auto slot = slots_.take(claimed.recording.tenant);
          auto flight = flights_.open(claimed.recording, Flights::By::worker);
          if (slot) {
            take(std::move(*slot), std::move(claimed), std::move(flight), asked);
          } else {  // a Play took the place meanwhile
            co_await give_back(claimed, flight);
          }
        }
        if (const auto due = co_await ledger_.next_due(now); due && slots_.free() > 0)
          wake_at = std::min(wake_at, in(std::max(*due - wall_now(), milliseconds{1})));
      }
    } catch (const std::exception& error) {
      log::error("ledger.unavailable", "cannot look for queued runs", {{"error", error.what()}});
    }
    std::unique_lock lock{mutex_};
    while (!poked_ && !draining_)
      if (!co_await waiters_.wait(lock, wake_at)) break;
    poked_ = false;
    if (draining_) co_return;
  }
}

/// Nothing is left to be looked after.
bool Worker::over() {
  const std::lock_guard lock{mutex_};
  return stopping_ || (draining_ && busy_ == 0);
}

Task<void> Worker::beat() {
  for (;;) {
    co_await give_sign_of_life();
    {
      std::unique_lock lock{mutex_};
      const auto next = in(limits_.heartbeat);
      while (!stopping_ && (!draining_ || busy_ > 0))
        if (!co_await waiters_.wait(lock, next)) break;
    }
    if (over()) co_return;
    for (const auto& flight : flights_.all()) {
      const auto view = flight->view();
      if (view.run.status != RunStatus::running || view.ended) continue;
      const ledger::Lease lease{.run = view.run.id, .recording = flight->recording(), .token = view.run.token};
      const auto asked = Monotonic::now();
      try {
        const bool held = co_await ledger_.progress(lease, view.received(), view.total(), limits_.lease);
        // Unless the attempt ended while this was on its way: then its own word came first, and another may have begun.
        const auto now = flight->view().run;
        if (now.status != RunStatus::running || now.token != lease.token) continue;
        if (held) {
          flight->lease_until = stops_by(asked);
        } else {
          lose(*flight);
        }
      } catch (const std::exception& error) {
        log::warn("ledger.unavailable", "cannot write progress", {{"error", error.what()}});
      }
    }
  }
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

void Worker::cancel(const ledger::Leftovers& left) {
  for (const auto& recording : left.recordings) {
    flights_.withdraw(recording);
    const auto flight = flights_.find(recording);
    if (!flight || std::ranges::find(left.runs, flight->run()) == left.runs.end()) continue;
    auto run = flight->view().run;
    run.status = RunStatus::cancelled;
    run.completed_at = wall_now();
    end(flight, std::move(run));
  }
  for (const auto& run : left.runs) {
    metrics::add(Series::runs_ended, {"cancelled"});
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

Task<void> Worker::fetch(Slots::Slot slot, ledger::Claimed claimed, std::shared_ptr<Flight> flight,
                         Monotonic::time_point asked) {
  // A lease that was lost may have left an attempt that has not ended yet: two must not write one file.
  if (flight->in_hand) {
    lose(*flight);
    std::unique_lock lock{mutex_};
    while (flight->in_hand) co_await waiters_.wait(lock, never);
  }
  if (flight->view().ended && !flight->stopped()) flight = flights_.open(claimed.recording, Flights::By::worker);
  flight->in_hand = true;
  flight->lost = false;
  flight->lease_until = stops_by(asked);
  flight->update(*claimed.recording.run);
  log::info("run.claimed", "fetching",
            {{"tenant", claimed.recording.tenant.str()},
             {"call_sid", claimed.recording.call_sid.str()},
             {"run_id", claimed.lease.run.str()},
             {"attempt", claimed.recording.run->attempt}});
  try {
    co_await attempt(claimed, flight);
  } catch (const std::exception& error) {
    log::error("run.broken", "an attempt ended in an exception",
               {{"run_id", claimed.lease.run.str()}, {"error", error.what()}});
  }
  flight->in_hand = false;
  {
    [[maybe_unused]] const Slots::Slot given_back{std::move(slot)};
  }
  const std::lock_guard lock{mutex_};
  --busy_;
  poked_ = true;
  waiters_.wake_all();
}

Task<void> Worker::attempt(const ledger::Claimed& claimed, const std::shared_ptr<Flight>& flight) {
  std::optional<Gate::Pass> pass;
  if (const auto gate = gate_of(claimed.recording)) {
    auto entered = gate->enter();
    if (!entered) {
      co_await wait_outside(claimed, flight, entered.error());
      co_return;
    }
    pass.emplace(std::move(*entered));
  }
  std::expected<Media, provider::Refused> received;
  try {
    received = co_await receive(claimed, *flight);
  } catch (const std::exception& error) {
    const auto* disk = dynamic_cast<const std::system_error*>(&error);
    const bool full = disk != nullptr && disk->code() == std::errc::no_space_on_device;
    received = std::unexpected(provider::Refused{.setback = {.cause = full ? Cause::no_space : Cause::internal,
                                                             .detail = full ? "the disk is full" : "the disk failed"}});
    log::error("run.broken", "an attempt ended in an exception",
               {{"run_id", claimed.lease.run.str()}, {"error", error.what()}});
    flight->paused.reset();  // after a failed fsync nobody knows what the file holds
  }
  if (pass && received) {
    pass->succeeded();
  } else if (pass && !flight->stopped() && !flight->lost) {
    pass->failed(received.error().setback.cause, received.error().retry_after);
  }
  pass.reset();
  if (received) {
    co_await complete(claimed, flight, std::move(*received));
  } else if (flight->stopped() && stopping()) {
    co_await give_back(claimed, flight);
  } else if (flight->stopped() || flight->lost) {
    co_await step_aside(claimed, flight);
  } else {
    co_await set_back(claimed, flight, std::move(received.error()));
  }
  // Between attempts what has arrived is kept; after the last one nobody may wait for more.
  if (flight->view().ended) flight->paused.reset();
}

/// Null where the tenant has no such provider.
std::shared_ptr<Gate> Worker::gate_of(const Recording& recording) {
  const auto& name = recording.registered.provider;
  const auto provider = provider_(recording.tenant, name);
  return provider ? gates_.of(recording.tenant, name, provider->type()) : nullptr;
}

Task<std::expected<Media, provider::Refused>> Worker::receive(const ledger::Claimed& claimed, Flight& flight) {
  const auto& recording = claimed.recording;
  const auto provider = provider_(recording.tenant, recording.registered.provider);
  if (!provider)
    co_return std::unexpected(
        provider::Refused{.setback = {.cause = Cause::refused,
                                      .detail = "the tenant has no provider named " + recording.registered.provider +
                                                " in its configuration"}});

  const bool first = flight.paused == nullptr;
  if (first)
    flight.paused = std::make_unique<Receiver>(store_, flight, recording.registered.format, limits_.max_recording_bytes,
                                               static_cast<int>(claimed.lease.token));
  Receiver& receiver = *flight.paused;
  if (first && receiver.resumable()) {
    const auto resume = [&receiver] {
      receiver.resume();
      return true;
    };
    co_await disk_.run(resume);
  }
  const bool all_there = first && receiver.whole();  // it was killed between the last byte and the rename
  const auto stop = flight.begin();
  const auto left = recording.run->created_at + limits_.run_deadline - wall_now();
  const auto until = in(std::min(limits_.attempt_timeout, left));
  provider::Outcome outcome;
  // Where the length was not known before, or the disk had less than it said, there may have been too little room. What
  // that takes is known now: once more, from where it stands.
  for (int times = 0; times < 2 && !all_there; ++times) {
    receiver.prepare();
    const bool room = co_await make_room_(receiver.lacks());
    if (!room)
      co_return std::unexpected(provider::Refused{
          .setback = {.cause = Cause::no_space, .detail = "no room on the disk, or within cache.max_bytes"}});
    provider::Ask ask{.recording = recording,
                      .from = receiver.resume_at(),
                      .validator = receiver.validator(),
                      .deadline = until,
                      .stop = stop};
    outcome = co_await provider->fetch(std::move(ask), receiver);
    if (!receiver.fault() || receiver.fault()->cause != Cause::no_space) break;
  }
  if (receiver.fault()) co_return std::unexpected(provider::Refused{.setback = *receiver.fault()});
  if (!outcome) co_return std::unexpected(outcome.error());

  auto media = receiver.conclude(outcome->framing);
  if (!media) co_return std::unexpected(provider::Refused{.setback = media.error()});
  media->blob = recording.id.str() + '-' + std::to_string(media->cycle) + '-' + std::to_string(claimed.lease.token) +
                '-' + std::to_string(media->version);
  const auto announce = [this, blob = media->blob] { return ledger_.announce(blob); };
  const bool announced = co_await written(announce);
  if (!announced)
    co_return std::unexpected(
        provider::Refused{.setback = {.cause = Cause::internal, .detail = "the database does not answer"}});
  const auto publish = [&receiver, name = media->blob] {
    receiver.publish(name);
    return true;
  };
  co_await disk_.run(publish);
  co_return std::move(*media);
}

Task<void> Worker::complete(const ledger::Claimed& claimed, const std::shared_ptr<Flight>& flight, Media media) {
  const auto now = wall_now();
  auto run = *claimed.recording.run;
  const auto blob = media.blob;
  run.status = RunStatus::completed;
  run.received_bytes = media.bytes;
  run.total_bytes = media.bytes;
  run.completed_at = now;
  const auto pointer = [this, lease = claimed.lease, media, now] { return ledger_.complete(lease, media, now); };
  if (!co_await written(pointer)) {
    const auto unlink = [this, blob] {
      store_.remove(blob);
      return true;
    };
    co_await disk_.run(unlink);
    flight->paused.reset();
    co_await step_aside(claimed, flight);
    co_return;
  }
  metrics::add(Series::runs_ended, {"completed"});
  metrics::observe(Series::prepare_seconds, seconds_between(run.created_at, now));
  metrics::observe(Series::runs_per_recording, 1);
  log::info("run.completed", "the recording is ready",
            {{"tenant", claimed.recording.tenant.str()},
             {"call_sid", claimed.recording.call_sid.str()},
             {"run_id", run.id.str()},
             {"bytes", media.bytes},
             {"seconds", seconds_between(run.created_at, now)}});
  flights_.close(flight, std::move(run));
}

Task<void> Worker::set_back(const ledger::Claimed& claimed, const std::shared_ptr<Flight>& flight,
                            provider::Refused refused) {
  const auto now = wall_now();
  auto run = *claimed.recording.run;
  auto& setback = refused.setback;
  if (setback.cause == Cause::not_ready && now >= ready_by(claimed.recording, limits_.not_ready_for))
    setback.cause = Cause::missing;

  ++flight->setbacks;
  const auto due =
      now + backoff(flight->setbacks, limits_.backoff_initial, limits_.backoff_max, refused.retry_after, uniform());
  const auto next = then(setback.cause);
  const bool used_up = next == Then::soon && run.attempt >= run.max_attempts;
  if (next != Then::not_again && due >= run.created_at + limits_.run_deadline)
    setback = {.cause = Cause::overdue,
               .detail = "not fetched within fetch.run_deadline; the last attempt: " + setback.detail,
               .provider_status = setback.provider_status};
  run.setback = setback;

  if (then(setback.cause) == Then::not_again || used_up) {
    run.status = RunStatus::failed;
    run.completed_at = now;
    if (flight->paused) flight->paused->abandon(setback);
    const auto failure = [this, lease = claimed.lease, setback, now] { return ledger_.fail(lease, setback, now); };
    const bool held = co_await written(failure);
    if (!held) {
      flight->paused.reset();
      co_await step_aside(claimed, flight);
      co_return;
    }
    metrics::add(Series::runs_ended, {"failed"});
    log::warn("run.failed", "the recording could not be fetched",
              {{"tenant", claimed.recording.tenant.str()},
               {"call_sid", claimed.recording.call_sid.str()},
               {"run_id", run.id.str()},
               {"cause", name(setback.cause)},
               {"detail", setback.detail},
               {"provider_status", setback.provider_status}});
    flights_.close(flight, std::move(run));
    co_return;
  }

  const auto reason = reason_of(setback.cause);
  run.status = RunStatus::queued;
  run.reason = reason;
  run.due_at = due;
  const auto again = [this, lease = claimed.lease, reason, setback, due, counts = next == Then::soon] {
    return ledger_.retry(lease, reason, setback, due, counts);
  };
  // Before the row says queued, for the next claim may follow at once.
  flight->update(run);
  const bool held = co_await written(again);
  if (!held) {
    co_await step_aside(claimed, flight);
    co_return;
  }
  log::info("run.retry", "the attempt is repeated",
            {{"tenant", claimed.recording.tenant.str()},
             {"call_sid", claimed.recording.call_sid.str()},
             {"run_id", run.id.str()},
             {"cause", name(setback.cause)},
             {"detail", setback.detail},
             {"in_ms", (due - now).count()}});
}

/// The provider's gate lets nobody through: later again, and those who waited with this one not all at once.
Task<void> Worker::wait_outside(const ledger::Claimed& claimed, const std::shared_ptr<Flight>& flight,
                                Gate::Refusal refusal) {
  const bool throttled = refusal.reason == Reason::throttled;
  const milliseconds spread{static_cast<std::int64_t>(uniform() * static_cast<double>(refusal.again_in.count()) / 4)};
  Setback setback{.cause = throttled ? Cause::throttled : Cause::unavailable, .detail = std::move(refusal.detail)};
  co_await requeue(claimed, flight, refusal.reason, std::move(setback), wall_now() + refusal.again_in + spread);
}

Task<void> Worker::give_back(const ledger::Claimed& claimed, const std::shared_ptr<Flight>& flight) {
  Setback setback{.cause = Cause::internal, .detail = "the server stopped"};
  co_await requeue(claimed, flight, Reason::queued, std::move(setback), wall_now());
}

/// The attempt has not been made, and does not count.
Task<void> Worker::requeue(const ledger::Claimed& claimed, const std::shared_ptr<Flight>& flight, Reason reason,
                           Setback setback, WallTime due) {
  auto run = *claimed.recording.run;
  run.status = RunStatus::queued;
  run.reason = reason;
  run.due_at = due;
  const auto back = [this, lease = claimed.lease, reason, setback = std::move(setback), due] {
    return ledger_.retry(lease, reason, setback, due, false);
  };
  if (stopping() && flight->paused) flight->paused->leave();
  flight->update(run);
  const bool held = co_await written(back);
  if (!held) {
    co_await step_aside(claimed, flight);
  } else if (stopping()) {
    flights_.close(flight, std::move(run));
  }
}

/// The run is not ours any more. Where it is still active it is queued, or will be by the sweep, and the next claim
/// goes on with this flight; where nobody will claim it here, or it has ended, nobody may wait for more.
Task<void> Worker::step_aside(const ledger::Claimed& claimed, const std::shared_ptr<Flight>& flight) {
  if (flight->view().ended) co_return;
  auto run = *claimed.recording.run;
  run.status = RunStatus::queued;
  run.reason = Reason::retrying;
  try {
    auto known = co_await ledger_.run(claimed.recording.tenant, claimed.lease.run);
    if (!known) {
      run.status = RunStatus::cancelled;
    } else if (!active(known->status)) {
      run = *std::move(known);
    }
  } catch (const std::exception& error) {
    log::error("ledger.unavailable", "cannot tell what became of a run", {{"error", error.what()}});
  }
  bool draining = false;
  {
    const std::lock_guard lock{mutex_};
    draining = draining_;
  }
  if (active(run.status) && !draining) {
    flight->update(std::move(run));
  } else {
    flights_.close(flight, std::move(run));
  }
}

/// What a lease's holder writes is tried until the database takes it: a run must not stay "running" because the
/// database was away for a moment. False: the lease is somebody else's now, or the server is stopping.
template <class Call>
Task<bool> Worker::written(Call call) {
  for (;;) {
    try {
      const bool held = co_await call();
      if (!held) metrics::add(Series::stale_token_rejections);
      co_return held;
    } catch (const std::exception& error) {
      log::error("ledger.unavailable", "cannot write a run's state; trying again", {{"error", error.what()}});
    }
    if (stopping()) co_return false;
    co_await sleep_for(milliseconds{500});
  }
}

}  // namespace onetake::run
