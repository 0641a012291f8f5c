#pragma once

#include "ledger/ledger.hpp"

namespace onetake::ledger {

/// What a Play may do, judged by what is committed: the order of checks of a stream request, from "gone" on.
struct Verdict {
  Found found = Found::cold;  ///< `created` means: create it
  WallTime retry_at;          ///< cooling_down
  bool again = false;         ///< created: as a retry, unless there were too many
};

/// Pure. REQUIRES: nobody else can change the recording until the verdict is carried out.
Verdict judge(const Recording& recording, const Play& play);

/// So many retries of a recording are created in so long.
inline constexpr int most_retries = 3;
inline constexpr std::chrono::minutes retry_window{10};

/// What lies further ahead than this was written when the clock was ahead, and has been set back since: nothing waits
/// for such a moment to come again.
inline constexpr std::chrono::minutes clock_skew{1};

}  // namespace onetake::ledger
