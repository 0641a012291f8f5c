#include "stream/quarantine.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "run/blob_name.hpp"

namespace onetake::stream {

int clear_quarantine(blob::Store& store, std::span<const RecordingId> of) {
  int count = 0;
  for (const auto& name : store.quarantined()) {
    const auto blob = run::BlobName::parse(name);
    if (!blob || std::ranges::find(of, blob->recording) == of.end()) continue;
    store.remove_quarantined(name);
    ++count;
  }
  return count;
}

Quarantine::Quarantine(ledger::Ledger& ledger, blob::Store& store, Offload& disk, Shelf& shelf)
    : ledger_(ledger), store_(store), disk_(disk), shelf_(shelf) {}

Task<bool> Quarantine::take(ledger::Stored stored, std::string_view why) {
  const bool pointed = co_await ledger_.disown(stored.recording, stored.blob);
  if (!pointed) co_return false;
  shelf_.forget(stored.tenant, stored.call_sid, {stored.blob});
  log::error("blob.quarantined", "a published file is not what it was; the next Play brings the recording back",
             {{"tenant", stored.tenant.str()},
              {"call_sid", stored.call_sid.str()},
              {"recording", stored.recording.str()},
              {"blob", stored.blob},
              {"why", why}});
  metrics::add(metrics::Series::cache_quarantined, {why});
  const auto move = [this, blob = stored.blob] { return store_.quarantine(blob); };
  co_await disk_.run(move);
  std::vector<std::string> gone{stored.blob};  // or a sweep would take what comes back under this name for it
  co_await ledger_.strike_files(std::move(gone), false);
  co_return true;
}

}  // namespace onetake::stream
