#pragma once

#include "durable/copies.hpp"
#include "ledger/ledger.hpp"

namespace onetake::stream {

/// Removes from the durable storage what nothing points to: copies of recordings that were erased, retired or replaced,
/// and what was begun and never finished. The ledger has one list of them for all nodes, and gives each to one of them
/// at a time; what could not be removed stands there until it can, and keeps nothing else from it. Any loop. Throws
/// when the database is down.
class Reaper {
 public:
  Reaper(ledger::Ledger& ledger, durable::Copies& copies) : ledger_(ledger), copies_(copies) {}

  /// Looks once; tells how many are gone now.
  Task<int> sweep();
  /// Uploads in parts that no living process goes on with: a page of the bucket's list a thousand, so seldom.
  Task<void> abort_forgotten();

 private:
  Task<std::vector<std::string>> remove_all(std::vector<std::string> blobs);

  ledger::Ledger& ledger_;
  durable::Copies& copies_;
  bool down_ = false;
};

}  // namespace onetake::stream
