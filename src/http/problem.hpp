#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "http/answer.hpp"

namespace onetake::http {

/// What more a problem may say.
struct About {
  std::optional<milliseconds> retry_after = {};
  int provider_status = 0;
};

/// The one function that turns a failure into HTTP: application/problem+json (RFC 9457).
Answer problem(const Failure& failure, const About& about = {});

std::string_view code_of(Fault fault);

/// docs/errors.md
std::string errors_page();

}  // namespace onetake::http
