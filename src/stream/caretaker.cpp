#include "stream/caretaker.hpp"

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "run/blob_name.hpp"
#include "run/receiver.hpp"

namespace onetake::stream {
namespace {

constexpr int page_size = 256;

/// Those of them that are gone now.
std::vector<std::string> remove_all(blob::Store& store, const std::vector<std::string>& blobs) {
  std::vector<std::string> gone;
  for (const auto& blob : blobs) {
    try {
      store.remove(blob);
      gone.push_back(blob);
    } catch (const std::system_error& error) {
      log::error("blob.stuck", "a file that nothing points to cannot be removed",
                 {{"blob", blob}, {"error", error.what()}});
    }
  }
  return gone;
}

}  // namespace

Caretaker::Caretaker(ledger::Ledger& ledger, blob::Store& store, Offload& disk, run::Flights& flights, Shelf& shelf)
    : ledger_(ledger), store_(store), disk_(disk), flights_(flights), shelf_(shelf) {}

Task<int> Caretaker::tidy(bool announced_too) {
  const int unfinished = co_await remove_unfinished();
  const int loose = co_await remove_loose(announced_too);
  co_return unfinished + loose;
}

Task<int> Caretaker::remove_unfinished() {
  auto names = store_.unfinished();
  if (names.empty()) co_return 0;
  const auto active = co_await ledger_.active_runs();
  std::erase_if(
      names, [&](const auto& name) { return std::ranges::find(active, run::Receiver::run_of(name)) != active.end(); });
  const auto discard = [this, names = std::move(names)] {
    for (const auto& name : names) store_.discard(name);
    return static_cast<int>(names.size());
  };
  co_return co_await disk_.run(discard);
}

Task<int> Caretaker::remove_loose(bool announced_too) {
  int count = 0;
  for (;;) {
    auto blobs = co_await ledger_.loose_files(announced_too, page_size);
    const auto listed = blobs.size();
    withdraw(blobs);
    const auto unlink = [this, blobs = std::move(blobs)] { return remove_all(store_, blobs); };
    auto gone = co_await disk_.run(unlink);
    const auto removed = gone.size();
    if (removed > 0) co_await ledger_.strike_files(std::move(gone));
    count += static_cast<int>(removed);
    if (listed < page_size || removed == 0) co_return count;
  }
}

/// Erased or replaced by another node, they may be open here, or still be sent as they arrived.
void Caretaker::withdraw(const std::vector<std::string>& blobs) {
  shelf_.withdraw(blobs);
  for (const auto& blob : blobs)
    if (const auto of = run::BlobName::parse(blob)) flights_.withdraw(of->recording, of->cycle);
}

}  // namespace onetake::stream
