#include "recording/recording.hpp"

namespace onetake {

std::string etag(const RecordingId& id, int cycle, int version) {
  return '"' + id.str() + '-' + std::to_string(cycle) + '-' + std::to_string(version) + '"';
}

}  // namespace onetake
