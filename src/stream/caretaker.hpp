#pragma once

#include "base/offload.hpp"
#include "blob/store.hpp"
#include "ledger/ledger.hpp"

namespace onetake::stream {

/// Removes the files that nothing points to. The ledger has a list of them, so it costs what there is to remove and not
/// what is kept. Any loop. Throws when the database is down; a file that the disk does not give up stays on the list.
class Caretaker {
 public:
  Caretaker(ledger::Ledger& ledger, blob::Store& store, Offload& disk);

  /// On start, before anything is fetched: nobody can be about to point to a file that has been announced. Tells how
  /// many files were on the list and are gone now.
  Task<int> recover() { return remove_loose(true); }
  /// From time to time: what was erased, replaced or given up and, by a crash or a fault of the disk, is still there.
  Task<int> sweep() { return remove_loose(false); }

 private:
  Task<int> remove_loose(bool announced_too);

  ledger::Ledger& ledger_;
  blob::Store& store_;
  Offload& disk_;
};

}  // namespace onetake::stream
