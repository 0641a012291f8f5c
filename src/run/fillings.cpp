#include "run/fillings.hpp"

#include <utility>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "run/refill.hpp"

namespace onetake::run {

using metrics::Series;
using End = Filling::End;

namespace {

/// For one look at what lies there.
constexpr milliseconds patience{10'000};

std::string_view label(End end) {
  switch (end) {
    case End::filled:
      return "filled";
    case End::moved_on:
      return "unwanted";
    case End::spoiled:
      return "spoiled";
    case End::no_room:
    case End::unavailable:
      break;
  }
  return "failed";
}

}  // namespace

Filling::Filling(const Recording& from, Media audio)
    : flight(std::make_shared<Flight>(from.id, from.run.value_or(Run{}))),
      recording(from.id),
      key{.tenant = from.tenant, .call_sid = from.call_sid, .recording_sid = from.registered.recording_sid},
      media(std::move(audio)) {}

Fillings::Fillings(Loop& loop, ledger::Ledger& ledger, blob::Store& store, Offload& disk, Flights& flights,
                   MakeRoom make_room, durable::Copies& copies, milliseconds most)
    : loop_(loop),
      ledger_(ledger),
      store_(store),
      disk_(disk),
      flights_(flights),
      make_room_(std::move(make_room)),
      copies_(copies),
      most_(most) {}

std::shared_ptr<Filling> Fillings::find(const RecordingId& recording, const std::string& blob) const {
  const std::lock_guard lock{mutex_};
  const auto found = by_recording_.find(recording);
  return found != by_recording_.end() && found->second->media.blob == blob ? found->second : nullptr;
}

std::shared_ptr<Filling> Fillings::open(const Recording& recording) {
  const auto& media = recording.media.value();
  const std::lock_guard lock{mutex_};
  auto& listed = by_recording_[recording.id];
  if (listed && listed->media.blob == media.blob) return listed;
  listed = std::make_shared<Filling>(recording, media);  // one of an earlier pointer ends by itself
  flights_.land(listed->flight);
  loop_.spawn(fill(listed));
  return listed;
}

Task<int> Fillings::look() {
  std::vector<std::shared_ptr<Filling>> all;
  {
    const std::lock_guard lock{mutex_};
    for (const auto& [_, filling] : by_recording_) all.push_back(filling);
  }
  int withdrawn = 0;
  for (const auto& filling : all) {
    const auto where = co_await ledger_.whereabouts(filling->key, milliseconds{0});
    if (where && where->recording == filling->recording && where->blob == filling->media.blob) continue;
    filling->flight->withdrawn = true;
    filling->flight->stop();
    ++withdrawn;
  }
  co_return withdrawn;
}

Task<void> Fillings::fill(std::shared_ptr<Filling> filling) {
  auto end = End::unavailable;
  try {
    end = co_await bring(filling);
    if (filling->doubted_) end = co_await bring(filling);
  } catch (const std::exception& error) {
    log::error("durable.unfilled", "a durable copy could not be brought back",
               {{"blob", filling->media.blob}, {"error", error.what()}});
  }
  metrics::add(Series::durable_fills, {label(end)});
  {
    const std::lock_guard lock{mutex_};
    const auto found = by_recording_.find(filling->recording);
    if (found != by_recording_.end() && found->second == filling) by_recording_.erase(found);
  }
  filling->end_ = end;
  filling->flight->end(filling->flight->view().run);
}

Task<End> Fillings::bring(std::shared_ptr<Filling> filling) {
  const durable::Until until{.deadline = in(most_), .stop = filling->flight->begin()};
  co_await ledger_.announce(filling->media.blob);  // first: it may still be on the list, as what was evicted
  const auto hindered = co_await make_room(filling, until);
  if (hindered) co_return *hindered;
  Refill refill{store_, *filling->flight, filling->media};
  durable::Wanted wanted{.name = filling->media.blob, .sha256 = filling->media.sha256, .until = until};
  const auto outcome = co_await copies_.read(std::move(wanted), refill);
  auto wrong = outcome || refill.fault() ? refill.conclude() : std::optional{outcome.error().setback};
  if (wrong) {
    refill.abandon(*wrong);
    co_return co_await give_up(filling, *std::move(wrong));
  }
  const auto publish = [&refill] { refill.publish(); };
  co_await disk_.run(publish);
  std::exception_ptr unanswered;
  try {
    const bool pointed = co_await ledger_.copied(filling->recording, filling->media.blob, wall_now());
    if (pointed) co_return End::filled;
  } catch (...) {
    unanswered = std::current_exception();
  }
  // Also where nobody knows: without a pointer it would be heard after an erasure that no list tells this node of. With
  // one it is missing, and comes back by the next Play.
  const auto unlink = [this, blob = filling->media.blob] { store_.remove(blob); };
  co_await disk_.run(unlink);
  if (unanswered) std::rethrow_exception(unanswered);
  co_return co_await take_off(filling);
}

/// Nothing: it may be read. What is here makes way only for what there is: a storage that is away drives nothing out.
Task<std::optional<End>> Fillings::make_room(std::shared_ptr<Filling> filling, durable::Until until) {
  const auto& media = filling->media;
  if (store_.space().has(media.bytes)) co_return std::nullopt;
  const auto found = co_await copies_.look(media.blob, until);
  if (!found) {
    Setback away{.cause = Cause::unavailable, .detail = found.error().detail};
    co_return co_await give_up(filling, std::move(away));
  }
  if (!*found || (*found)->size != media.bytes) co_return std::nullopt;  // to read it makes sure
  const bool room = co_await make_room_(media.bytes);
  if (!room) co_return End::no_room;
  co_return std::nullopt;
}

Task<End> Fillings::give_up(std::shared_ptr<Filling> filling, Setback why) {
  if (filling->flight->withdrawn) co_return End::moved_on;
  if (why.cause == Cause::no_space) co_return End::no_room;
  const bool mismatch = why.cause == Cause::wrong_content;
  if (mismatch && !std::exchange(filling->doubted_, true)) {
    log::warn("durable.doubted", "a durable copy did not match; it is read once more",
              {{"blob", filling->media.blob}, {"detail", why.detail}});
    co_return End::unavailable;
  }
  bool spoiled = why.cause == Cause::missing;
  if (mismatch) spoiled = co_await is_ours(filling);
  log::write(
      spoiled ? log::Level::error : log::Level::warn, spoiled ? "durable.spoiled" : "durable.unfilled",
      spoiled ? "a durable copy is not what it should be, and is given up" : "a durable copy could not be brought back",
      {{"recording", filling->recording.str()},
       {"blob", filling->media.blob},
       {"cause", name(why.cause)},
       {"detail", why.detail}});
  if (!spoiled) co_return End::unavailable;
  co_await ledger_.spoiled(filling->recording, filling->media.blob);
  co_return End::spoiled;
}

/// Was what did not match the storage's? Every copy has a field of ours; a page of somebody in between has none.
Task<bool> Fillings::is_ours(std::shared_ptr<Filling> filling) {
  durable::Until until{.deadline = in(patience)};
  const auto found = co_await copies_.look(filling->media.blob, std::move(until));
  co_return found && (!*found || !(*found)->sha256.empty() || !(*found)->mark.empty());
}

/// Nobody points to it any more, and it is unlinked.
Task<End> Fillings::take_off(std::shared_ptr<Filling> filling) {
  filling->flight->withdrawn = true;
  std::vector<std::string> blobs{filling->media.blob};
  co_await ledger_.strike_files(std::move(blobs), true);
  co_return End::moved_on;
}

}  // namespace onetake::run
