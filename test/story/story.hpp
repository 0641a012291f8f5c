#pragma once

#include <gmock/gmock.h>

#include "simulator/provider.hpp"
#include "story/server.hpp"

/// What the stories are told with: the imposter's words, the server, and what people hear.
namespace onetake::story {

using namespace std::chrono_literals;
using namespace onetake::simulator;
using testing::AllOf;
using testing::AnyOf;
using testing::Each;
using testing::Ge;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Le;
using testing::Not;
using testing::StartsWith;

/// The body has begun, has not ended, and every byte so far was right.
MATCHER(IsStillListening, "is still listening") {
  return (arg.status() == 200 || arg.status() == 206) && arg.standing() == Standing::arriving && !arg.wrong_at();
}

/// Every byte of it, in order, and a clean end.
MATCHER_P(HeardExactly, audio, "heard every byte") {
  return (arg.status() == 200 || arg.status() == 206) && arg.standing() == Standing::whole && arg.from() == 0 &&
         arg.heard() == audio.size() && !arg.wrong_at();
}

/// A part of it, in order, and a clean end.
MATCHER_P2(HeardFrom, first, size, "heard that part") {
  return arg.status() == 206 && arg.standing() == Standing::whole && arg.from() == static_cast<Bytes>(first) &&
         arg.heard() == static_cast<Bytes>(size) && !arg.wrong_at();
}

/// Heard a beginning, all of it right, then saw the connection break.
MATCHER_P(WasCutBefore, size, "was cut") {
  return (arg.status() == 200 || arg.status() == 206) && arg.standing() == Standing::cut &&
         arg.heard() < static_cast<Bytes>(size) && !arg.wrong_at();
}

MATCHER_P(IsAnswered, status, "") { return arg.status() == status; }

/// An answer: its status; its status and its problem's code; a field of it.
MATCHER_P(Has, status, "has status " + testing::PrintToString(status)) {
  return arg.status == status && arg.standing == Standing::whole;
}
MATCHER_P2(IsProblem, status, code, "is the problem " + std::string{code}) {
  return arg.status == status && arg.field("Content-Type") == "application/problem+json" && arg["/code"] == code &&
         arg["/type"] == "/problems/" + std::string{code} && arg["/status"] == std::to_string(status) &&
         !arg["/title"].empty() && !arg["/detail"].empty() && arg.field("Cache-Control") == "no-store";
}
MATCHER_P2(Says, name, value, "has the field " + std::string{name} + ": " + std::string{value}) {
  return arg.field(name) == value;
}

}  // namespace onetake::story
