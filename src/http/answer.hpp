#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/task.hpp"
#include "base/units.hpp"
#include "blob/store.hpp"

namespace onetake::http {

/// What a streamed body writes to: the connection, on its loop.
class Out {
 public:
  virtual ~Out() = default;

  // False: the client is gone or too slow, and the body ends.

  /// Everything of `bytes`. With `more` the kernel holds it back for what follows at once.
  virtual Task<bool> send(std::string_view bytes, bool more) = 0;
  /// `length` bytes of the file from `offset`, from the page cache to the socket. Ends early, with a reset, once
  /// `withdrawn` is set.
  virtual Task<bool> send_file(int fd, Bytes offset, Bytes length, const std::atomic<bool>* withdrawn) = 0;
};

/// How a streamed body ended. A cut one ends the connection without a clean end of body.
enum class End { clean, cut };

/// A part of a published file.
struct FilePart {
  std::shared_ptr<const blob::Published> file;
  Bytes offset = 0;
  Bytes length = 0;
};

/// A body that comes as it comes. Without a length it is sent in chunks, `write` sending their contents, and to an
/// HTTP/1.0 client up to the end of the connection. Where `write` throws it is cut.
struct Streamed {
  std::optional<Bytes> length;
  std::move_only_function<Task<End>(Out&)> write;
  /// Are its first bytes here, so that the kernel may hold the head back for them? Else the head goes out alone.
  std::move_only_function<bool()> at_hand = [] { return true; };
};

/// A status, the fields that belong to it and a body. The session adds Date, Connection and the framing, and sends no
/// body in answer to HEAD.
struct Answer {
  int status = 200;
  std::string fields;  ///< "Name: value\r\n" each
  std::variant<std::monostate, std::string, std::string_view, FilePart, Streamed>
      body;  ///< views: for the process's life

  void add(std::string_view name, std::string_view value) {
    fields.append(name).append(": ").append(value).append("\r\n");
  }
};

std::string_view reason_phrase(int status);

void append_number(std::string& text, std::uint64_t number, int base = 10);

}  // namespace onetake::http
