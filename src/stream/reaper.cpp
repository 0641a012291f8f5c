#include "stream/reaper.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include "base/log.hpp"
#include "base/metrics.hpp"

namespace onetake::stream {
namespace {

constexpr int page_size = 256;
/// For one page; and how long after that it is nobody else's.
constexpr milliseconds patience{120'000};
constexpr milliseconds patience_with_one{30'000};
/// Then it is the storage, and not these.
constexpr int most_in_a_row = 4;
/// Longer than any fetch may take.
constexpr milliseconds forgotten_after{24 * 3'600'000};

}  // namespace

Task<int> Reaper::sweep() {
  int count = 0;
  for (;;) {
    const auto now = wall_now();
    auto blobs = co_await ledger_.take_objects(now, now + 2 * patience, page_size);
    const auto taken = blobs.size();
    if (taken == 0) co_return count;
    auto gone = co_await remove_all(std::move(blobs));
    const auto removed = gone.size();
    if (removed > 0) co_await ledger_.strike_objects(std::move(gone));
    metrics::add(metrics::Series::durable_removed, {}, static_cast<double>(removed));
    count += static_cast<int>(removed);
    if (taken < page_size || removed == 0) co_return count;
  }
}

/// Those of them that are gone now.
Task<std::vector<std::string>> Reaper::remove_all(std::vector<std::string> blobs) {
  std::vector<std::string> gone;
  // In no order: those that cannot be removed are then not always the first.
  std::ranges::shuffle(blobs, std::minstd_rand{std::random_device{}()});
  const auto end = in(patience);
  int in_a_row = 0;
  for (auto& blob : blobs) {
    durable::Until until{.deadline = std::min(end, in(patience_with_one))};
    const auto removed = co_await copies_.remove(blob, std::move(until));
    if (!removed) {
      if (!std::exchange(down_, true))
        log::warn("durable.stuck", "durable copies of what is erased cannot be removed; it is tried again",
                  {{"blob", blob}, {"detail", removed.error().detail}});
      if (++in_a_row == most_in_a_row) break;
      continue;
    }
    in_a_row = 0;
    down_ = false;
    gone.push_back(std::move(blob));
  }
  co_return gone;
}

Task<void> Reaper::abort_forgotten() {
  durable::Until until{.deadline = in(patience)};
  const auto aborted = co_await copies_.abort_forgotten(wall_now() - forgotten_after, std::move(until));
  if (!aborted) {
    log::warn("durable.stuck", "uploads that were begun and forgotten cannot be looked for",
              {{"detail", aborted.error().detail}});
  } else if (*aborted > 0) {
    log::info("durable.aborted", "uploads that were begun and forgotten are aborted", {{"uploads", *aborted}});
  }
}

}  // namespace onetake::stream
