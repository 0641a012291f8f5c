#pragma once

#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/units.hpp"

/// What the ledger knows of files: for those who evict, recover and check them.
namespace onetake::ledger {

/// A recording's published file.
struct Stored {
  RecordingId recording;
  TenantId tenant;
  CallSid call_sid;
  std::string blob;
  Bytes bytes = 0;
  std::string sha256;  ///< lower case hex
  WallTime played_at;  ///< 1970 where it has not been played
};

/// A published file of this node that has no durable copy yet, and what its copy is to be.
struct Uncopied {
  RecordingId recording;
  std::string blob;
  Bytes bytes = 0;
  std::string sha256;  ///< lower case hex
  std::string content_type;
};

struct Played {
  RecordingId recording;
  WallTime at;
};

/// Part of a walk over all recordings, in the order of their ids.
struct Stretch {
  std::vector<Stored> files;
  RecordingId last;  ///< where to go on; "" at the end
};

}  // namespace onetake::ledger
