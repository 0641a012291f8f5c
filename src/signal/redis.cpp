#include "signal/redis.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>

#include "base/log.hpp"

namespace onetake::signal {
Redis::Redis(RedisAddress address, Timing timing, Changed changed)
    : address_(std::move(address)),
      timing_(timing),
      changed_(std::move(changed)),
      woken_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      thread_([this] { run(); }) {}

Redis::~Redis() {
  {
    const std::lock_guard lock{mutex_};
    ending_ = true;
  }
  wake();
  thread_.join();
}

Task<std::optional<Reply>> Redis::ask(Command command) {
  if (!here()) co_return std::nullopt;
  const auto deadline = in(timing_.answer);
  const auto start = [this, &command, deadline](Completion<Answer> completion) {
    if (!give({.command = std::move(command), .deadline = deadline, .completion = completion}))
      completion.set(std::nullopt);
  };
  co_return co_await completed<Answer>(start);
}

void Redis::tell(Command command) noexcept {
  try {
    give({.command = std::move(command), .deadline = in(timing_.answer), .completion = {}});
  } catch (const std::exception&) {
    return;  // no memory: it is a hint
  }
}

bool Redis::here() const {
  const std::lock_guard lock{mutex_};
  return here_;
}

bool Redis::give(Asked asked) {
  bool first = false;
  {
    const std::lock_guard lock{mutex_};
    if (!here_ || ending_) return false;
    first = waiting_.empty();
    waiting_.push_back(std::move(asked));
  }
  if (first) wake();
  return true;
}

void Redis::wake() const { ::eventfd_write(woken_.get(), 1); }

void Redis::answer(Asked& asked, Answer with) {
  if (asked.completion) asked.completion->set(std::move(with));
}

void Redis::run() {
  auto pause = timing_.probe;
  for (;;) {
    std::string why;
    auto since = Deadline::max();
    try {
      RedisConnection line{address_, timing_.connect};
      line.probe(in(timing_.answer / 2));
      since = Monotonic::now();
      enter(true, {});
      serve(line);
    } catch (const std::exception& error) {
      why = error.what();
    }
    // Before anybody is told: who is told and looks sees it away.
    enter(false, why);
    give_up();
    if (since != Deadline::max() && Monotonic::now() - since >= timing_.probe_at_most) pause = timing_.probe;
    const auto until = in(pause);
    pause = std::min(2 * pause, timing_.probe_at_most);
    for (;;) {
      {
        const std::lock_guard lock{mutex_};
        if (ending_) return;
      }
      const auto left = std::chrono::ceil<milliseconds>(until - Monotonic::now()).count();
      if (left <= 0) break;
      pollfd watched{.fd = woken_.get(), .events = POLLIN, .revents = 0};
      ::poll(&watched, 1, static_cast<int>(left));
      eventfd_t ignored = 0;
      ::eventfd_read(woken_.get(), &ignored);
    }
  }
}

void Redis::enter(bool here, const std::string& why) {
  {
    const std::lock_guard lock{mutex_};
    if (ending_ && !here) {  // nobody asked it to fail
      here_ = false;
      return;
    }
    here_ = here;
  }
  if (told_ == here) return;
  const bool was_away = told_ == false;
  told_ = here;
  if (!here) {
    log::warn("redis.unavailable", "going on without Redis", {{"redis", address_.shown()}, {"error", why}});
  } else if (was_away) {
    log::info("redis.available", "Redis is back", {{"redis", address_.shown()}});
  }
  if (changed_) changed_(here);
}

void Redis::give_up() {
  std::deque<Asked> waiting;
  {
    const std::lock_guard lock{mutex_};
    waiting.swap(waiting_);
  }
  for (auto* all : {&sent_, &waiting}) {
    for (auto& asked : *all) answer(asked, std::nullopt);
    all->clear();
  }
}

void Redis::take_waiting(RedisConnection& line) {
  std::deque<Asked> taken;
  {
    const std::lock_guard lock{mutex_};
    taken.swap(waiting_);
  }
  for (auto& asked : taken) {
    sent_.push_back(std::move(asked));
    line.append(sent_.back().command);
  }
}

/// Until it is lost (it throws), or we end.
void Redis::serve(RedisConnection& line) {
  auto sign_of_life = in(timing_.idle);
  for (;;) {
    {
      const std::lock_guard lock{mutex_};
      if (ending_) return;
    }
    eventfd_t ignored = 0;
    ::eventfd_read(woken_.get(), &ignored);
    take_waiting(line);
    if (sent_.empty() && Monotonic::now() >= sign_of_life) {
      sent_.push_back({.command = {"PING"}, .deadline = in(timing_.answer), .completion = {}});
      line.append(sent_.back().command);
    }
    const bool all_sent = line.flush();
    line.receive();
    while (auto reply = line.next()) {
      if (sent_.empty()) throw RedisLost{"an answer to nothing"};
      auto asked = std::move(sent_.front());
      sent_.pop_front();
      sign_of_life = in(timing_.idle);
      const bool unusable = says_unusable(*reply);
      const auto error = unusable ? reply->text : std::string{};
      if (unusable) {
        sent_.push_front(std::move(asked));  // told with the others, once it is away
        throw RedisLost{error};
      }
      const bool slow = Monotonic::now() >= asked.deadline - timing_.answer / 2;
      answer(asked, reply->kind == Reply::Kind::error ? Answer{} : std::move(reply));
      if (slow) throw RedisLost{"it answers slowly"};  // or everybody would wait almost as long
    }
    // Answers come in the order of the questions, and so do their deadlines.
    if (!sent_.empty() && Monotonic::now() >= sent_.front().deadline)
      throw RedisLost{"no answer within " + std::to_string(timing_.answer.count()) + " ms"};
    line.wait(!all_sent, woken_.get(), sent_.empty() ? sign_of_life : sent_.front().deadline);
  }
}

std::optional<std::string> what_is_wrong_with(const RedisAddress& address) {
  try {
    RedisConnection line{address, milliseconds{3'000}};
    line.probe(in(milliseconds{3'000}));
    return std::nullopt;
  } catch (const std::exception& error) {
    return address.shown() + ": " + error.what();
  }
}

}  // namespace onetake::signal
