#include "recording/recording.hpp"

namespace onetake {

bool gone_at_provider(const Recording& recording) {
  return recording.state == State::gone && recording.run && recording.run->setback &&
         recording.run->setback->cause == Cause::gone;
}

bool past_retention(const Recording& recording, milliseconds max_age, WallTime now) {
  return max_age > milliseconds{0} &&
         now >= recording.registered.started_at.value_or(recording.registered_at) + max_age;
}

std::string etag(const RecordingId& id, int cycle, int version) {
  return '"' + id.str() + '-' + std::to_string(cycle) + '-' + std::to_string(version) + '"';
}

}  // namespace onetake
