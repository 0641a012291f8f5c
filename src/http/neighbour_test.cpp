#include "http/neighbour.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "base/fd.hpp"
#include "base/test_loop.hpp"

namespace onetake::http {
namespace {

using namespace std::chrono_literals;

/// Takes one connection, reads a request's head, says what it is told, and ends the connection, or waits.
class Node {
 public:
  explicit Node(std::string says, bool then_waits = false) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(socket_.get(), 1) != 0 ||
        ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("no socket");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread{[this, says = std::move(says), then_waits] {
      const Fd client{::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
      std::string buffer(4096, '\0');
      while (asked_.find("\r\n\r\n") == std::string::npos) {
        const auto n = ::read(client.get(), buffer.data(), buffer.size());
        if (n <= 0) return;
        asked_.append(buffer, 0, static_cast<std::size_t>(n));
      }
      if (::write(client.get(), says.data(), says.size()) < 0) return;
      while (then_waits && ::read(client.get(), buffer.data(), buffer.size()) > 0) {
      }
    }};
  }
  ~Node() { thread_.join(); }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  [[nodiscard]] Neighbour::Call call() const {
    return {.url = "http://127.0.0.1:" + std::to_string(port_),
            .method = "GET",
            .target = "/api/recordings/CA1/stream?x=1",
            .fields = "Range: bytes=1-\r\n"};
  }
  /// After the connection.
  [[nodiscard]] const std::string& asked() const { return asked_; }

 private:
  Fd socket_;
  int port_ = 0;
  std::string asked_;
  std::thread thread_;
};

class NeighbourTest : public testing::Test {
 protected:
  std::shared_ptr<Neighbour> ask(Neighbour::Call call) {
    auto answer = loop_.run(Neighbour::ask(std::move(call)));
    if (!answer) error_ = answer.error();
    return answer ? *answer : nullptr;
  }
  /// Everything, and whether it came to its end.
  std::pair<std::string, bool> body(Neighbour& from) {
    std::string all;
    for (;;) {
      const auto piece = loop_.run(from.read(10s));
      if (!piece) return {all, false};
      if (piece->empty()) return {all, true};
      all += *piece;
    }
  }

  TestLoop loop_;
  std::string error_;
};

TEST_F(NeighbourTest, TheAnswerIsPassedOnAsItIs) {
  const Node node{
      "HTTP/1.1 206 Partial Content\r\nDate: Mon, 23 Nov 2026 00:00:00 GMT\r\nContent-Type: audio/wav\r\n"
      "ETag: \"a-1-1\"\r\nContent-Range: bytes 1-4/5\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbcde"};
  const auto answer = ask(node.call());
  ASSERT_TRUE(answer) << error_;
  EXPECT_EQ(answer->status(), 206);
  EXPECT_EQ(answer->etag(), "\"a-1-1\"");
  EXPECT_EQ(answer->content_range(), "bytes 1-4/5");
  EXPECT_EQ(answer->content_type(), "audio/wav");
  EXPECT_EQ(answer->length(), 4);
  EXPECT_EQ(answer->fields(), "Content-Type: audio/wav\r\nETag: \"a-1-1\"\r\nContent-Range: bytes 1-4/5\r\n");
  EXPECT_EQ(body(*answer), (std::pair{std::string{"bcde"}, true}));
  EXPECT_EQ(node.asked().substr(0, 47), "GET /api/recordings/CA1/stream?x=1 HTTP/1.1\r\nHo");
  EXPECT_NE(node.asked().find("\r\nRange: bytes=1-\r\n"), std::string::npos);
}

TEST_F(NeighbourTest, ABodyInChunksHasAnEnd) {
  const Node node{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"};
  const auto answer = ask(node.call());
  ASSERT_TRUE(answer) << error_;
  EXPECT_EQ(answer->length(), std::nullopt);
  EXPECT_EQ(body(*answer), (std::pair{std::string{"abcde"}, true}));
}

TEST_F(NeighbourTest, OneThatBreaksOffIsNotTakenForWhole) {
  for (const auto* const framing : {"Content-Length: 9", "Transfer-Encoding: chunked"}) {
    const Node node{std::string{"HTTP/1.1 200 OK\r\n"} + framing + "\r\n\r\n3\r\nabc\r\n"};
    const auto answer = ask(node.call());
    ASSERT_TRUE(answer) << error_;
    EXPECT_FALSE(body(*answer).second) << framing;
  }
}

TEST_F(NeighbourTest, WhoIsSilentIsLeft) {
  const Node node{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", true};
  const auto answer = ask(node.call());
  ASSERT_TRUE(answer) << error_;
  EXPECT_EQ(loop_.run(answer->read(10s)), "abc");
  EXPECT_EQ(loop_.run(answer->read(1ms)), std::nullopt);
}

TEST_F(NeighbourTest, WhatIsNoAnswerIsSaid) {
  const Node garbage{"SSH-2.0-OpenSSH\r\n\r\n"};
  EXPECT_EQ(ask(garbage.call()), nullptr);
  const Node nothing{""};
  EXPECT_EQ(ask(nothing.call()), nullptr);
  const Node silent{"", true};
  auto call = silent.call();
  call.head_in = 1ms;
  EXPECT_EQ(ask(std::move(call)), nullptr);
  EXPECT_EQ(ask({.url = "no url", .method = "GET", .target = "/", .fields = {}}), nullptr);
  EXPECT_FALSE(error_.empty());
}

}  // namespace
}  // namespace onetake::http
