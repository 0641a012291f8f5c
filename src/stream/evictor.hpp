#pragma once

#include <memory>
#include <mutex>

#include "base/offload.hpp"
#include "base/waiters.hpp"
#include "blob/store.hpp"
#include "ledger/ledger.hpp"
#include "run/flights.hpp"
#include "stream/shelf.hpp"

namespace onetake::stream {

/// Makes room for what is to be fetched, by giving up published recordings: the least recently played first, and never
/// one that somebody is being sent. What is given up is `remote`, and the next Play begins another cycle; or it is
/// durable, stays ready, and comes back from its copy. Any loop.
class Evictor {
 public:
  Evictor(ledger::Ledger& ledger, blob::Store& store, Offload& disk, run::Flights& flights, Shelf& shelf);

  /// True when there is room for `bytes` more. Gives nothing up where it would not help: for more than could ever fit.
  /// What has to go goes in portions (`Space::headroom`), so that most fetches find room at once. Callers take turns.
  Task<bool> make_room(Bytes bytes);

  /// Tells the ledger what the shelf has seen played since the last time: nobody's Play waits for that. False: nothing.
  /// Throws when the database is down.
  Task<bool> note_plays();

 private:
  class Turn;
  Task<Turn> turn();
  Task<void> give_up(Bytes enough);
  Task<void> evict(const ledger::Stored& stored);

  ledger::Ledger& ledger_;
  blob::Store& store_;
  Offload& disk_;
  run::Flights& flights_;
  Shelf& shelf_;
  std::mutex mutex_;
  Waiters waiters_{mutex_};  ///< for `busy_`
  bool busy_ = false;
};

}  // namespace onetake::stream
