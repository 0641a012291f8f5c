#pragma once

#include "base/offload.hpp"
#include "blob/store.hpp"
#include "ledger/ledger.hpp"
#include "run/flights.hpp"
#include "stream/shelf.hpp"

namespace onetake::stream {

/// Removes the files that nothing points to, temporaries of runs that have ended, and what lies in quarantine of
/// recordings that are no more. The ledger has a list of the
/// former, so it costs what there is to remove and what is under way, and not what is kept. Any loop. Throws when the
/// database is down; a file that the disk does not give up stays on the list.
class Caretaker {
 public:
  Caretaker(ledger::Ledger& ledger, blob::Store& store, Offload& disk, run::Flights& flights, Shelf& shelf);

  /// On start, before anything is fetched: nobody can be about to point to a file that has been announced. Tells how
  /// many files are gone now.
  Task<int> recover() { return tidy(true); }
  /// From time to time: what was erased, replaced or given up and, by a crash or a fault of the disk, is still there;
  /// what an earlier life has left of a run that was cancelled since.
  Task<int> sweep() { return tidy(false); }

 private:
  Task<int> tidy(bool announced_too);
  Task<int> remove_unfinished();
  Task<int> remove_loose(bool announced_too);
  Task<int> remove_quarantined();
  void withdraw(const std::vector<std::string>& blobs);

  ledger::Ledger& ledger_;
  blob::Store& store_;
  Offload& disk_;
  run::Flights& flights_;
  Shelf& shelf_;
};

}  // namespace onetake::stream
