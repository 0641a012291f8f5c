#include "base/completion.hpp"

#include <boost/asio/post.hpp>

namespace onetake {

Task<void> Suspended::wait(std::move_only_function<void()> start) {
  co_await asio::async_initiate<decltype(use_task), void()>(
      [&](auto&& handler) {
        resume_ = [h = std::forward<decltype(handler)>(handler)]() mutable { std::move(h)(); };
        start();
      },
      use_task);
}

void Suspended::go_on(std::shared_ptr<Suspended> self) {
  auto& loop = self->loop_;
  asio::post(loop, [self = std::move(self)] { std::exchange(self->resume_, nullptr)(); });
}

}  // namespace onetake
