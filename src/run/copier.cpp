#include "run/copier.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/backoff.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"

namespace onetake::run {

using durable::Trouble;
using ledger::Uncopied;
using metrics::Series;

namespace {

/// So many are known to wait at a time.
constexpr int page_size = 1000;

durable::Object object_of(const Uncopied& file) {
  return {.name = file.blob, .size = file.bytes, .sha256 = file.sha256, .content_type = file.content_type};
}

/// The storage, and not this one recording, unless it turns out that others are taken.
bool is_down(Trouble::Kind kind) { return kind == Trouble::Kind::unavailable || kind == Trouble::Kind::misconfigured; }

/// A blob that somebody has in hand.
class Hand {
 public:
  Hand(std::set<std::string>& all, std::string blob) : all_(all), blob_(std::move(blob)) { all_.insert(blob_); }
  ~Hand() { all_.erase(blob_); }
  Hand(const Hand&) = delete;
  Hand& operator=(const Hand&) = delete;

 private:
  std::set<std::string>& all_;
  const std::string blob_;
};

}  // namespace

Uncopied uncopied(const RecordingId& recording, const Media& media) {
  return {.recording = recording,
          .blob = media.blob,
          .bytes = media.bytes,
          .sha256 = media.sha256,
          .content_type = media.content_type};
}

/// Files that wait for a lane.
struct Copier::Batch {
  std::deque<Uncopied> left;
  int lanes = 0;
  bool cut_off = false;
};

Copier::Copier(Loop& loop, ledger::Ledger& ledger, blob::Store& store, Offload& disk, durable::Copies& copies,
               Pace pace)
    : loop_(loop), ledger_(ledger), store_(store), disk_(disk), copies_(copies), pace_(pace) {}

void Copier::start() { loop_.spawn(watch()); }

void Copier::look() {
  const std::lock_guard lock{mutex_};
  told_ = true;
  waiters_.wake_all();
}

Task<void> Copier::watch() {
  for (int setbacks = 0;;) {
    bool up = false;
    try {
      up = co_await round();
    } catch (const std::exception& error) {
      log::warn("ledger.unavailable", "cannot look for what has no durable copy", {{"error", error.what()}});
    }
    setbacks = up ? 0 : setbacks + 1;
    const auto next =
        up ? in(pace_.between) : in(backoff(setbacks, pace_.wait_first, pace_.wait_most, pace_.wait_first, uniform()));
    std::unique_lock lock{mutex_};
    while (!told_ || !up)
      if (!co_await waiters_.wait(lock, next)) break;
    told_ = false;
  }
}

Task<bool> Copier::round() {
  if (down_) {
    const bool back = co_await probe();
    if (!back) co_return false;
  }
  // Of those that are erased nobody says so; what is there still has been tried again by then.
  std::erase_if(failures_, [&](const auto& each) { return each.second.until < in(-pace_.put_off_most); });
  RecordingId after;
  std::size_t left = 0;
  for (bool more = true; more;) {
    auto page = co_await ledger_.not_durable(after, page_size);
    more = std::ssize(page) == page_size;
    if (more) after = page.back().recording;
    await_copies(left + page.size());  // also those that are not tried now
    std::erase_if(page, [this](const auto& file) { return waits(file.blob); });
    const bool up = co_await copy_all(std::move(page));
    if (!up) co_return false;
    left = awaited_;
  }
  co_return true;
}

/// Is the storage back? The one that is tried is another one each time: that one fails tells nothing of the others.
Task<bool> Copier::probe() {
  auto files = co_await ledger_.not_durable(probed_, page_size);
  auto all = co_await ledger_.not_durable({}, page_size);
  await_copies(all.size());
  std::ranges::move(all, std::back_inserter(files));
  for (auto& file : files) {
    if (waits(file.blob)) continue;
    probed_ = file.recording;
    const auto done = co_await copy_one(std::move(file));
    if (done == Done::copied) break;
    if (done != Done::not_this) co_return false;
  }
  co_return true;
}

/// It is in hand, or put off.
bool Copier::waits(const std::string& blob) const {
  const auto failure = failures_.find(blob);
  return in_hand_.contains(blob) || (failure != failures_.end() && Monotonic::now() < failure->second.until);
}

Task<bool> Copier::copy_all(std::vector<Uncopied> files) {
  if (files.empty()) co_return true;
  const auto batch = std::make_shared<Batch>();
  batch->left.assign(std::make_move_iterator(files.begin()), std::make_move_iterator(files.end()));
  batch->lanes = pace_.at_once;
  for (int i = 0; i < pace_.at_once; ++i) loop_.spawn(lane(batch));
  std::unique_lock lock{mutex_};
  while (batch->lanes > 0) co_await waiters_.wait(lock, never);
  co_return !batch->cut_off && !down_;
}

Task<void> Copier::lane(std::shared_ptr<Batch> batch) {
  while (!batch->left.empty()) {
    auto file = std::move(batch->left.front());
    batch->left.pop_front();
    const auto done = co_await copy_one(std::move(file));
    if (done == Done::cut_off) batch->cut_off = true;
    if (done == Done::cut_off || done == Done::down) break;
  }
  const std::lock_guard lock{mutex_};
  --batch->lanes;
  waiters_.wake_all();
}

Task<Copier::Done> Copier::copy_one(Uncopied file) {
  const Hand hand{in_hand_, file.blob};
  const auto before = taken_;
  try {
    co_return co_await put(file);
  } catch (const std::system_error& error) {  // the disk, of which this file may be the one bad spot
    co_return failed(file, {Trouble::Kind::different, error.what()}, before);
  } catch (const std::exception& error) {
    log::warn("durable.put_off", "a durable copy could not be made; it will be tried again", {{"error", error.what()}});
  }
  co_return Done::cut_off;
}

Task<Copier::Done> Copier::put(Uncopied file) {
  const auto open = [this, blob = file.blob] { return store_.open(blob); };
  const auto here = co_await disk_.run(open);
  if (!here || here->size != file.bytes) co_return Done::not_this;  // whoever plays or checks it will find that out
  const bool ours = co_await announce(file);
  if (!ours) co_return Done::not_this;  // what an earlier try has left there is being removed
  auto object = object_of(file);
  const auto before = taken_;
  const auto copy = co_await copies_.put(std::move(object), here->file.get(), until(file));
  if (!copy) co_return failed(file, copy.error(), before);
  co_return co_await copied(std::move(file));
}

/// What is made under its name from now on does not stay unless it is pointed to.
Task<bool> Copier::announce(Uncopied file) {
  const auto longest = std::chrono::ceil<milliseconds>(until(file).deadline - Monotonic::now());
  co_return co_await ledger_.announce_object(file.blob, wall_now() + 2 * longest);
}

Task<Copier::Done> Copier::copied(Uncopied file) {
  taken(file.blob);
  const bool pointed = co_await ledger_.made_durable(file.recording, file.blob);
  bool settled = pointed;
  if (!pointed) settled = co_await ledger_.announce_object(file.blob, wall_now());  // and is removed at once
  // Not even that: it took so long that somebody is removing it. A later round copies it again.
  metrics::add(Series::durable_copies, {pointed ? "made" : settled ? "unwanted" : "failed"});
  if (settled && awaited_ > 0) await_copies(awaited_ - 1);
  if (pointed)
    log::debug("durable.copied", "there is a durable copy", {{"recording", file.recording.str()}, {"blob", file.blob}});
  co_return Done::copied;
}

void Copier::taken(const std::string& blob) {
  ++taken_;
  refused_ = 0;
  failures_.erase(blob);
  if (std::exchange(down_, false)) log::info("durable.available", "the durable storage takes copies again");
}

Copier::Done Copier::failed(const Uncopied& file, const Trouble& trouble, std::uint64_t before) {
  metrics::add(Series::durable_copies, {"failed"});
  const auto [at, first] = failures_.try_emplace(file.blob, Failure{.taken = before});
  auto& failure = at->second;
  if (first) ++refused_;
  const bool others = failure.taken != taken_;
  if (!others && (is_down(trouble.kind) || refused_ >= pace_.refused_most)) {
    failure.until = Monotonic::now();
    if (!std::exchange(down_, true))
      log::warn("durable.unavailable", "recordings are kept without a durable copy until the storage takes them",
                {{"detail", trouble.detail}});
    return Done::down;
  }
  failure.until =
      in(backoff(++failure.put_off, pace_.put_off_first, pace_.put_off_most, pace_.put_off_first, uniform()));
  log::warn("durable.refused", "a recording has no durable copy; it is tried again later",
            {{"blob", file.blob}, {"detail", trouble.detail}});
  return Done::not_this;
}

void Copier::await_copies(std::size_t count) {
  awaited_ = count;
  metrics::set(Series::durable_pending, static_cast<double>(count));
}

durable::Until Copier::until(const Uncopied& file) const {
  return {.deadline = in(pace_.patience + milliseconds{1000 * file.bytes / pace_.slowest})};
}

std::shared_ptr<Growth> Copier::attend(std::shared_ptr<Flight> flight, BlobName name, std::int64_t token) {
  const auto growth = std::make_shared<Growth>(std::move(flight), std::move(name), token);
  loop_.spawn(grow(growth));
  return {growth.get(), [growth](Growth* attempt) { attempt->over(); }};
}

void Copier::published(Growth& growth, Uncopied file) {
  const bool grown = growth.growing_ == file.blob;
  growth.published(std::move(file));
  if (!grown) look();
}

Task<void> Copier::grow(std::shared_ptr<Growth> growth) {
  std::shared_ptr<const Live> live;
  for (;;) {
    live = co_await growth->worth_while(live, pace_.grow_from);
    if (!live) co_return;
    const bool done = co_await grow_one(growth, live);
    if (done) co_return;
    look();
  }
}

/// False: there is no copy, and nothing of it is left on the storage.
Task<bool> Copier::grow_one(std::shared_ptr<Growth> growth, std::shared_ptr<const Live> live) {
  growth->growing_ = growth->name_of(*live);
  const Hand hand{in_hand_, growth->growing_};  // a round need not put it
  const std::shared_ptr<durable::Upload> upload = copies_.grow(growth->growing_, live->content_type, live->audio);
  durable::Until arrived{.deadline = in(pace_.growing_for), .stop = growth->stop_.get_token()};
  bool done = false;
  try {
    co_await upload->follow(std::move(arrived));  // whatever it came to, `complete` sends what is missing
    if (live->audio->view().phase != blob::Growing::Phase::abandoned) {
      const auto file = co_await growth->outcome();
      if (file && file->blob == growth->growing_) done = co_await complete(upload, *file);
    }
  } catch (const std::exception& error) {
    log::warn("durable.put_off", "a durable copy does not grow; it will be made of the file",
              {{"error", error.what()}});
  }
  growth->growing_.clear();
  if (done) co_return true;
  durable::Until little{.deadline = in(pace_.patience)};
  co_await upload->abort(std::move(little));
  co_return false;
}

Task<bool> Copier::complete(std::shared_ptr<durable::Upload> upload, Uncopied file) {
  const bool ours = co_await announce(file);
  if (!ours) co_return false;
  auto object = object_of(file);
  const auto before = taken_;
  const auto copy = co_await upload->complete(std::move(object), until(file));
  if (copy) {
    co_await copied(file);
    co_return true;
  }
  failed(file, copy.error(), before);
  failures_.erase(file.blob);  // what grew may have been at fault, not the file
  co_return false;
}

}  // namespace onetake::run
