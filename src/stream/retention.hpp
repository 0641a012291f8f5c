#pragma once

#include "ledger/ledger.hpp"
#include "stream/settler.hpp"

namespace onetake::stream {

/// Takes away the audio of recordings that have outlived `retention.max_age`. That they are gone is told from the
/// boundary on, by whoever is asked (`Streams`); this is what frees the disk. Metadata stay. One loop.
class Retention {
 public:
  Retention(ledger::Ledger& ledger, Settler& settler, milliseconds max_age)
      : ledger_(ledger), settler_(settler), max_age_(max_age) {}

  /// Looks once, in portions; tells how many were taken away. Nothing where everything is kept for ever. Throws when
  /// the database is down.
  Task<int> sweep();

 private:
  ledger::Ledger& ledger_;
  Settler& settler_;
  const milliseconds max_age_;
};

}  // namespace onetake::stream
