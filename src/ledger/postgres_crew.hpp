#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ledger/postgres_session.hpp"
#include "ledger/waiting.hpp"

namespace onetake::ledger::pg {

/// Threads with a session each, and those who wait for one. Each takes whoever waits, up to `most`, and serves them
/// together; beside another that is at work, when half as many wait. Who has waited past its `until` is told that no
/// connection became free.
///
/// An `Item` has `until`, and `fail(std::exception_ptr)`.
template <class Item>
class Crew {
 public:
  using Serve = std::function<void(Session&, std::vector<Item>&)>;

  Crew(int threads, std::size_t most, const Target& target, Serve serve)
      : most_(most), serve_(std::move(serve)), waiting_(std::max<std::size_t>(1, most / 2)) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this, target] { work(target); });
    threads_.emplace_back([this] { dismiss(); });
  }
  /// Finishes what waits.
  ~Crew() {
    waiting_.end();
    for (auto& thread : threads_) thread.join();
  }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// Any thread.
  void add(Item item) { waiting_.add(std::move(item)); }

 private:
  void work(const Target& target) {
    Session session{target};
    for (auto items = waiting_.take(most_); !items.empty(); items = waiting_.take(most_)) {
      serve_(session, items);
      waiting_.done();
    }
  }

  void dismiss() {
    for (auto late = waiting_.take_late(); !late.empty(); late = waiting_.take_late())
      for (auto& item : late)
        item.fail(std::make_exception_ptr(Unavailable("ledger: no connection to the database became free in time")));
  }

  const std::size_t most_;
  const Serve serve_;
  Waiting<Item> waiting_;
  std::vector<std::thread> threads_;
};

}  // namespace onetake::ledger::pg
