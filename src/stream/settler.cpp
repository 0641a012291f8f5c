#include "stream/settler.hpp"

#include <tuple>
#include <utility>

#include "stream/quarantine.hpp"

namespace onetake::stream {
namespace {

/// Somebody waits for the answer.
constexpr milliseconds storage_patience{2'000};

}  // namespace

Task<void> Settler::settle(TenantId tenant, CallSid call_sid, ledger::Leftovers left) {
  shelf_.forget(tenant, call_sid, left.blobs);
  worker_.cancel(left);
  if (left.blobs.empty() && left.recordings.empty()) co_return;
  const auto unlink = [this, left = std::move(left)] {
    for (const auto& blob : left.blobs) store_.remove(blob);
    std::vector<RecordingId> dropped;
    for (const auto& each : left.recordings) dropped.push_back(each.recording);
    clear_quarantine(store_, dropped);
  };
  co_await disk_.run(unlink);
}

Task<void> Settler::settle_everywhere(TenantId tenant, CallSid call_sid, ledger::Leftovers left) {
  const auto blobs = left.blobs;
  co_await settle(std::move(tenant), std::move(call_sid), std::move(left));
  if (copies_ == nullptr) co_return;
  const durable::Until until{.deadline = in(storage_patience)};
  for (const auto& blob : blobs) std::ignore = co_await copies_->remove(blob, until);
}

}  // namespace onetake::stream
