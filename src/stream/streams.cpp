#include "stream/streams.hpp"

#include <utility>

#include "base/log.hpp"
#include "base/metrics.hpp"

namespace onetake::stream {

using ledger::Found;
using metrics::Series;

namespace {

/// When somebody might ask again for what there is no room for now.
constexpr milliseconds room_patience{10'000};

/// How long the durable storage may take to begin, also for who asked for the head alone: it is ready, after all.
constexpr milliseconds storage_patience{5'000};
constexpr milliseconds storage_retry{5'000};

Refused refused(Fault fault, std::string detail = {}) {
  return {.failure = {.fault = fault, .detail = std::move(detail)}, .retry_after = {}};
}

Refused no_room(milliseconds retry_after) {
  return {.failure = {.fault = Fault::no_space, .detail = {}},
          .retry_after = std::max(retry_after, milliseconds{1000})};
}

/// REQUIRES: it has media.
ledger::Stored stored(const Recording& recording) {
  const auto& media = recording.media.value();
  return {.recording = recording.id,
          .tenant = recording.tenant,
          .call_sid = recording.call_sid,
          .blob = media.blob,
          .bytes = media.bytes,
          .sha256 = media.sha256,
          .played_at = {}};
}

/// What was only looked at, because there was no room, would have begun a fetch.
bool would_begin(const run::Joined& looked, ledger::AskedBy by) {
  if (looked.found == Found::cold) return true;
  if (by != ledger::AskedBy::retry) return false;
  return looked.found == Found::cooling_down || gone_at_provider(looked.recording);
}

}  // namespace

Refused refused(const Setback& setback, std::optional<milliseconds> retry_after) {
  if (setback.cause == Cause::gone)
    return {.failure = {Fault::recording_gone, "The provider has deleted this recording."}, .retry_after = {}};
  std::string detail{name(setback.cause)};
  if (!setback.detail.empty()) detail += ": " + setback.detail;
  return {.failure = {Fault::fetch_failed, std::move(detail)},
          .retry_after = retry_after,
          .provider_status = setback.provider_status};
}

Streams::Streams(ledger::Ledger& ledger, blob::Store& store, Offload& disk, run::Join& join, Shelf& shelf,
                 Evictor& evictor, Quarantine& quarantine, run::Join::Admission admission, milliseconds node_silence,
                 run::Fillings* fillings)
    : ledger_(ledger),
      store_(store),
      disk_(disk),
      join_(join),
      shelf_(shelf),
      evictor_(evictor),
      quarantine_(quarantine),
      admission_(admission),
      node_silence_(node_silence),
      fillings_(fillings) {}

Task<Opened> Streams::open(Key key, bool explicit_action, Wait wait, ledger::AskedBy by) {
  bool cancelled = false;
  for (;;) {
    if (auto ready = on_shelf(key)) {
      metrics::add(Series::cache_opens, {"hit"});
      co_return ready;
    }
    const auto epoch = shelf_.epoch(key);
    // A fetch that has no room is not begun: a full disk could not even take down that it was.
    const auto& space = store_.space();
    const bool crowded = explicit_action && !space.has(space.foreseen());
    auto joined = co_await join_.play(key, explicit_action && !crowded, by);
    if (crowded && would_begin(joined, by)) {
      const bool room = co_await evictor_.make_room(space.foreseen());
      if (!room) co_return no_room(room_patience);
      continue;
    }
    switch (joined.found) {
      case Found::nothing:
        co_return refused(Fault::recording_not_found);
      case Found::gone:
        co_return refused(Fault::recording_gone,
                          gone_at_provider(joined.recording)
                              ? "The provider has deleted this recording."
                              : "This recording is older than the retention.max_age of this server.");
      case Found::cold:
        if (cancelled) {
          auto off = refused(Fault::fetch_failed, "The fetch was cancelled. Press Play to begin another.");
          off.retry_after = milliseconds{1'000};
          co_return off;
        }
        co_return refused(Fault::explicit_user_action_required);
      case Found::cooling_down:
        co_return stream::refused(
            joined.recording.run->setback.value_or(Setback{.cause = Cause::internal, .detail = {}}),
            joined.retry_at - wall_now());
      case Found::too_many_retries: {
        auto too_often = refused(Fault::too_many_retries);
        too_often.retry_after = joined.retry_at - wall_now();
        co_return too_often;
      }
      case Found::ready:
        if (auto opened = co_await ready(key, joined.recording, epoch, wait)) co_return *std::move(opened);
        break;  // its file was lost, or it was changed meanwhile: the ledger is asked again
      case Found::fetching:
      case Found::created:
        if (joined.unattended) co_return refused(Fault::no_worker);
        if (auto opened = co_await follow(joined.flight, wait)) co_return *std::move(opened);
        // It ended while we waited. What somebody cancelled does not begin again because somebody else was waiting.
        cancelled = joined.flight->view().run.status == RunStatus::cancelled;
        explicit_action = explicit_action && !cancelled;
        break;
    }
  }
}

/// What there is to say of a run that is under way; nothing when it ended well, or was taken away.
Task<std::optional<Opened>> Streams::follow(std::shared_ptr<run::Flight> flight, Wait wait) {
  // Who does not wait asks whether it is ready, and what is whole is as good as that.
  if (wait.until == Deadline::min()) co_await flight->settled(in(run::settling));
  auto view = co_await flight->audible(wait.until);
  while (view.live && !view.ended) {
    const auto live = view.live;
    auto audio = live->audio->view();
    if (wait.for_total && !audio.total && !audio.final()) {
      if (const auto sized = co_await live->audio->sized(wait.until)) audio = *sized;
    }
    if (audio.phase != blob::Growing::Phase::abandoned) {
      if (wait.for_total && !audio.total) break;
      co_return Arriving{.flight = flight,
                         .live = live,
                         .etag = etag(flight->recording(), view.run.cycle, live->version),
                         .total = audio.total};
    }
    // Given up a moment ago: another version is about to come, or the run's end is being written.
    const auto before = view.change;
    view = co_await flight->changed(before, wait.until);
    if (view.change == before) break;
  }
  if (!view.live && !view.node.empty() && !view.ended)
    co_return Elsewhere{.nodes = {view.node}, .pending = std::move(view)};
  if (!view.live && view.lacks_room())
    co_return no_room(view.run.due_at.value_or(wall_now() + room_patience) - wall_now());
  if (!view.ended) co_return Pending{.view = std::move(view)};
  if (view.run.status == RunStatus::failed)
    co_return refused(view.run.setback.value_or(Setback{.cause = Cause::internal, .detail = {}}),
                      admission_.failure_cooldown);
  co_return std::nullopt;
}

/// What the pointer names, from where it is. Nothing: the ledger is to be asked again.
Task<std::optional<Opened>> Streams::ready(Key key, const Recording& recording, std::uint64_t epoch, Wait wait) {
  if (fillings_ != nullptr) {  // before the disk is looked at: it may come there at any moment
    auto filling = fillings_->find(recording.id, recording.media->blob);
    if (filling) co_return co_await bring_back(std::move(filling), wait, true);
  }
  auto here = co_await take_down(key, recording, epoch);
  if (here) co_return here;
  co_return co_await elsewhere(std::move(key), recording, wait);
}

/// Who has what the pointer names, which is not on the disk here. Nothing: the pointer has gone, with the last who had
/// it or by a change, or this node has it after all.
Task<std::optional<Opened>> Streams::elsewhere(Key key, const Recording& recording, Wait wait) {
  const auto& blob = recording.media->blob;
  auto where = co_await ledger_.whereabouts(std::move(key), node_silence_);
  if (!where || where->blob != blob) co_return std::nullopt;
  if (where->here) {
    const auto look = [this, &blob] { return store_.open(blob) != nullptr; };
    const bool is_there = co_await disk_.run(look);  // it may have come a moment ago
    if (!is_there) co_await quarantine_.take(stored(recording), "missing");
    co_return std::nullopt;
  }
  const bool others = !where->holders.empty() && !(where->durable && wait.nobody_answers);
  if (others) co_return Elsewhere{.nodes = std::move(where->holders), .pending = {}, .durable = where->durable};
  if (where->durable && fillings_ == nullptr)
    co_return refused(Fault::unavailable, "The audio lies on a durable storage that this server is not told of.");
  if (where->durable) co_return co_await bring_back(fillings_->open(recording), wait, false);
  const bool gone = co_await ledger_.lost(recording.id, blob, node_silence_);
  if (!gone) co_return Elsewhere{};  // whoever has it may be heard of at any moment
  log::warn("blob.lost", "no living node has the audio; the next Play fetches the recording again",
            {{"recording", recording.id.str()}, {"blob", blob}});
  co_return std::nullopt;
}

/// As it comes from its durable copy, from the first byte on. Nothing: it is here by now, or the copy is no more; or
/// what was `joined` gave up, which had begun to ask a storage that may be back since.
Task<std::optional<Opened>> Streams::bring_back(std::shared_ptr<run::Filling> filling, Wait wait, bool joined) {
  const auto& media = filling->media;
  const auto until = std::max(wait.until, in(storage_patience));
  auto view = co_await filling->flight->audible(until);
  if (view.live && !view.ended && view.live->audio->view().phase == blob::Growing::Phase::abandoned) {
    const auto before = view.change;  // its end is being written
    view = co_await filling->flight->changed(before, until);
    if (!view.ended && view.live->audio->view().phase == blob::Growing::Phase::abandoned) view.live.reset();
  }
  if (view.live && !view.ended)
    co_return Arriving{.flight = filling->flight,
                       .live = std::move(view.live),
                       .etag = etag(filling->recording, media.cycle, media.version),
                       .total = media.bytes,
                       .published = true};
  if (view.ended && filling->end() == run::Filling::End::no_room) co_return no_room(room_patience);
  const bool once_more = joined && Monotonic::now() < until;
  if (view.ended && (once_more || filling->end() != run::Filling::End::unavailable)) co_return std::nullopt;
  auto down = refused(Fault::unavailable, "The durable storage does not answer.");
  down.retry_after = storage_retry;
  co_return down;
}

Task<std::shared_ptr<const Ready>> Streams::take_down(Key key, const Recording& recording, std::uint64_t epoch) {
  const auto& media = recording.media.value();
  metrics::add(Series::cache_opens, {"miss"});
  const auto open_file = [this, blob = media.blob] { return store_.open(blob); };
  auto file = co_await disk_.run(open_file);
  if (!file) co_return nullptr;
  if (file->size != media.bytes) {
    co_await quarantine_.take(stored(recording), "size");
    co_return nullptr;
  }
  const auto since = recording.registered.started_at.value_or(recording.registered_at);
  auto ready = std::make_shared<const Ready>(
      Ready{.file = std::move(file),
            .recording = recording.id,
            .blob = media.blob,
            .content_type = media.content_type,
            .etag = etag(recording.id, media.cycle, media.version),
            .last_modified = media.last_modified,
            .expires = admission_.retention > milliseconds{0} ? since + admission_.retention : WallTime::max()});
  // Unless it was changed meanwhile: what is not on the shelf could not be stopped.
  if (!shelf_.put(key, ready, epoch, wall_now())) co_return nullptr;
  co_return ready;
}

}  // namespace onetake::stream
