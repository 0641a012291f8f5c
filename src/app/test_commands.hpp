#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "base/fd.hpp"

namespace onetake::app {

/// What a command printed, and how it ended.
struct Said {
  int status;
  std::string out;
  std::string err;
};

template <class Command>
Said run(Command command) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int status = command();
  std::string out = testing::internal::GetCapturedStdout();
  return {status, std::move(out), testing::internal::GetCapturedStderr()};
}

/// Listens on a free loopback port and answers every request with 404, one connection at a time.
class SomeServer {
 public:
  SomeServer() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(socket_.get(), 8) != 0 ||
        ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("no listener");
    }
    port = ntohs(address.sin_port);
    thread_ = std::thread{[this] {
      for (;;) {
        const Fd connection{::accept(socket_.get(), nullptr, nullptr)};
        if (!connection) return;
        char buffer[4096];
        const auto got = ::recv(connection.get(), buffer, sizeof buffer, 0);
        if (got > 0) heard.append(buffer, static_cast<std::size_t>(got));
        constexpr std::string_view answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
        ::send(connection.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
      }
    }};
  }
  ~SomeServer() { stop(); }

  /// `heard` may be read after this.
  void stop() {
    if (!thread_.joinable()) return;
    ::shutdown(socket_.get(), SHUT_RDWR);
    thread_.join();
  }

  std::uint16_t port = 0;
  std::string heard;

 private:
  Fd socket_;
  std::thread thread_;
};

}  // namespace onetake::app
