#include "recording/recording.hpp"

namespace onetake {

bool gone_at_provider(const Recording& recording) {
  return recording.state == State::gone && recording.run && recording.run->setback &&
         recording.run->setback->cause == Cause::gone;
}

std::string etag(const RecordingId& id, int cycle, int version) {
  return '"' + id.str() + '-' + std::to_string(cycle) + '-' + std::to_string(version) + '"';
}

}  // namespace onetake
