#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/fd.hpp"
#include "simulator/request.hpp"

namespace onetake::simulator {

/// A raw connection, for the simulator's own tests: sees exactly what was sent and how the connection ended.
class Visitor {
 public:
  /// How a body ended: as promised; by FIN, early; by RST.
  enum class End { whole, fin, rst };

  struct Got {
    int status = 0;
    std::string head;
    std::string body;
    End end = End::whole;

    /// "" if there is none.
    [[nodiscard]] std::string header(std::string_view name) const {
      for (std::size_t at = head.find("\r\n"); at != std::string::npos; at = head.find("\r\n", at + 2)) {
        const auto colon = head.find(": ", at);
        if (colon == std::string::npos) break;
        if (equal_ignoring_case(std::string_view{head}.substr(at + 2, colon - at - 2), name))
          return head.substr(colon + 2, head.find("\r\n", colon) - colon - 2);
      }
      return {};
    }
  };

  explicit Visitor(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::system_error(errno, std::generic_category(), "connect");
    const timeval most{30, 0};  // a test that hangs fails instead
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
  }

  /// `target` may be a whole URL.
  void ask(std::string target, const std::vector<std::string>& headers = {}, const std::string& method = "GET") {
    if (target.starts_with("http://")) target.erase(0, target.find('/', 7));
    std::string text = method + ' ' + target + " HTTP/1.1\r\nHost: simulator\r\n";
    for (const auto& header : headers) text += header + "\r\n";
    text += "\r\n";
    method_ = method;
    if (::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()))
      throw std::system_error(errno, std::generic_category(), "send");
  }

  /// The head of the answer; `status` 0 if the connection ended instead.
  Got head() {
    Got got;
    std::size_t end = 0;
    while ((end = input_.find("\r\n\r\n")) == std::string::npos)
      if (!more(got)) return got;
    got.head = input_.substr(0, end + 2);
    input_.erase(0, end + 4);
    std::from_chars(got.head.data() + 9, got.head.data() + 12, got.status);
    return got;
  }

  /// The whole answer.
  Got answer() {
    Got got = head();
    if (got.status != 0 && method_ != "HEAD") body(got);
    return got;
  }

  /// What follows `got`'s head.
  void body(Got& got) {
    if (got.header("Transfer-Encoding") == "chunked") return chunks(got);
    const std::string length = got.header("Content-Length");
    const std::size_t promised = length.empty() ? ~std::size_t{0} : std::stoull(length);
    while (input_.size() < promised && more(got)) {
    }
    take(got, promised);
  }

  /// Exactly `n` more body bytes, of an answer that goes on.
  std::string some(std::size_t n) {
    Got got;
    while (input_.size() < n && more(got)) {
    }
    take(got, n);
    return got.body;
  }

  /// What came behind an answer, until the connection ended.
  std::string until_closed() {
    Got got;
    while (more(got)) {
    }
    return std::exchange(input_, {});
  }

  /// Whether a byte, or the end, is there now.
  [[nodiscard]] bool has_something() const {
    pollfd p{fd_.get(), POLLIN, 0};
    return !input_.empty() || ::poll(&p, 1, 0) > 0;
  }

 private:
  bool more(Got& got) {
    char buffer[65536];
    for (;;) {
      const auto n = ::recv(fd_.get(), buffer, sizeof buffer, 0);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) throw std::runtime_error("nothing came for 30 s");
      if (n <= 0) {
        got.end = n == 0 ? End::fin : End::rst;
        return false;
      }
      input_.append(buffer, static_cast<std::size_t>(n));
      return true;
    }
  }

  void take(Got& got, std::size_t n) {
    got.body += input_.substr(0, n);
    input_.erase(0, n);
  }

  void chunks(Got& got) {
    for (;;) {
      std::size_t line = 0;
      while ((line = input_.find("\r\n")) == std::string::npos)
        if (!more(got)) return;
      const std::size_t n = std::stoull(input_.substr(0, line), nullptr, 16);
      while (input_.size() < line + 2 + n + 2)
        if (!more(got)) {
          input_.erase(0, line + 2);
          return take(got, n);
        }
      input_.erase(0, line + 2);
      take(got, n);
      input_.erase(0, 2);
      if (n == 0) return;
    }
  }

  Fd fd_;
  std::string input_;
  std::string method_;
};

/// One request on a connection of its own.
inline Visitor::Got get(std::uint16_t port, const std::string& target, const std::vector<std::string>& headers = {}) {
  Visitor visitor{port};
  visitor.ask(target, headers);
  return visitor.answer();
}

}  // namespace onetake::simulator
