#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "story/reader.hpp"

namespace onetake::story {

/// A test that hangs fails instead.
inline constexpr std::chrono::seconds patience{60};

Fd connect_to(std::uint16_t port);

/// An answer, with its body.
struct Got {
  int status = 0;  ///< 0: none came
  std::string head;
  std::string body;
  Standing standing = Standing::awaited;

  [[nodiscard]] std::string field(std::string_view name) const;
  /// What stands at a JSON pointer in the body: a string's text, anything else as JSON; "" where there is nothing.
  [[nodiscard]] std::string operator[](std::string_view pointer) const;
};

/// For messages.
std::ostream& operator<<(std::ostream& out, const Got& got);

/// A connection as a client has it that waits for each answer: sends what it is given, to the byte.
class Connection {
 public:
  explicit Connection(std::uint16_t port) : fd_(connect_to(port)) {}

  void send(std::string_view bytes);
  /// The next answer, whole or cut. Throws when nothing comes for `patience`.
  Got answer(bool to_head_request = false);
  /// Waits until the server ends the connection, and returns what came before that.
  std::string until_closed();

 private:
  /// False: the connection has ended.
  bool more();

  Fd fd_;
  std::string input_;
  bool by_reset_ = false;
};

}  // namespace onetake::story
