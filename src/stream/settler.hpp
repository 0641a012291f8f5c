#pragma once

#include "base/offload.hpp"
#include "blob/store.hpp"
#include "durable/copies.hpp"
#include "ledger/ledger.hpp"
#include "run/worker.hpp"
#include "stream/shelf.hpp"

namespace onetake::stream {

/// What is to be done after a change is committed and before it is answered: nobody is sent what is no more, its runs
/// stop, and the disk has it no more. Any loop.
class Settler {
 public:
  /// `copies` may be null: then nothing is durable.
  Settler(Shelf& shelf, run::Worker& worker, blob::Store& store, Offload& disk, durable::Copies* copies = nullptr)
      : shelf_(shelf), worker_(worker), store_(store), disk_(disk), copies_(copies) {}

  /// Throws what the disk throws; a file that it does not give up stands in the ledger's list of loose ones.
  Task<void> settle(TenantId tenant, CallSid call_sid, ledger::Leftovers left);
  /// And the storage has it no more, where it answers soon: somebody waits for every copy to be gone. What it does not
  /// give up stands in the ledger's list.
  Task<void> settle_everywhere(TenantId tenant, CallSid call_sid, ledger::Leftovers left);

 private:
  Shelf& shelf_;
  run::Worker& worker_;
  blob::Store& store_;
  Offload& disk_;
  durable::Copies* const copies_;
};

}  // namespace onetake::stream
