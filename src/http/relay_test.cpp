#include "http/relay.hpp"

#include <gmock/gmock.h>

#include "base/test_loop.hpp"
#include "http/test_node.hpp"

namespace onetake::http {
namespace {

using test::Node;
using test::Says;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Says answers(int status) {
  return {.text = "HTTP/1.1 " + std::to_string(status) + " Status\r\nContent-Length: 0\r\n\r\n"};
}

class RelayTest : public testing::Test {
 protected:
  /// The status of what is passed on; 0 where nothing is.
  int ask(std::vector<std::string> nodes, milliseconds head_in = milliseconds{10'000}) {
    Relay::Question question{.tenant = TenantId{"acme"},
                             .method = "GET",
                             .target = "/api/recordings/CA1/stream",
                             .fields = "Range: bytes=1-\r\n",
                             .head_in = head_in};
    auto answer = loop_.run(relay_.ask(std::move(question), std::move(nodes)));
    return answer ? loop_.lent(std::move(answer))->status() : 0;
  }

  TestLoop loop_;
  Relay relay_{"secret"};
};

TEST_F(RelayTest, WhatSpeaksOfTheRecordingIsPassedOn) {
  for (const int status : {200, 202, 206, 304, 412, 416}) {
    const Node first{answers(status)};
    const Node second{answers(200)};
    EXPECT_EQ(ask({first.url(), second.url()}), status);
    EXPECT_THAT(second.asked(), IsEmpty());
  }
}

// Its database hangs, its clock differs, it does not know the recording any more: another may have it.
TEST_F(RelayTest, WhereOneHasTroubleOfItsOwnTheNextIsAsked) {
  for (const int status : {400, 401, 404, 408, 410, 421, 429, 431, 500, 502, 503}) {
    const Node first{answers(status)};
    const Node second{answers(206)};
    EXPECT_EQ(ask({first.url(), second.url()}), 206) << status;
    EXPECT_THAT(first.asked(), SizeIs(1));
    EXPECT_THAT(second.asked(), SizeIs(1));
    const Node alone{answers(status)};
    EXPECT_EQ(ask({alone.url()}), 0) << status;
  }
}

TEST_F(RelayTest, OneThatHangsIsLeftForTheNext) {
  const Node hangs{Says{.text = "", .waits = true}};
  const Node second{answers(200)};
  EXPECT_EQ(ask({hangs.url(), second.url()}, milliseconds{500}), 200);
}

TEST_F(RelayTest, EachIsAskedInTheNameOfTheTenant) {
  const Node first{answers(503)};
  const Node second{answers(200)};
  EXPECT_EQ(ask({first.url(), second.url()}), 200);
  for (const auto* node : {&first, &second}) {
    const auto head = node->asked().at(0);
    EXPECT_THAT(head, HasSubstr("\r\nRange: bytes=1-\r\n"));
    Request request;
    request.method = "GET";
    request.target = "/api/recordings/CA1/stream";
    const auto at = head.find("Onetake-Node: ") + 14;
    const auto pass = head.substr(at, head.find("\r\n", at) - at);
    request.fields[static_cast<std::size_t>(Field::onetake_node)] = pass;
    EXPECT_EQ(relay_.tenant_of(request, wall_now()), TenantId{"acme"});
  }
}

}  // namespace
}  // namespace onetake::http
