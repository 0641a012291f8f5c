#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/verify.hpp"
#include "base/clock.hpp"
#include "durable/copies.hpp"

namespace onetake::app {

/// Compares the durable copies that the ledger tells of with those that lie in the storage, both page by page in the
/// order of their names: nothing of either is held. Sizes only, for what a copy holds is checked by whoever reads it.
/// What changes meanwhile is asked for again before it is reported. Tells how many the storage has. Errors: the
/// database's own words, or the storage's.
Answer<std::int64_t> verify_copies(const AskLedger& ask, int page_size, const ListCopies& list, WallTime now,
                                   const std::function<void(Violation)>& report);

}  // namespace onetake::app
