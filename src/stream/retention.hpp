#pragma once

#include "base/offload.hpp"
#include "blob/store.hpp"
#include "ledger/ledger.hpp"
#include "run/worker.hpp"
#include "stream/streams.hpp"

namespace onetake::stream {

/// Takes away the audio of recordings that have outlived `retention.max_age`. That they are gone is told from the
/// boundary on, by whoever is asked (`Streams`); this is what frees the disk. Metadata stay. One loop.
class Retention {
 public:
  Retention(ledger::Ledger& ledger, Streams& streams, run::Worker& worker, blob::Store& store, Offload& disk,
            milliseconds max_age)
      : ledger_(ledger), streams_(streams), worker_(worker), store_(store), disk_(disk), max_age_(max_age) {}

  /// Looks once, in portions; tells how many were taken away. Nothing where everything is kept for ever. Throws when
  /// the database is down.
  Task<int> sweep();

 private:
  Task<void> settle(ledger::Retired retired);

  ledger::Ledger& ledger_;
  Streams& streams_;
  run::Worker& worker_;
  blob::Store& store_;
  Offload& disk_;
  const milliseconds max_age_;
};

}  // namespace onetake::stream
