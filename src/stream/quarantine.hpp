#pragma once

#include <span>
#include <string_view>

#include "base/offload.hpp"
#include "blob/store.hpp"
#include "ledger/ledger.hpp"
#include "stream/shelf.hpp"

namespace onetake::stream {

/// Removes what lies in quarantine of these recordings. Blocks on the disk.
int clear_quarantine(blob::Store& store, std::span<const RecordingId> of);

/// Where published files go that are not what they were when they were published. Of a recording that is erased,
/// replaced or retired nothing stays there. Any loop.
class Quarantine {
 public:
  Quarantine(ledger::Ledger& ledger, blob::Store& store, Offload& disk, Shelf& shelf);

  /// This node's file is no more: the next Play has the recording from its durable copy or another node, or fetches it
  /// again; whoever is being sent the file is cut, and the file is moved out of the way. False, and nothing happens,
  /// when the recording does not point to it any more. `why` is a label: missing, size, checksum, unreadable. Throws
  /// when the database is down.
  Task<bool> take(ledger::Stored stored, std::string_view why);

 private:
  ledger::Ledger& ledger_;
  blob::Store& store_;
  Offload& disk_;
  Shelf& shelf_;
};

}  // namespace onetake::stream
