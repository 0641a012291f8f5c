#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "signal/redis_address.hpp"

struct redisContext;
struct redisReply;

namespace onetake::signal {

/// A command and its arguments; any bytes.
using Command = std::vector<std::string>;

/// What Redis answers (https://redis.io/docs/latest/develop/reference/protocol-spec/, version 2).
struct Reply {
  enum class Kind { nothing, text, list, error };
  Kind kind = Kind::nothing;
  std::string text = {};          ///< also numbers and statuses
  std::vector<Reply> items = {};  ///< of a list
};

/// The connection is gone, or what answers there is no use to us: READONLY, LOADING, OOM and the like.
class RedisLost : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One connection to one server, over hiredis. One thread at a time. Everything throws RedisLost, after which the
/// connection is of no further use; nothing waits but the constructor, `ask`, `probe` and `wait`.
class RedisConnection {
 public:
  /// Connects, logs in and chooses the database. Each step takes at most `patience`, save that the system's look-up of
  /// the name takes as long as it takes.
  RedisConnection(const RedisAddress& address, milliseconds patience);

  /// To be sent by `flush`.
  void append(const Command& command);
  /// Sends what can be sent without waiting; false: more is left.
  bool flush();
  /// Takes what has arrived, without waiting.
  void receive();
  [[nodiscard]] int fd() const;
  /// The next whole answer of those that were received.
  std::optional<Reply> next();

  /// Sends one command and waits for its answer, which is not an error. REQUIRES: no answer is outstanding.
  Reply ask(const Command& command, Deadline deadline);
  /// Can it write, and answer in time? A read would also be answered by a server that is read-only, or full.
  void probe(Deadline deadline);

  /// Suspends the thread until there is something to receive (or, with `writing`, room to send), `other_fd` is
  /// readable, or the deadline. -1 is no other.
  void wait(bool writing, int other_fd, Deadline deadline) const;

 private:
  struct Free {
    void operator()(redisContext* context) const;
  };
  [[noreturn]] void lost() const;

  std::unique_ptr<redisContext, Free> context_;
};

/// The server says that it can do nothing of ours now, or not for us.
bool says_unusable(const Reply& reply);

}  // namespace onetake::signal
