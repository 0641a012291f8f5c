#include "stream/evictor.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/log.hpp"
#include "base/metrics.hpp"

namespace onetake::stream {
namespace {

constexpr int page_size = 64;

}  // namespace

/// One caller's turn to evict.
class Evictor::Turn {
 public:
  explicit Turn(Evictor& evictor) : evictor_(&evictor) {}
  Turn(Turn&& other) noexcept : evictor_(std::exchange(other.evictor_, nullptr)) {}
  Turn& operator=(Turn&&) = delete;
  ~Turn() {
    if (evictor_ == nullptr) return;
    const std::lock_guard lock{evictor_->mutex_};
    evictor_->busy_ = false;
    evictor_->waiters_.wake_all();
  }

 private:
  Evictor* evictor_;
};

Evictor::Evictor(ledger::Ledger& ledger, blob::Store& store, Offload& disk, run::Flights& flights, Shelf& shelf)
    : ledger_(ledger), store_(store), disk_(disk), flights_(flights), shelf_(shelf) {}

Task<Evictor::Turn> Evictor::turn() {
  std::unique_lock lock{mutex_};
  while (busy_) co_await waiters_.wait(lock, never);
  busy_ = true;
  co_return Turn{*this};
}

Task<bool> Evictor::make_room(Bytes bytes) {
  const auto& space = store_.space();
  if (space.has(bytes)) co_return true;
  if (!space.could_have(bytes)) co_return false;
  const auto mine = co_await turn();
  try {
    co_await give_up(std::max(bytes, space.headroom()));
  } catch (const ledger::Unavailable& error) {
    // A disk that is full to the last byte takes no commit either.
    log::warn("ledger.unavailable", "cannot give up recordings to make room", {{"error", error.what()}});
  }
  co_return space.has(bytes);
}

Task<void> Evictor::give_up(Bytes enough) {
  const auto& space = store_.space();
  co_await note_plays();
  std::optional<ledger::Stored> after;
  while (!space.has(enough)) {
    const auto page = co_await ledger_.least_played(after, page_size);
    if (page.empty()) break;
    after = page.back();
    for (const auto& stored : page) {
      if (space.has(enough)) break;
      co_await evict(stored);
    }
  }
}

Task<void> Evictor::evict(const ledger::Stored& stored) {
  if (flights_.followed(stored.recording) || !shelf_.let_go(stored.tenant, stored.call_sid, stored.blob)) co_return;
  const bool pointed = co_await ledger_.disown(stored.recording, stored.blob);
  if (!pointed) co_return;  // erased or replaced meanwhile, by somebody who unlinks it
  // Who has opened it meanwhile reads on to the end; who comes from now on is told what the ledger says.
  shelf_.forget(stored.tenant, stored.call_sid, {});
  const auto unlink = [this, blob = stored.blob] { store_.remove(blob); };
  co_await disk_.run(unlink);
  std::vector<std::string> gone{stored.blob};  // or a sweep would take what comes back under this name for it
  co_await ledger_.strike_files(std::move(gone), false);
  metrics::add(metrics::Series::cache_evictions);
  log::info("blob.evicted", "given up to make room",
            {{"tenant", stored.tenant.str()}, {"call_sid", stored.call_sid.str()}, {"bytes", stored.bytes}});
}

Task<bool> Evictor::note_plays() {
  auto plays = shelf_.take_plays();
  if (plays.empty()) co_return false;
  co_await ledger_.played(std::move(plays));
  co_return true;
}

}  // namespace onetake::stream
