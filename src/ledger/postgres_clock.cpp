#include "ledger/postgres_clock.hpp"

namespace onetake::ledger::pg {
namespace {

/// Clocks that nobody keeps in step drift apart by less than a millisecond in this time.
constexpr milliseconds good_for{10'000};
/// Between the clock on the wall and the monotonic one: more, and somebody has set the former.
constexpr milliseconds most_drift{50};

}  // namespace

bool ServerClock::known(WallTime ours, Deadline now) const {
  if (told_at_ == never || now - told_at_ > good_for) return false;
  return abs((ours - told_at_ours_) - floor<milliseconds>(now - told_at_)) <= most_drift;
}

void ServerClock::told(WallTime before, WallTime theirs, WallTime after, Deadline now) {
  if (theirs < before) {
    ahead_ = theirs - before;
  } else {
    ahead_ = theirs > after ? theirs - after : milliseconds{0};
  }
  told_at_ = now;
  told_at_ours_ = after;
}

}  // namespace onetake::ledger::pg
