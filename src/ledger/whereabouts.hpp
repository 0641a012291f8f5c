#pragma once

#include <string>
#include <vector>

#include "base/ids.hpp"

namespace onetake::ledger {

/// Where a recording's audio is. A node is named by the URL under which the others reach it.
struct Whereabouts {
  RecordingId recording;
  std::string blob;                  ///< the published file; "" where there is none
  std::vector<std::string> holders;  ///< living nodes that hold it, the last to have played it first
  bool durable = false;              ///< there is a durable copy
  std::string fetching;              ///< the living node that runs the active run; "" where none does
};

}  // namespace onetake::ledger
