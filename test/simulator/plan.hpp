#pragma once

#include <string>
#include <vector>

#include "simulator/answer.hpp"
#include "simulator/audio.hpp"
#include "simulator/request.hpp"

namespace onetake::simulator {

/// An answer worked out for one request: what to send, where to wait, how to end. Offsets are into `content`.
struct Plan {
  struct Stop {
    Bytes at;
    std::string barrier;
  };

  int status;
  std::string head;  ///< status line and headers, with the empty line
  Audio content;
  Span body;  ///< empty for HEAD
  Answer::Framing framing;
  std::vector<Stop> stops;  ///< in order of place; each within `body`
  Answer::End end;          ///< after the body; `clean` keeps the connection unless `close`
  bool close;
  Bytes bytes_per_second;  ///< 0: unpaced
};

/// `serial` makes tags that differ from request to request.
Plan plan(const Answer& answer, const Audio& recording, const Request& request, std::uint64_t serial);

/// "404 Not Found" and the like.
std::string status_text(int status);

}  // namespace onetake::simulator
