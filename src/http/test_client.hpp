#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <map>
#include <string>
#include <string_view>

#include "base/fd.hpp"

namespace onetake::http::test {

/// How a connection ended, as its client sees it.
enum class Closed { cleanly, reset, not_yet };

struct Reply {
  int status = 0;
  std::map<std::string, std::string> fields;  ///< names as sent
  std::string body;
  bool whole = false;  ///< the body came to the end that its framing promises

  [[nodiscard]] std::string field(const std::string& name) const {
    const auto found = fields.find(name);
    return found == fields.end() ? "" : found->second;
  }
};

/// The other side of a connection: a blocking socket. Whoever waits 30 s in vain gets nothing, and the test fails.
class Client {
 public:
  explicit Client(Fd fd) : fd_(std::move(fd)) {
    const timeval patience{.tv_sec = 30, .tv_usec = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const int on = 1;
    ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }

  /// `receive_buffer` makes the window small: 0 leaves it.
  static Client connect(std::uint16_t port, int receive_buffer = 0) {
    Fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (receive_buffer > 0) ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return Client{std::move(fd)};
  }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n < 0) return;  // what was answered tells
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  void send_byte_by_byte(std::string_view bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) send(bytes.substr(i, 1));
  }

  /// One more answer; `to_head` says that it has no body.
  Reply reply(bool to_head = false) {
    Reply reply;
    const auto end = until("\r\n\r\n");
    if (end == std::string::npos) return reply;
    const auto head = take(end);
    std::from_chars(head.data() + 9, head.data() + 12, reply.status);
    for (auto at = head.find("\r\n") + 2; at < head.size() - 2;) {
      const auto line_end = head.find("\r\n", at);
      const auto colon = head.find(": ", at);
      reply.fields[head.substr(at, colon - at)] = head.substr(colon + 2, line_end - colon - 2);
      at = line_end + 2;
    }
    if (to_head || reply.status < 200 || reply.status == 204 || reply.status == 304) {
      reply.whole = true;
    } else if (reply.field("Transfer-Encoding") == "chunked") {
      read_chunks(reply);
    } else if (const auto length = reply.field("Content-Length"); !length.empty()) {
      reply.body = exactly(std::stoull(length));
      reply.whole = reply.body.size() == std::stoull(length);
    } else {
      reply.whole = closed() == Closed::cleanly;
      reply.body = std::exchange(input_, {});
    }
    return reply;
  }

  /// Up to `count` bytes, fewer when the connection ends before.
  std::string exactly(std::size_t count) {
    while (input_.size() < count && more()) {
    }
    return take(std::min(count, input_.size()));
  }

  /// Reads up to the end and tells what it was like.
  Closed closed() {
    while (more()) {
    }
    return closed_;
  }
  [[nodiscard]] const std::string& unread() const { return input_; }

  void shut_down_writing() { ::shutdown(fd_.get(), SHUT_WR); }

 private:
  bool more() {
    if (closed_ != Closed::not_yet) return false;  // after a reset the next read says "end"
    char buffer[16'384];
    const auto n = ::recv(fd_.get(), buffer, sizeof buffer, 0);
    if (n > 0) {
      input_.append(buffer, static_cast<std::size_t>(n));
      return true;
    }
    if (n == 0) closed_ = Closed::cleanly;
    if (n < 0 && (errno == ECONNRESET || errno == EPIPE)) closed_ = Closed::reset;
    return false;
  }
  /// Where the first `mark` ends.
  std::size_t until(std::string_view mark) {
    for (;;) {
      if (const auto at = input_.find(mark); at != std::string::npos) return at + mark.size();
      if (!more()) return std::string::npos;
    }
  }
  std::string take(std::size_t count) {
    auto taken = input_.substr(0, count);
    input_.erase(0, count);
    return taken;
  }
  void read_chunks(Reply& reply) {
    for (;;) {
      const auto line_end = until("\r\n");
      if (line_end == std::string::npos) return;
      const auto line = take(line_end);
      std::size_t size = 0;
      std::from_chars(line.data(), line.data() + line.size(), size, 16);
      const auto data = exactly(size);
      reply.body += data;
      if (data.size() < size || exactly(2) != "\r\n") return;
      if (size == 0) {
        reply.whole = true;
        return;
      }
    }
  }

  Fd fd_;
  std::string input_;
  Closed closed_ = Closed::not_yet;
};

}  // namespace onetake::http::test
