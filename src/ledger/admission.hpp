#pragma once

#include "ledger/ledger.hpp"

namespace onetake::ledger {

/// What a Play may do, judged by what is committed: the order of checks of a stream request, from "gone" on.
struct Verdict {
  Found found = Found::cold;  ///< `created` means: create it
  WallTime retry_at;          ///< cooling_down
  bool again = false;         ///< created: as a retry, unless there were too many
};

/// Pure. REQUIRES: nobody else can change the recording until the verdict is carried out, or whoever carries it out
/// looks again at its cycle and its state.
Verdict judge(const Recording& recording, const Play& play);

/// A press of Play has met a run that was only to make the recording ready: it is urgent now.
bool makes_urgent(const Recording& recording, const Play& play, const Verdict& verdict);

/// So many retries of a recording are created in so long.
inline constexpr int most_retries = 3;
inline constexpr std::chrono::minutes retry_window{10};

/// What lies further ahead than this was written when the clock was ahead, and has been set back since: nothing waits
/// for such a moment to come again.
inline constexpr std::chrono::minutes clock_skew{1};

/// The run that a verdict of `created` asks for; its cycle is the recording's next. Claimed where the Play claims.
struct NewRun {
  Run run;
  std::string_view asked_by;  ///< of the column
};
NewRun new_run(const Recording& recording, const Play& play, const Verdict& verdict, RunId id);

}  // namespace onetake::ledger
