#include "ledger/admission.hpp"

namespace onetake::ledger {
namespace {

bool past_retention(const Recording& recording, const Play& play) {
  if (play.retention == milliseconds{0}) return false;
  return play.now >= recording.registered.started_at.value_or(recording.registered_at) + play.retention;
}

}  // namespace

Verdict judge(const Recording& recording, const Play& play) {
  if (past_retention(recording, play)) return {Found::gone, {}};
  if (play.explicit_action && play.asked_by == AskedBy::retry)
    if (recording.state == State::failed || gone_at_provider(recording)) return {Found::created, {}, true};
  if (recording.state == State::gone) return {Found::gone, {}};
  if (recording.state == State::ready) return {Found::ready, {}};
  if (recording.state == State::fetching) return {Found::fetching, {}};
  if (recording.state == State::failed && recording.run && recording.run->completed_at) {
    const auto failed_at = *recording.run->completed_at;
    const auto retry_at = failed_at + play.failure_cooldown;
    if (failed_at <= play.now + clock_skew && play.now < retry_at) return {Found::cooling_down, retry_at};
  }
  return {play.explicit_action ? Found::created : Found::cold, {}};
}

}  // namespace onetake::ledger
