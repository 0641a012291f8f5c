#include "http/neighbour.hpp"

#include <gtest/gtest.h>

#include "base/test_loop.hpp"
#include "http/test_node.hpp"

namespace onetake::http {
namespace {

using namespace std::chrono_literals;
using test::Node;
using test::Says;

Neighbour::Call call_to(const Node& node) {
  return {
      .url = node.url(), .method = "GET", .target = "/api/recordings/CA1/stream?x=1", .fields = "Range: bytes=1-\r\n"};
}

class NeighbourTest : public testing::Test {
 protected:
  std::shared_ptr<Neighbour> ask(Neighbour::Call call) {
    auto answer = loop_.run(Neighbour::ask(std::move(call)));
    if (!answer) error_ = answer.error();
    return answer ? loop_.lent(*std::move(answer)) : nullptr;
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
      Says{"HTTP/1.1 206 Partial Content\r\nDate: Mon, 23 Nov 2026 00:00:00 GMT\r\nContent-Type: audio/wav\r\n"
           "ETag: \"a-1-1\"\r\nContent-Range: bytes 1-4/5\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbcde"}};
  const auto answer = ask(call_to(node));
  ASSERT_TRUE(answer) << error_;
  EXPECT_EQ(answer->status(), 206);
  EXPECT_EQ(answer->etag(), "\"a-1-1\"");
  EXPECT_EQ(answer->content_range(), "bytes 1-4/5");
  EXPECT_EQ(answer->content_type(), "audio/wav");
  EXPECT_EQ(answer->length(), 4);
  EXPECT_EQ(answer->fields(), "Content-Type: audio/wav\r\nETag: \"a-1-1\"\r\nContent-Range: bytes 1-4/5\r\n");
  EXPECT_EQ(body(*answer), (std::pair{std::string{"bcde"}, true}));
  EXPECT_EQ(node.asked().at(0).substr(0, 47), "GET /api/recordings/CA1/stream?x=1 HTTP/1.1\r\nHo");
  EXPECT_NE(node.asked().at(0).find("\r\nRange: bytes=1-\r\n"), std::string::npos);
}

TEST_F(NeighbourTest, ABodyInChunksHasAnEnd) {
  const Node node{Says{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"}};
  const auto answer = ask(call_to(node));
  ASSERT_TRUE(answer) << error_;
  EXPECT_EQ(answer->length(), std::nullopt);
  EXPECT_EQ(body(*answer), (std::pair{std::string{"abcde"}, true}));
}

TEST_F(NeighbourTest, OneThatBreaksOffIsNotTakenForWhole) {
  for (const auto* const framing : {"Content-Length: 9", "Transfer-Encoding: chunked"}) {
    const Node node{Says{std::string{"HTTP/1.1 200 OK\r\n"} + framing + "\r\n\r\n3\r\nabc\r\n"}};
    const auto answer = ask(call_to(node));
    ASSERT_TRUE(answer) << error_;
    EXPECT_FALSE(body(*answer).second) << framing;
  }
}

TEST_F(NeighbourTest, WhoIsSilentIsLeft) {
  const Node node{Says{.text = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", .waits = true}};
  const auto answer = ask(call_to(node));
  ASSERT_TRUE(answer) << error_;
  EXPECT_EQ(loop_.run(answer->read(10s)), "abc");
  EXPECT_EQ(loop_.run(answer->read(1ms)), std::nullopt);
}

TEST_F(NeighbourTest, WhatIsNoAnswerIsSaid) {
  const Node garbage{Says{"SSH-2.0-OpenSSH\r\n\r\n"}};
  EXPECT_EQ(ask(call_to(garbage)), nullptr);
  const Node nothing{Says{""}};
  EXPECT_EQ(ask(call_to(nothing)), nullptr);
  const Node silent{Says{.text = "", .waits = true}};
  auto call = call_to(silent);
  call.head_in = 1ms;
  EXPECT_EQ(ask(std::move(call)), nullptr);
  EXPECT_EQ(ask({.url = "no url", .method = "GET", .target = "/", .fields = {}}), nullptr);
  EXPECT_FALSE(error_.empty());
}

}  // namespace
}  // namespace onetake::http
