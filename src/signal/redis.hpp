#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/completion.hpp"
#include "base/fd.hpp"
#include "signal/redis_connection.hpp"

namespace onetake::signal {

/// A Redis that may be away at any time, on one thread and one connection of its own.
///
///   phase   entered by                                           who asks
///   -----   --------------------------------------------------   -------------------------------------------
///   away    the start; a lost connection, an answer that is      is told so at once: nothing is sent
///           slow, a server that cannot write (READONLY, OOM, …)
///   here    a probe that could write, and was not slow           is answered, or told so within `Timing::answer`
///
/// So a Redis that fails costs those who wait for it just then one `Timing::answer`, and nobody anything afterwards.
/// Probes are made in the background, after waits that double while it keeps failing. Names are looked up while it is
/// away, when nobody waits. The log has `redis.unavailable`, or `redis.available`, once a change.
///
/// What is answered may be wrong: a Redis forgets, and a replica that was cut off does not know it.
class Redis {
 public:
  struct Timing {
    milliseconds answer{40};  ///< with what it takes to wake up, 50 ms in all; what takes half of it is slow
    milliseconds connect{1'000};
    milliseconds probe{500};             ///< the first wait
    milliseconds probe_at_most{30'000};  ///< who was here for so long begins with the first wait again
    milliseconds idle{5'000};            ///< without a command: it is asked for a sign of life
  };
  /// On Redis's thread: it is here, or away. Must not block.
  using Changed = std::function<void(bool here)>;

  explicit Redis(RedisAddress address) : Redis(std::move(address), Timing{}) {}
  Redis(RedisAddress address, Timing timing, Changed changed = {});
  /// Who still waits is told that it is away. The loops of those who wait still run.
  ~Redis();
  Redis(const Redis&) = delete;
  Redis& operator=(const Redis&) = delete;

  /// The answer, nothing where Redis is away or says that it failed. Any loop. Never throws.
  Task<std::optional<Reply>> ask(Command command);
  /// Sends it, if Redis is here, behind what was asked and told before. Any thread; does not wait.
  void tell(Command command) noexcept;

  /// Any thread.
  [[nodiscard]] bool here() const;

 private:
  using Answer = std::optional<Reply>;
  struct Asked {
    Command command;
    Deadline deadline;
    std::optional<Completion<Answer>> completion;  ///< nobody waits for what was told
  };

  void run();
  void serve(RedisConnection& line);
  void enter(bool here, const std::string& why);
  bool give(Asked asked);
  void take_waiting(RedisConnection& line);
  void give_up();
  void wake() const;
  static void answer(Asked& asked, Answer with);

  const RedisAddress address_;
  const Timing timing_;
  const Changed changed_;
  const Fd woken_;
  mutable std::mutex mutex_;
  bool here_ = false;
  bool ending_ = false;
  std::deque<Asked> waiting_;  ///< to be sent; empty while away
  // The thread's own.
  std::deque<Asked> sent_;
  std::optional<bool> told_;  ///< what the log says last
  std::thread thread_;
};

/// Reaches it as a server would: nothing where it can be used, else what is wrong, in a sentence. Blocks for seconds.
std::optional<std::string> what_is_wrong_with(const RedisAddress& address);

}  // namespace onetake::signal
