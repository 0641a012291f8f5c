#include "stream/retention.hpp"

#include "base/log.hpp"

namespace onetake::stream {
namespace {

/// So many in one transaction: Plays wait behind it.
constexpr int at_once = 100;

}  // namespace

Task<int> Retention::sweep() {
  int count = 0;
  if (max_age_ == milliseconds{0}) co_return count;
  for (bool more = true; more;) {
    const auto retired = co_await ledger_.retire(max_age_, at_once, wall_now());
    for (const auto& each : retired) co_await settler_.settle(each.tenant, each.call_sid, each.leftovers);
    count += static_cast<int>(retired.size());
    more = std::ssize(retired) == at_once;
  }
  if (count > 0) log::info("recording.retired", "recordings past retention.max_age", {{"recordings", count}});
  co_return count;
}

}  // namespace onetake::stream
