#include "blob/growing.hpp"

#include <utility>

namespace onetake::blob {

Growing::Growing(Fd file) : file_(std::move(file)) {}

Growing::View Growing::view() const {
  const std::lock_guard lock{mutex_};
  return view_;
}

Setback Growing::cause() const {
  const std::lock_guard lock{mutex_};
  return cause_.value();
}

Task<result<Growing::View>> Growing::past(Bytes offset, Deadline deadline) {
  return until([](const View& view, Bytes at) { return view.watermark > at || view.final(); }, offset, deadline);
}

Task<result<Growing::View>> Growing::sized(Deadline deadline) {
  return until([](const View& view, Bytes) { return view.total.has_value() || view.final(); }, 0, deadline);
}

Task<result<Growing::View>> Growing::until(bool (*enough)(const View&, Bytes), Bytes offset, Deadline deadline) {
  std::unique_lock lock{mutex_};
  while (!enough(view_, offset)) {
    if (!co_await waiters_.wait(lock, deadline)) {
      if (enough(view_, offset)) break;
      co_return failed(Fault::request_timeout);
    }
  }
  co_return view_;
}

}  // namespace onetake::blob
