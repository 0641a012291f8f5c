#include "stream/caretaker.hpp"

#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "run/blob_name.hpp"
#include "run/receiver.hpp"
#include "stream/quarantine.hpp"

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
  const int quarantined = co_await remove_quarantined();
  co_return unfinished + loose + quarantined;
}

Task<int> Caretaker::remove_unfinished() {
  auto names = store_.unfinished();
  if (names.empty()) co_return 0;
  std::vector<RunId> of;
  for (const auto& name : names) of.push_back(run::Receiver::run_of(name));
  std::set<RunId> active_ones;
  const auto known = co_await ledger_.look_at(std::move(of), milliseconds{0});
  for (const auto& seen : known)
    if (active(seen.run.status)) active_ones.insert(seen.run.id);
  std::erase_if(names, [&](const auto& name) { return active_ones.contains(run::Receiver::run_of(name)); });
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
    if (removed > 0) co_await ledger_.strike_files(std::move(gone), announced_too);
    count += static_cast<int>(removed);
    if (listed < page_size || removed == 0) co_return count;
  }
}

/// Another node may have erased or retired the recording, or this one while the file was on its way there.
Task<int> Caretaker::remove_quarantined() {
  const auto look = [this] {
    std::vector<RecordingId> of;
    for (const auto& name : store_.quarantined())
      if (auto blob = run::BlobName::parse(name)) of.push_back(std::move(blob->recording));
    return of;
  };
  auto of = co_await disk_.run(look);
  if (of.empty()) co_return 0;
  auto over = co_await ledger_.not_to_be_kept(std::move(of));
  if (over.empty()) co_return 0;
  const auto clear = [this, over = std::move(over)] { return clear_quarantine(store_, over); };
  co_return co_await disk_.run(clear);
}

/// Erased or replaced by another node, they may be open here, or still be sent as they arrived.
void Caretaker::withdraw(const std::vector<std::string>& blobs) {
  shelf_.withdraw(blobs);
  for (const auto& blob : blobs)
    if (const auto of = run::BlobName::parse(blob)) flights_.withdraw_file(of->recording, of->cycle);
}

}  // namespace onetake::stream
