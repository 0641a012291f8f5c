#pragma once

#include "ledger/ledger.hpp"

namespace onetake::ledger {

/// What a Play may do, judged by what is committed: the order of checks of a stream request, from "gone" on.
struct Verdict {
  Found found = Found::cold;  ///< `created` means: create it
  WallTime retry_at;          ///< cooling_down
};

/// Pure. REQUIRES: nobody else can change the recording until the verdict is carried out.
Verdict judge(const Recording& recording, const Play& play);

}  // namespace onetake::ledger
