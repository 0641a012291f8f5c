#include "http/plays.hpp"

#include "base/metrics.hpp"

namespace onetake::http {

void Plays::count(std::string_view play, Deadline now) {
  if (play.empty() || play.size() > 64) return;
  const std::lock_guard lock{mutex_};
  const auto found = counts_.find(std::string{play});
  if (found != counts_.end()) {
    ++found->second;
  } else if (counts_.size() < most_) {
    counts_.emplace(play, 1);
    order_.push_back({now, std::string{play}});
  }
}

void Plays::settle(Deadline now) {
  const std::lock_guard lock{mutex_};
  while (!order_.empty() && order_.front().at + settle_ <= now) {
    const auto found = counts_.find(order_.front().play);
    metrics::observe(metrics::Series::stream_requests_per_play, found->second);
    counts_.erase(found);
    order_.pop_front();
  }
}

}  // namespace onetake::http
