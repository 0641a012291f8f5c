#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/fd.hpp"

namespace onetake::http::test {

/// What another node does with one connection: reads a request's head, says `text`, and ends the connection.
struct Says {
  std::string text;
  bool waits = false;     ///< for the other side to end it
  std::string rest = {};  ///< said `after` so long
  milliseconds after{0};
};

/// Another node: does as it is told, one connection after the other, and refuses those that it was not told of.
class Node {
 public:
  explicit Node(Says says) : Node(std::vector<Says>{std::move(says)}) {}
  /// `again`: the last one, for whoever comes then.
  explicit Node(std::vector<Says> steps, bool again = false)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(socket_.get(), 16) != 0 ||
        ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("no socket");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread{[this, steps = std::move(steps), again] {
      for (std::size_t i = 0; i < steps.size() || again; ++i)
        if (!serve(steps.at(std::min(i, steps.size() - 1)))) break;
      ::shutdown(socket_.get(), SHUT_RDWR);
    }};
  }
  ~Node() {
    ::shutdown(socket_.get(), SHUT_RDWR);  // nobody comes any more
    thread_.join();
  }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  /// The heads of the requests that came.
  [[nodiscard]] std::vector<std::string> asked() const {
    const std::lock_guard lock{mutex_};
    return asked_;
  }

 private:
  /// False: nobody comes any more.
  bool serve(const Says& says) {
    const Fd client{::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (!client) return false;
    std::string buffer(4096, '\0');
    std::string head;
    while (head.find("\r\n\r\n") == std::string::npos) {
      const auto n = ::read(client.get(), buffer.data(), buffer.size());
      if (n <= 0) return true;
      head.append(buffer, 0, static_cast<std::size_t>(n));
    }
    {
      const std::lock_guard lock{mutex_};
      asked_.push_back(std::move(head));
    }
    if (!send(client, says.text)) return true;
    if (!says.rest.empty()) {
      std::this_thread::sleep_for(says.after);  // the slowness itself
      if (!send(client, says.rest)) return true;
    }
    while (says.waits && ::read(client.get(), buffer.data(), buffer.size()) > 0) {
    }
    return true;
  }
  static bool send(const Fd& client, const std::string& text) {
    return ::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL) == std::ssize(text);
  }

  Fd socket_;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> asked_;
  std::thread thread_;
};

}  // namespace onetake::http::test
