#include "stream/settler.hpp"

#include <utility>

namespace onetake::stream {

Task<void> Settler::settle(TenantId tenant, CallSid call_sid, ledger::Leftovers left) {
  shelf_.forget(tenant, call_sid, left.blobs);
  worker_.cancel(left);
  if (left.blobs.empty()) co_return;
  const auto unlink = [this, blobs = std::move(left.blobs)] {
    for (const auto& blob : blobs) store_.remove(blob);
  };
  co_await disk_.run(unlink);
}

}  // namespace onetake::stream
