#pragma once

#include <string>
#include <vector>

#include "base/ids.hpp"
#include "recording/recording.hpp"

namespace onetake::ledger {

/// Where a recording's audio is. Other nodes stand here by the URL under which they are reached.
struct Whereabouts {
  RecordingId recording;
  std::string blob;                  ///< the published file; "" where there is none
  bool here = false;                 ///< this node holds it
  std::vector<std::string> holders;  ///< other living nodes that hold it, the last to have played it first
  bool durable = false;              ///< there is a durable copy
  std::string fetching;              ///< the other living node that has the active run in hand; "" for none, or this
};

/// A run as somebody sees it who does not work on it.
struct Seen {
  Run run;
  std::string node;  ///< the other living node that has it in hand; "" for none, or for this one
};

}  // namespace onetake::ledger
