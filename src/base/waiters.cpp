#include "base/waiters.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <utility>
#include <vector>

namespace onetake {

Task<bool> Waiters::wait(std::unique_lock<std::mutex>& lock, Deadline deadline) {
  if (deadline <= Monotonic::now()) co_return false;  // who only looks does not wait for a tick
  const Executor executor = co_await asio::this_coro::executor;
  Wait wait{*this, Loop::of(executor)};
  wait.deadline = deadline;
  if (deadline != never) wait.loop_.watch(wait);
  // The waker posts to this loop, whose thread is busy here until the coroutine is suspended: nothing resumes too
  // early.
  const bool woken = co_await asio::async_initiate<decltype(use_task), void(bool)>(
      [&](auto&& handler) {
        wait.resume_ = [h = std::forward<decltype(handler)>(handler)](bool by_wake) mutable { std::move(h)(by_wake); };
        waiting_.push_back(wait);
        lock.unlock();
      },
      use_task);
  lock.lock();
  co_return woken;
}

void Waiters::wake_all() {
  if (waiting_.empty()) return;
  struct Chain {
    Loop* loop;
    Wait* first;
  };
  std::vector<Chain> chains;  // one a loop: as many as there are cores
  while (!waiting_.empty()) {
    Wait& wait = waiting_.back();  // from the back, so that each chain resumes in the order of arrival
    waiting_.pop_back();
    auto chain = chains.begin();
    while (chain != chains.end() && chain->loop != &wait.loop_) ++chain;
    if (chain == chains.end()) chain = chains.insert(chain, Chain{&wait.loop_, nullptr});
    wait.next_ = chain->first;
    chain->first = &wait;
  }
  for (const auto& chain : chains) {
    asio::post(*chain.loop, [first = chain.first] {
      for (Wait* wait = first; wait != nullptr;) {
        Wait* const next = wait->next_;  // resuming ends the frame that `wait` lies on
        auto resume = std::move(wait->resume_);
        resume(true);
        wait = next;
      }
    });
  }
}

void Waiters::Wait::on_deadline() {
  {
    const std::lock_guard lock{owner_.mutex_};
    using Hook = boost::intrusive::list_base_hook<boost::intrusive::tag<Waiters>>;
    if (!static_cast<Hook&>(*this).is_linked()) return;  // a waker has it: its post is under way
    owner_.waiting_.erase(owner_.waiting_.iterator_to(*this));
  }
  static_cast<boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>&>(*this)
      .unlink();
  asio::post(loop_, [resume = std::move(resume_)]() mutable { resume(false); });
}

}  // namespace onetake
