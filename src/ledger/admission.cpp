#include "ledger/admission.hpp"

namespace onetake::ledger {
namespace {

struct Asked {
  std::string_view name;
  Urgency urgency;
};

Asked asked(AskedBy by) {
  switch (by) {
    case AskedBy::play:
      return {"play", Urgency::play};
    case AskedBy::fetch:
      return {"fetch", Urgency::background};
    case AskedBy::retry:
      return {"retry", Urgency::retry};
  }
  return {};
}

}  // namespace

Verdict judge(const Recording& recording, const Play& play) {
  if (past_retention(recording, play.retention, play.now)) return {Found::gone, {}};
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

bool makes_urgent(const Recording& recording, const Play& play, const Verdict& verdict) {
  return verdict.found == Found::fetching && play.explicit_action && play.asked_by == AskedBy::play &&
         recording.run->urgency == Urgency::background;
}

NewRun new_run(const Recording& recording, const Play& play, const Verdict& verdict, RunId id) {
  // Where nothing has failed there is nothing to retry: such a run does not count as one.
  const auto by = asked(play.asked_by == AskedBy::retry && !verdict.again ? AskedBy::fetch : play.asked_by);
  Run run;
  run.id = std::move(id);
  run.recording = recording.id;
  run.call_sid = recording.call_sid;
  run.job_type = "fetch";
  run.cycle = recording.cycle + 1;
  run.max_attempts = play.max_attempts;
  run.created_at = play.now;
  run.urgency = by.urgency;
  if (play.claim) {
    run.status = RunStatus::running;
    run.attempt = 1;
    run.token = 1;
    run.started_at = play.now;
  } else {
    run.due_at = play.now;
  }
  return {std::move(run), by.name};
}

}  // namespace onetake::ledger
