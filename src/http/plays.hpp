#pragma once

#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.hpp"

namespace onetake::http {

/// Counts the stream requests of each press of Play (the query's `play=<uuid>`), for
/// `onetake_stream_requests_per_play`. A press is observed once, `settle` after its first request. Any thread.
class Plays {
 public:
  explicit Plays(std::size_t most = 100'000, milliseconds settle = milliseconds{60'000})
      : most_(most), settle_(settle) {}

  /// Another id than these many is not counted: an operator's number must not be a way to fill the memory.
  void count(std::string_view play, Deadline now);
  /// Observes the presses that have settled.
  void settle(Deadline now);

 private:
  struct First {
    Deadline at;
    std::string play;
  };

  const std::size_t most_;
  const milliseconds settle_;
  std::mutex mutex_;
  std::unordered_map<std::string, int> counts_;
  std::deque<First> order_;
};

}  // namespace onetake::http
