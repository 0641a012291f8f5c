#pragma once

#include <optional>

#include "base/clock.hpp"

namespace onetake {

/// Exponential backoff with full jitter: uniform between 0 and min(most, first * 2^n), so that a crowd that failed
/// together does not come back together. Never less than what the provider asked for.
/// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
milliseconds backoff(int setbacks, milliseconds first, milliseconds most, std::optional<milliseconds> asked,
                     double uniform);

/// A number in [0, 1). Any thread.
double uniform();

}  // namespace onetake
