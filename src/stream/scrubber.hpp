#pragma once

#include "base/offload.hpp"
#include "blob/store.hpp"
#include "ledger/ledger.hpp"
#include "stream/quarantine.hpp"

namespace onetake::stream {

/// Reads every published file again, at its leisure, and compares it with the checksum that it was published under: a
/// disk that has changed a byte is found before somebody hears it. What does not match goes into quarantine.
///
/// Reads on a thread of its own, of the lowest priority. Its coroutines live on one loop.
class Scrubber {
 public:
  struct Pace {
    Bytes portion = 1_MiB;          ///< read at a time,
    milliseconds pause{250};        ///< and then this long nothing: 4 MiB/s at most
    milliseconds between{600'000};  ///< the end of a round and the next
  };

  Scrubber(ledger::Ledger& ledger, blob::Store& store, Quarantine& quarantine, Pace pace);

  /// Round after round, for ever.
  Task<void> run();

  /// Every file that is published when it comes to it, once. Tells how many went into quarantine. Throws when the
  /// database is down.
  Task<int> round();

 private:
  Task<bool> examine(ledger::Stored stored);

  ledger::Ledger& ledger_;
  blob::Store& store_;
  Quarantine& quarantine_;
  const Pace pace_;
  Offload reading_{1};
};

}  // namespace onetake::stream
