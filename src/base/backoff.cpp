#include "base/backoff.hpp"

#include <algorithm>
#include <cmath>
#include <random>

namespace onetake {

milliseconds backoff(int setbacks, milliseconds first, milliseconds most, std::optional<milliseconds> asked,
                     double uniform) {
  const double ceiling = std::min(static_cast<double>(most.count()),
                                  static_cast<double>(first.count()) * std::exp2(std::clamp(setbacks - 1, 0, 40)));
  const milliseconds chosen{static_cast<std::int64_t>(ceiling * uniform)};
  return std::max(chosen, asked.value_or(milliseconds{0}));
}

double uniform() {
  thread_local std::mt19937_64 engine{std::random_device{}()};
  return std::uniform_real_distribution<double>{}(engine);
}

}  // namespace onetake
