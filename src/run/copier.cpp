#include "run/copier.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
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

/// The storage, and not this one recording.
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
  bool down = false;
};

Copier::Copier(Loop& loop, ledger::Ledger& ledger, blob::Store& store, Offload& disk, durable::Copies& copies,
               Pace pace)
    : loop_(loop), ledger_(ledger), store_(store), disk_(disk), copies_(copies), pace_(pace) {}

void Copier::start() { asio::co_spawn(loop_.get_executor(), watch(), asio::detached); }

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
  RecordingId after;
  for (bool more = true; more;) {
    auto page = co_await ledger_.not_durable(after, page_size);
    more = std::ssize(page) == page_size;
    if (more) after = page.back().recording;
    std::erase_if(page,
                  [this](const auto& file) { return in_hand_.contains(file.blob) || refused_.contains(file.blob); });
    await_copies(page.size());
    const bool up = co_await copy_all(std::move(page));
    if (!up) co_return false;
  }
  co_return true;
}

Task<bool> Copier::copy_all(std::vector<Uncopied> files) {
  if (files.empty()) co_return true;
  const auto batch = std::make_shared<Batch>();
  batch->left.assign(std::make_move_iterator(files.begin()), std::make_move_iterator(files.end()));
  if (down_) {  // one finds out whether it is back
    auto first = std::move(batch->left.front());
    batch->left.pop_front();
    const auto done = co_await copy_one(std::move(first));
    if (done == Done::down) co_return false;
  }
  batch->lanes = pace_.at_once;
  for (int i = 0; i < pace_.at_once; ++i) asio::co_spawn(loop_.get_executor(), lane(batch), asio::detached);
  std::unique_lock lock{mutex_};
  while (batch->lanes > 0) co_await waiters_.wait(lock, never);
  co_return !batch->down;
}

Task<void> Copier::lane(std::shared_ptr<Batch> batch) {
  while (!batch->left.empty()) {
    auto file = std::move(batch->left.front());
    batch->left.pop_front();
    const auto done = co_await copy_one(std::move(file));
    if (done == Done::down) {
      batch->down = true;
      break;
    }
  }
  const std::lock_guard lock{mutex_};
  --batch->lanes;
  waiters_.wake_all();
}

Task<Copier::Done> Copier::copy_one(Uncopied file) {
  const Hand hand{in_hand_, file.blob};
  try {
    co_return co_await put(std::move(file));
  } catch (const std::exception& error) {
    log::warn("durable.put_off", "a durable copy could not be made; it will be tried again", {{"error", error.what()}});
  }
  co_return Done::down;
}

Task<Copier::Done> Copier::put(Uncopied file) {
  const auto open = [this, blob = file.blob] { return store_.open(blob); };
  const auto here = co_await disk_.run(open);
  if (!here || here->size != file.bytes) co_return Done::not_this;  // whoever plays or checks it will find that out
  const bool ours = co_await announce(file);
  if (!ours) co_return Done::not_this;  // what an earlier try has left there is being removed
  auto object = object_of(file);
  const auto copy = co_await copies_.put(std::move(object), here->file.get(), until(file));
  if (!copy) co_return failed(file, copy.error());
  co_return co_await copied(std::move(file));
}

/// What is made under its name from now on does not stay unless it is pointed to.
Task<bool> Copier::announce(Uncopied file) {
  const auto longest = std::chrono::ceil<milliseconds>(until(file).deadline - Monotonic::now());
  co_return co_await ledger_.announce_object(file.blob, wall_now() + 2 * longest);
}

Task<Copier::Done> Copier::copied(Uncopied file) {
  const bool pointed = co_await ledger_.made_durable(file.recording, file.blob);
  if (!pointed) co_await ledger_.announce_object(file.blob, wall_now());  // and is removed at once
  metrics::add(Series::durable_copies, {pointed ? "made" : "unwanted"});
  if (awaited_ > 0) await_copies(awaited_ - 1);
  if (std::exchange(down_, false)) log::info("durable.available", "the durable storage takes copies again");
  log::debug("durable.copied", "there is a durable copy", {{"recording", file.recording.str()}, {"blob", file.blob}});
  co_return Done::copied;
}

Copier::Done Copier::failed(const Uncopied& file, const Trouble& trouble) {
  metrics::add(Series::durable_copies, {"failed"});
  if (is_down(trouble.kind)) {
    if (!std::exchange(down_, true))
      log::warn("durable.unavailable", "recordings are kept without a durable copy until the storage takes them",
                {{"detail", trouble.detail}});
    return Done::down;
  }
  if (trouble.kind == Trouble::Kind::different) refused_.insert(file.blob);
  log::warn("durable.refused", "a recording has no durable copy", {{"blob", file.blob}, {"detail", trouble.detail}});
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
  asio::co_spawn(loop_.get_executor(), grow(growth), asio::detached);
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
  const auto copy = co_await upload->complete(std::move(object), until(file));
  if (copy) {
    co_await copied(file);
    co_return true;
  }
  failed(file, copy.error());
  refused_.erase(file.blob);  // what grew may have been at fault, not the file
  co_return false;
}

}  // namespace onetake::run
