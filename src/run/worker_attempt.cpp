// One attempt: from the claim to the run's next state.

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/backoff.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "run/blob_name.hpp"
#include "run/receiver.hpp"
#include "run/worker.hpp"

namespace onetake::run {
namespace {

using metrics::Series;
using provider::Refused;

double seconds_between(WallTime from, WallTime to) { return std::chrono::duration<double>(to - from).count(); }

/// How long a 404 may mean "not ready yet": from the end of the call where that is known, else from the run's creation.
WallTime ready_by(const Recording& recording, milliseconds not_ready_for) {
  const auto& said = recording.registered;
  if (said.started_at && said.duration_seconds)
    return *said.started_at + milliseconds{static_cast<std::int64_t>(*said.duration_seconds * 1000)} + not_ready_for;
  return recording.run->created_at + not_ready_for;
}

Reason reason_of(Cause cause) {
  if (cause == Cause::not_ready) return Reason::not_ready;
  return cause == Cause::throttled ? Reason::throttled : Reason::retrying;
}

/// How often one attempt goes on with a transfer that broke off.
constexpr int resumptions = 3;

constexpr const char* rejected_detail = "the database refuses what is to be written";

bool broke_off(Cause cause) { return cause == Cause::interrupted || cause == Cause::stalled; }

/// What was found in what came with this status; not what is wrong here.
Setback found_in(int status, Setback fault) {
  if (fault.cause == Cause::wrong_content || fault.cause == Cause::too_large || fault.cause == Cause::interrupted)
    fault.provider_status = status;
  return fault;
}

std::unexpected<Refused> refused(Cause cause, std::string detail) {
  return std::unexpected(Refused{.setback = {.cause = cause, .detail = std::move(detail)}, .retry_after = {}});
}

/// In portions, so that others who wait for the disk have their turn.
Task<void> catch_up(Receiver& receiver, Offload& disk) {
  const auto portion = [&receiver] { receiver.catch_up(); };
  while (receiver.lags()) co_await disk.run(portion);
}

}  // namespace

/// What a lease's holder writes is tried until the database takes it: a run must not stay "running" because the
/// database was away for a moment.
template <class Call>
Task<Worker::Held> Worker::written(Call call) {
  for (;;) {
    try {
      const bool held = co_await call();
      if (!held) metrics::add(Series::stale_token_rejections);
      co_return held ? Held::yes : Held::no;
    } catch (const ledger::Rejected& rejected) {
      log::error("ledger.rejected", "the database refuses a run's state", {{"error", rejected.what()}});
      co_return Held::rejected;
    } catch (const std::exception& error) {
      log::error("ledger.unavailable", "cannot write a run's state; trying again", {{"error", error.what()}});
    }
    if (stopping()) co_return Held::unknown;
    co_await sleep_for(milliseconds{500});
  }
}

Task<void> Worker::fetch(Slots::Slot slot, ledger::Claimed claimed, std::shared_ptr<Flight> flight,
                         Monotonic::time_point asked) {
  // A lease that was lost may have left an attempt that has not ended yet: two must not write one file.
  bool too_late = false;
  if (flight->in_hand) {
    lose(*flight);
    std::unique_lock lock{mutex_};
    while (flight->in_hand) co_await waiters_.wait(lock, never);
    too_late = Monotonic::now() >= stops_by(asked);
  }
  if (flight->view().ended && !flight->stopped()) flight = flights_.open(claimed.recording, Flights::By::worker);
  flight->in_hand = true;
  flight->lease_until = stops_by(asked);
  flight->lost = too_late;
  flight->update(*claimed.recording.run);
  log::info("run.claimed", "fetching",
            {{"tenant", claimed.recording.tenant.str()},
             {"call_sid", claimed.recording.call_sid.str()},
             {"run_id", claimed.lease.run.str()},
             {"attempt", claimed.recording.run->attempt}});
  try {
    if (too_late)
      co_await step_aside(claimed, flight);
    else
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
  const auto& recording = claimed.recording;
  const auto& name = recording.registered.provider;
  std::expected<Media, Refused> received =
      refused(Cause::refused, "the tenant has no provider named " + name + " in its configuration");
  std::shared_ptr<Growth> copy;
  if (const auto provider = provider_(recording.tenant, name)) {
    auto entered = co_await enter(recording, provider->type());
    if (!entered) {
      co_await wait_outside(claimed, flight, entered.error());
      co_return;
    }
    copy = attend(claimed, flight);
    try {
      received = co_await receive(claimed, *flight, *provider, *std::move(entered));
    } catch (const std::exception& error) {
      const auto* disk = dynamic_cast<const std::system_error*>(&error);
      const bool full = disk != nullptr && disk->code() == std::errc::no_space_on_device;
      received = refused(full ? Cause::no_space : Cause::internal, full ? "the disk is full" : "the disk failed");
      log::error("run.broken", "an attempt ended in an exception",
                 {{"run_id", claimed.lease.run.str()}, {"error", error.what()}});
      flight->paused.reset();  // after a failed fsync nobody knows what the file holds
    }
  }
  if (!received) copy.reset();
  if (received) {
    co_await complete(claimed, flight, std::move(*received), std::move(copy));
  } else if (flight->stopped() && stopping()) {
    co_await return_claim(claimed, flight, "the server stopped");
  } else if (flight->stopped() || flight->lost) {
    co_await step_aside(claimed, flight);
  } else {
    co_await set_back(claimed, flight, std::move(received.error()));
  }
  // Between attempts what has arrived is kept; after the last one nobody may wait for more.
  if (flight->view().ended) flight->paused.reset();
}

/// A durable copy that grows with what this attempt brings in; null where there is no storage for it.
std::shared_ptr<Growth> Worker::attend(const ledger::Claimed& claimed, const std::shared_ptr<Flight>& flight) {
  if (copier_ == nullptr) return nullptr;
  BlobName name{.recording = claimed.recording.id, .cycle = claimed.recording.run->cycle};
  return copier_->attend(flight, std::move(name), claimed.lease.token);
}

/// The account's gate, which first hears what other nodes know of the account.
Task<std::expected<Gate::Pass, Gate::Refusal>> Worker::enter(Recording recording, std::string_view provider_type) {
  const auto& name = recording.registered.provider;
  const auto gate = gates_.of(recording.tenant, name, provider_type);
  if (shared_limit_ != nullptr) {
    signal::SharedLimit::Account account{.tenant = recording.tenant, .provider = name};
    const auto word = co_await shared_limit_->hear(std::move(account));
    if (word) gate->hear(*word);
  }
  co_return gate->enter(recording.id);
}

/// Of a 429, before our own gate is told: what the nodes call it is then no news here.
Task<void> Worker::tell_of(const Refused& refused, const Recording& recording, Gate::Pass& pass) {
  signal::SharedLimit::Account account{.tenant = recording.tenant, .provider = recording.registered.provider};
  const auto known = co_await shared_limit_->throttled(std::move(account), pass.heard(), refused.retry_after);
  if (known) pass.is_known_as(*known);
}

Task<std::expected<Media, Refused>> Worker::receive(const ledger::Claimed& claimed, Flight& flight,
                                                    provider::Provider& provider, Gate::Pass pass) {
  const auto& recording = claimed.recording;
  const bool first = flight.paused == nullptr;
  if (first)
    flight.paused = std::make_unique<Receiver>(store_, flight, recording.registered.format, limits_.max_recording_bytes,
                                               static_cast<int>(claimed.lease.token));
  Receiver& receiver = *flight.paused;
  if (first && receiver.resumable()) {
    const auto resume = [&receiver] { receiver.resume(); };
    co_await disk_.run(resume);
  }
  provider::Outcome outcome;
  const bool all_there = first && receiver.whole();  // it was killed between the last byte and the rename
  if (!all_there) outcome = co_await transfer(claimed, flight, provider, std::move(pass));
  if (!outcome) co_return std::unexpected(outcome.error());

  auto media = receiver.conclude(outcome->framing);
  if (receiver.lags()) {
    co_await catch_up(receiver, disk_);
    media = receiver.conclude(outcome->framing);
  }
  if (!media)
    co_return std::unexpected(Refused{.setback = found_in(outcome->status, media.error()), .retry_after = {}});
  media->blob = BlobName{.recording = recording.id, .cycle = media->cycle}.str(claimed.lease.token, media->version);
  const auto announce = [this, blob = media->blob] { return ledger_.announce(blob); };
  const auto announced = co_await written(announce);
  if (announced != Held::yes) co_return refused(Cause::internal, "the database does not answer");
  const auto publish = [&receiver, name = media->blob] { receiver.publish(name); };
  co_await disk_.run(publish);
  co_return std::move(*media);
}

/// What the provider sends, into the flight's receiver. The gate is told what that says of the provider, and nothing
/// else: not what was then found wrong with our disk.
Task<provider::Outcome> Worker::transfer(const ledger::Claimed& claimed, Flight& flight, provider::Provider& provider,
                                         Gate::Pass pass) {
  const auto& recording = claimed.recording;
  Receiver& receiver = *flight.paused;
  const auto stop = flight.begin();
  const auto left = recording.run->created_at + limits_.run_deadline - wall_now();
  const auto until = in(std::min(limits_.attempt_timeout, left));
  provider::Outcome outcome;
  bool room_was_short = false;
  for (int resumed = 0;;) {
    receiver.prepare();
    const bool room = co_await make_room_(receiver.lacks());
    if (!room) co_return refused(Cause::no_space, "no room on the disk, or within cache.max_bytes");
    auto from = receiver.resume_at();
    provider::Ask ask{.recording = recording,
                      .from = from,
                      .validator = receiver.validator(),
                      .variant = receiver.variant(),
                      .deadline = until,
                      .stop = stop};
    outcome = co_await provider.fetch(std::move(ask), receiver);
    if (receiver.lags()) {
      co_await catch_up(receiver, disk_);
      outcome = refused(Cause::interrupted, "the provider sent another version of the recording");
      from = 0;  // of that one nothing was here before
    }
    if (receiver.fault()) {
      const int status = outcome ? outcome->status : outcome.error().setback.provider_status;
      outcome = std::unexpected(Refused{.setback = found_in(status, *receiver.fault()), .retry_after = {}});
      // Where the length was not known before, or the disk had less than it said, there may have been too little room.
      // What that takes is known now: once more, from where it stands.
      if (receiver.fault()->cause != Cause::no_space || std::exchange(room_was_short, true)) break;
      continue;
    }
    // Who has sent something and then breaks off is asked for the rest at once: waiting is for who sends nothing.
    if (outcome || !broke_off(outcome.error().setback.cause) || receiver.resume_at() <= from) break;
    if (resumed == resumptions || stop.stop_requested()) break;
    log::info("run.resumed", "the provider is asked for the rest",
              {{"run_id", claimed.lease.run.str()},
               {"cause", name(outcome.error().setback.cause)},
               {"detail", outcome.error().setback.detail},
               {"from", receiver.resume_at()}});
    ++resumed;
  }
  auto circuit = Gate::Circuit::as_it_was;
  if (outcome) {
    circuit = pass.succeeded();
  } else if (!stop.stop_requested()) {
    if (shared_limit_ != nullptr && outcome.error().setback.cause == Cause::throttled)
      co_await tell_of(outcome.error(), recording, pass);
    circuit = pass.failed(outcome.error().setback.cause, outcome.error().retry_after);
  }
  if (circuit == Gate::Circuit::opened)
    log::warn("provider.circuit_opened", "it has failed repeatedly, and is left alone for a while",
              {{"tenant", recording.tenant.str()}, {"provider", recording.registered.provider}});
  if (circuit == Gate::Circuit::closed)
    log::info("provider.circuit_closed", "it answers again",
              {{"tenant", recording.tenant.str()}, {"provider", recording.registered.provider}});
  co_return outcome;
}

Task<void> Worker::complete(const ledger::Claimed& claimed, const std::shared_ptr<Flight>& flight, Media media,
                            std::shared_ptr<Growth> copy) {
  const auto now = wall_now();
  auto run = *claimed.recording.run;
  const auto blob = media.blob;
  run.status = RunStatus::completed;
  run.received_bytes = media.bytes;
  run.total_bytes = media.bytes;
  run.completed_at = now;
  const auto pointer = [this, lease = claimed.lease, media, now] { return ledger_.complete(lease, media, now); };
  const auto held = co_await written(pointer);
  if (copy && held == Held::yes) copier_->published(*copy, uncopied(claimed.recording.id, media));
  copy.reset();
  if (held == Held::rejected) {
    const auto unlink = [this, blob] { store_.remove(blob); };
    co_await disk_.run(unlink);
    flight->paused.reset();  // whoever listened has heard it all
    Setback setback{.cause = Cause::internal, .detail = rejected_detail};
    co_await fail(claimed, flight, std::move(setback));
    co_return;
  }
  if (held != Held::yes) {
    // Where nobody knows, the next start finds out: it has been announced, and goes unless something points to it.
    if (held == Held::no) co_await unpublish(blob);
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

Task<void> Worker::set_back(const ledger::Claimed& claimed, const std::shared_ptr<Flight>& flight, Refused refused) {
  const auto now = wall_now();
  const auto& run = *claimed.recording.run;
  auto& setback = refused.setback;
  if (setback.cause == Cause::not_ready && now >= ready_by(claimed.recording, limits_.not_ready_for))
    setback.cause = Cause::missing;

  ++flight->setbacks;
  auto asked = refused.retry_after;
  if (setback.cause == Cause::no_space) asked = limits_.backoff_initial;  // room does not come by asking at once
  const auto due = now + backoff(flight->setbacks, limits_.backoff_initial, limits_.backoff_max, asked, uniform());
  const auto next = then(setback.cause);
  const bool used_up = next == Then::soon && run.attempt >= run.max_attempts;
  const bool too_late = next != Then::not_again && due >= run.created_at + limits_.run_deadline;
  if (too_late)
    setback = {.cause = Cause::overdue,
               .detail = "not fetched within fetch.run_deadline; the last attempt: " + setback.detail,
               .provider_status = setback.provider_status};
  if (next == Then::not_again || too_late || used_up) {
    co_await fail(claimed, flight, std::move(setback));
    co_return;
  }
  const bool held = co_await requeue(claimed, flight, reason_of(setback.cause), setback, due, next == Then::soon);
  if (held)
    log::info("run.retry", "the attempt is repeated",
              {{"tenant", claimed.recording.tenant.str()},
               {"call_sid", claimed.recording.call_sid.str()},
               {"run_id", run.id.str()},
               {"cause", name(setback.cause)},
               {"detail", setback.detail},
               {"in_ms", (due - now).count()}});
}

Task<void> Worker::fail(const ledger::Claimed& claimed, const std::shared_ptr<Flight>& flight, Setback setback) {
  auto run = *claimed.recording.run;
  run.status = RunStatus::failed;
  run.completed_at = wall_now();
  run.setback = setback;
  if (flight->paused) flight->paused->abandon(setback);
  const auto failure = [this, lease = claimed.lease, setback, now = *run.completed_at] {
    return ledger_.fail(lease, setback, now);
  };
  const auto held = co_await written(failure);
  if (held != Held::yes) {
    flight->paused.reset();
    co_await step_aside(claimed, flight);
    co_return;
  }
  flight->paused.reset();  // before anybody is told: who is told finds nothing of it on the disk
  metrics::add(Series::runs_ended, {"failed"});
  metrics::observe(Series::runs_per_recording, 1);
  log::warn("run.failed", "the recording could not be fetched",
            {{"tenant", claimed.recording.tenant.str()},
             {"call_sid", claimed.recording.call_sid.str()},
             {"run_id", run.id.str()},
             {"cause", name(setback.cause)},
             {"detail", setback.detail},
             {"provider_status", setback.provider_status}});
  flights_.close(flight, std::move(run));
}

/// The provider's gate lets nobody through: later again, and those who waited with this one not all at once.
Task<void> Worker::wait_outside(const ledger::Claimed& claimed, const std::shared_ptr<Flight>& flight,
                                Gate::Refusal refusal) {
  const bool throttled = refusal.reason == Reason::throttled;
  const milliseconds spread{static_cast<std::int64_t>(uniform() * static_cast<double>(refusal.again_in.count()) / 4)};
  Setback setback{.cause = throttled ? Cause::throttled : Cause::unavailable, .detail = std::move(refusal.detail)};
  const auto due = wall_now() + refusal.again_in + spread;
  co_await requeue(claimed, flight, refusal.reason, std::move(setback), due, false);
}

Task<void> Worker::return_claim(const ledger::Claimed& claimed, const std::shared_ptr<Flight>& flight,
                                std::string why) {
  Setback setback{.cause = Cause::internal, .detail = std::move(why)};
  co_await requeue(claimed, flight, Reason::queued, std::move(setback), wall_now(), false);
}

/// Back to the queue; `counts` as the ledger's. False: the run is not ours any more.
Task<bool> Worker::requeue(const ledger::Claimed& claimed, const std::shared_ptr<Flight>& flight, Reason reason,
                           Setback setback, WallTime due, bool counts) {
  auto run = *claimed.recording.run;
  run.status = RunStatus::queued;
  run.reason = reason;
  run.due_at = due;
  run.setback = setback;
  const auto back = [this, lease = claimed.lease, reason, setback = std::move(setback), due, counts] {
    return ledger_.retry(lease, reason, setback, due, counts);
  };
  if (stopping() && flight->paused) flight->paused->leave();
  flight->update(run);  // before the row says queued, for the next claim may follow at once
  const auto held = co_await written(back);
  if (held == Held::rejected) {
    Setback plain{.cause = Cause::internal, .detail = rejected_detail};
    co_await fail(claimed, flight, std::move(plain));
  } else if (held != Held::yes) {
    co_await step_aside(claimed, flight);
  } else if (stopping()) {
    flights_.close(flight, std::move(run));
  }
  co_return held == Held::yes;
}

/// Nobody will ever point to it: off the disk, and off the list of those of which that is not known.
Task<void> Worker::unpublish(std::string blob) {
  const auto unlink = [this, &blob] { store_.remove(blob); };
  co_await disk_.run(unlink);
  try {
    std::vector<std::string> blobs{std::move(blob)};
    co_await ledger_.strike_files(std::move(blobs), true);
  } catch (const std::exception& error) {  // the next start does
    log::warn("ledger.unavailable", "cannot strike off a file that was removed", {{"error", error.what()}});
  }
}

/// The run is not ours any more, or we cannot keep it. Where it is still active it is queued, by ourselves if nobody
/// has taken it, and the next claim goes on with this flight; where nobody will claim it here, or it has ended, nobody
/// may wait for more, and what was erased, replaced or cancelled is not heard any more.
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
    } else if (known->status == RunStatus::running && known->token == claimed.lease.token) {
      Setback setback{.cause = Cause::internal, .detail = "the database was out of reach for too long"};
      co_await ledger_.retry(claimed.lease, Reason::retrying, std::move(setback), wall_now(), false);
    }
  } catch (const std::exception& error) {
    log::error("ledger.unavailable", "cannot tell what became of a run", {{"error", error.what()}});
  }
  bool draining = false;
  {
    const std::lock_guard lock{mutex_};
    draining = draining_;
  }
  if (run.status == RunStatus::cancelled) flight->withdrawn = true;
  if (active(run.status) && !draining) {
    flight->update(std::move(run));
  } else {
    flights_.close(flight, std::move(run));
  }
}

}  // namespace onetake::run
