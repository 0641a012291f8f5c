#include "provider/transfer.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <stdlib.h>

#include <fstream>
#include <stdexcept>

#include "base/temp_folder.hpp"
#include "provider/harness_test.hpp"
#include "provider/scripted_server_test.hpp"

namespace onetake::provider::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

std::shared_ptr<const AddressGuard> loopback() {
  return std::make_shared<AddressGuard>(std::vector{Cidr::parse("127.0.0.0/8").value(), Cidr::parse("::1").value()});
}

Request get(std::string url) {
  Request request;
  request.url = std::move(url);
  request.guard = loopback();
  request.connect_timeout = 40s;
  request.stall_timeout = 40s;
  request.deadline = in(50s);
  return request;
}

class Keeping final : public Receiver {
 public:
  bool head(const Response& response) override {
    status = response.status;
    headed.set();
    return on_head();
  }
  bool data(std::span<const std::byte> bytes) override {
    body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    arrived.set();
    return on_data();
  }

  int status = 0;
  std::string body;
  Signal headed;
  Signal arrived;
  std::function<bool()> on_head = [] { return true; };
  std::function<bool()> on_data = [] { return true; };
};

class Transfer : public testing::Test {
 protected:
  Transferred perform(Request request) { return harness.run(harness.transfers().perform(std::move(request), kept)); }
  /// What the script makes of one GET of "/".
  Transferred against(ScriptedServer::Script script) {
    ScriptedServer server{std::move(script)};
    return perform(get(server.url("/")));
  }

  Harness harness;
  Keeping kept;
};

MATCHER_P(EndedBy, cause, "") { return arg.setback && arg.setback->cause == cause; }

TEST_F(Transfer, BringsABodyOfKnownLength) {
  const auto got = against([](const Seen&, Peer& peer) { peer.send(answer("200 OK", "hello", "X-A: 1\r\n")); });
  EXPECT_FALSE(got.setback);
  EXPECT_EQ(got.response.status, 200);
  EXPECT_EQ(got.response.framing, Framing::length);
  EXPECT_EQ(got.response.length, 5);
  EXPECT_EQ(got.response.headers.find("x-a"), "1");
  EXPECT_EQ(kept.body, "hello");
}

TEST_F(Transfer, BringsChunksAndIgnoresTrailers) {
  const auto got = against([](const Seen&, Peer& peer) {
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("hel") + chunk("lo") +
              "0\r\nX-Late: 1\r\n\r\n");
  });
  EXPECT_FALSE(got.setback);
  EXPECT_EQ(got.response.framing, Framing::chunked);
  EXPECT_EQ(got.response.headers.find("x-late"), "");
  EXPECT_EQ(kept.body, "hello");
}

TEST_F(Transfer, BringsABodyThatEndsWithTheConnection) {
  const auto got = against([](const Seen&, Peer& peer) {
    peer.send("HTTP/1.1 200 OK\r\n\r\nhello");
    peer.close();
  });
  EXPECT_FALSE(got.setback);
  EXPECT_EQ(got.response.framing, Framing::until_close);
  EXPECT_EQ(got.response.length, std::nullopt);
  EXPECT_EQ(kept.body, "hello");
}

TEST_F(Transfer, PassesOverInterimAnswers) {
  const auto got = against([](const Seen&, Peer& peer) {
    peer.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" +
              answer("200 OK", "hello"));
  });
  EXPECT_EQ(got.response.status, 200);
  EXPECT_EQ(got.response.headers.find("link"), "");
  EXPECT_EQ(kept.body, "hello");
}

TEST_F(Transfer, HandsOnWhatHasArrivedBeforeTheRest) {
  const auto got = against([this](const Seen&, Peer& peer) {
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
    kept.headed.wait();
    peer.send("a");
    kept.arrived.wait();
    peer.send("b");
  });
  EXPECT_FALSE(got.setback);
  EXPECT_EQ(kept.body, "ab");
}

TEST_F(Transfer, CutBeforeItsLengthIsInterrupted) {
  const auto got = against([](const Seen&, Peer& peer) {
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    peer.close();
  });
  EXPECT_THAT(got, EndedBy(Cause::interrupted));
  EXPECT_EQ(kept.body, "hello") << "what came is handed on";
}

TEST_F(Transfer, CutBeforeTheLastChunkIsInterrupted) {
  for (const auto& end :
       {chunk("hello"), std::string{"5\r\nhel"}, std::string{"5\r\nhello\r\n0\r\n"}, std::string{"zz\r\n"}}) {
    const auto got = against([&](const Seen&, Peer& peer) {
      peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + end);
      peer.close();
    });
    EXPECT_THAT(got, EndedBy(Cause::interrupted)) << end;
  }
}

TEST_F(Transfer, ResetInsideTheBodyIsInterrupted) {
  for (const char* head : {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", "HTTP/1.1 200 OK\r\n\r\nhello"}) {
    Keeping here;
    ScriptedServer server{[&](const Seen&, Peer& peer) {
      peer.send(head);
      here.arrived.wait();
      peer.reset();
    }};
    const auto got = harness.run(harness.transfers().perform(get(server.url("/")), here));
    EXPECT_THAT(got, EndedBy(Cause::interrupted)) << head;
  }
}

TEST_F(Transfer, WithoutAnAnswerIsUnreachable) {
  EXPECT_THAT(against([](const Seen&, Peer& peer) { peer.close(); }), EndedBy(Cause::unreachable));
  EXPECT_THAT(against([](const Seen&, Peer& peer) { peer.reset(); }), EndedBy(Cause::unreachable));
  EXPECT_THAT(perform(get("https://name.invalid/")), EndedBy(Cause::unreachable));
  std::string closed;
  {
    const ScriptedServer server{[](const Seen&, Peer&) {}};
    closed = server.url("/?secret");
  }
  const auto got = perform(get(closed));
  EXPECT_THAT(got, EndedBy(Cause::unreachable));
  EXPECT_EQ(got.response.status, 0);
  EXPECT_THAT(got.setback->detail, testing::Not(HasSubstr("secret")));
}

TEST_F(Transfer, WithoutTlsInTimeIsUnreachable) {
  ScriptedServer server{[](const Seen&, Peer&) {}};  // waits for a request that TLS never begins
  auto request = get("https://127.0.0.1:" + std::to_string(server.port()) + "/");
  request.connect_timeout = 100ms;
  EXPECT_THAT(perform(std::move(request)), EndedBy(Cause::unreachable));
}

TEST_F(Transfer, ThatIsNoHttpPromisesNothing) {
  EXPECT_THAT(against([](const Seen&, Peer& peer) {
                peer.send("SSH-2.0-OpenSSH\r\n");
                peer.close();
              }),
              EndedBy(Cause::unavailable));
  EXPECT_THAT(against([](const Seen&, Peer& peer) {
                peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!");
              }),
              EndedBy(Cause::unavailable));
  EXPECT_THAT(against([](const Seen&, Peer& peer) {
                peer.send("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhello!");
              }),
              EndedBy(Cause::unavailable));
}

TEST_F(Transfer, WithAnEndlessHeadPromisesNothing) {
  const auto got = against([](const Seen&, Peer& peer) {
    peer.send("HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 100; ++i) peer.send("X-Long: " + std::string(1000, 'x') + "\r\n");
    peer.wait_for_close();
  });
  EXPECT_THAT(got, EndedBy(Cause::unavailable));
  EXPECT_EQ(kept.status, 0);
}

TEST_F(Transfer, WithoutAByteForLongIsStalled) {
  for (const char* begun : {"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"}) {
    ScriptedServer server{[&](const Seen&, Peer& peer) {
      peer.send(begun);
      peer.wait_for_close();
    }};
    auto request = get(server.url("/"));
    request.stall_timeout = 100ms;
    EXPECT_THAT(perform(std::move(request)), EndedBy(Cause::stalled)) << begun;
  }
}

TEST_F(Transfer, PastItsDeadlineIsTimedOut) {
  ScriptedServer server{[](const Seen&, Peer& peer) { peer.wait_for_close(); }};
  auto request = get(server.url("/"));
  request.deadline = in(100ms);
  EXPECT_THAT(perform(std::move(request)), EndedBy(Cause::timed_out));
}

TEST_F(Transfer, EndsWhenItIsToStop) {
  std::stop_source stop;
  ScriptedServer server{[&](const Seen&, Peer& peer) {
    stop.request_stop();
    peer.wait_for_close();
  }};
  auto request = get(server.url("/"));
  request.stop = stop.get_token();
  EXPECT_THAT(perform(std::move(request)), EndedBy(Cause::internal));

  auto late = get(server.url("/"));
  late.stop = stop.get_token();
  EXPECT_THAT(perform(std::move(late)), EndedBy(Cause::internal)) << "asked for before it began";
}

TEST_F(Transfer, EndsWithTheTransfers) {
  Signal asked;
  ScriptedServer server{[&](const Seen&, Peer& peer) {
    asked.set();
    peer.wait_for_close();
  }};
  auto running = harness.start(harness.transfers().perform(get(server.url("/")), kept));
  asked.wait();
  harness.end_transfers();
  EXPECT_THAT(running.get(), EndedBy(Cause::internal));
}

TEST_F(Transfer, IsEndedByItsReceiver) {
  const auto script = [](const Seen&, Peer& peer) {
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    peer.wait_for_close();
  };
  kept.on_head = [] { return false; };
  auto got = against(script);
  EXPECT_TRUE(got.declined);
  EXPECT_FALSE(got.setback);
  EXPECT_EQ(kept.body, "");

  kept.on_head = [] { return true; };
  kept.on_data = [] { return false; };
  got = against(script);
  EXPECT_TRUE(got.declined);
  EXPECT_FALSE(got.setback);

  kept.on_data = []() -> bool { throw std::runtime_error("disk"); };
  EXPECT_THROW(against(script), std::runtime_error);
}

TEST_F(Transfer, KeepsItsConnectionForTheNext) {
  ScriptedServer server{[](const Seen&, Peer& peer) { peer.send(answer("200 OK", "hello")); }};
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(perform(get(server.url("/"))).setback);
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(server.seen().size(), 3);
}

TEST_F(Transfer, FollowsNothingAndKeepsNoCookie) {
  ScriptedServer server{[](const Seen&, Peer& peer) {
    peer.send(answer("302 Found", "", "Location: /elsewhere\r\nSet-Cookie: a=b\r\n"));
  }};
  EXPECT_EQ(perform(get(server.url("/"))).response.status, 302);
  EXPECT_EQ(perform(get(server.url("/"))).response.status, 302);
  EXPECT_THAT(server.targets(), testing::ElementsAre("/", "/"));
  EXPECT_EQ(server.seen().back().field("cookie"), "");
}

TEST_F(Transfer, AsksAsItWasTold) {
  ScriptedServer server{[](const Seen&, Peer& peer) { peer.send(answer("206 Partial Content", "lo")); }};
  auto request = get(server.url("/a/../b?c=%2F"));
  request.headers = {"X-A: 1"};
  request.basic = Request::Basic{"user", "pass:word"};
  request.from = 3;
  request.if_range = "\"v1\"";
  perform(std::move(request));
  const auto seen = server.seen().at(0);
  EXPECT_EQ(seen.method, "GET");
  EXPECT_EQ(seen.target, "/a/../b?c=%2F");
  EXPECT_EQ(seen.field("x-a"), "1");
  EXPECT_EQ(seen.field("authorization"), "Basic dXNlcjpwYXNzOndvcmQ=");
  EXPECT_EQ(seen.field("range"), "bytes=3-");
  EXPECT_EQ(seen.field("if-range"), "\"v1\"");
  EXPECT_EQ(seen.fields.count("accept-encoding"), 0);
}

TEST_F(Transfer, SendsABodyFromMemory) {
  for (const auto method : {Method::put, Method::post}) {
    for (const auto& body : {std::string{}, std::string{"hello"}, std::string(3'000'000, 'x')}) {
      ScriptedServer server{[](const Seen&, Peer& peer) { peer.send(answer("200 OK", "stored")); }};
      auto request = get(server.url("/a"));
      request.method = method;
      request.body.bytes = body;
      Keeping here;
      const auto got = harness.run(harness.transfers().perform(std::move(request), here));
      EXPECT_FALSE(got.setback);
      EXPECT_EQ(here.body, "stored");
      const auto seen = server.seen().at(0);
      EXPECT_EQ(seen.method, name(method));
      EXPECT_EQ(seen.field("content-length"), std::to_string(body.size()));
      EXPECT_EQ(seen.fields.count("expect"), 0);
      EXPECT_EQ(seen.fields.count("content-type"), 0) << "nothing that the caller did not say";
      EXPECT_TRUE(seen.body == body);
    }
  }
}

TEST_F(Transfer, SendsARangeOfAFile) {
  const TempFolder folder;
  const auto path = folder.path() / "file";
  std::ofstream{path} << "0123456789";
  const Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  ScriptedServer server{[](const Seen&, Peer& peer) { peer.send(answer("200 OK", "")); }};
  auto request = get(server.url("/"));
  request.method = Method::put;
  request.body = {.file = file.get(), .offset = 3, .length = 4};
  EXPECT_FALSE(perform(request).setback);
  EXPECT_EQ(server.seen().at(0).body, "3456");

  request.body.length = 8;  // more than there is
  EXPECT_THAT(perform(request), EndedBy(Cause::internal));
  EXPECT_EQ(server.seen().size(), 1);
}

TEST_F(Transfer, SendsTheBodyAgainWhereAKeptConnectionWasClosed) {
  ScriptedServer server{[&](const Seen&, Peer& peer) {
    peer.send(answer("200 OK", ""));
    peer.close();
  }};
  auto request = get(server.url("/"));
  request.method = Method::put;
  request.body.bytes = "hello";
  EXPECT_FALSE(perform(request).setback);
  EXPECT_FALSE(perform(request).setback);
  EXPECT_THAT(server.seen(), testing::Each(testing::Field(&Seen::body, "hello")));
}

TEST_F(Transfer, AsksForAHeadAlone) {
  const auto script = [](const Seen&, Peer& peer) {
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4711\r\nETag: \"a\"\r\n\r\n");
  };
  ScriptedServer server{script};
  for (int i = 0; i < 2; ++i) {
    auto request = get(server.url("/"));
    request.method = Method::head;
    const auto got = perform(std::move(request));
    EXPECT_FALSE(got.setback);
    EXPECT_EQ(got.response.length, 4711);
  }
  EXPECT_EQ(server.seen().at(0).method, "HEAD");
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(Transfer, Removes) {
  ScriptedServer server{[](const Seen&, Peer& peer) { peer.send("HTTP/1.1 204 No Content\r\n\r\n"); }};
  auto request = get(server.url("/a?b="));
  request.method = Method::remove;
  EXPECT_EQ(perform(std::move(request)).response.status, 204);
  EXPECT_EQ(server.seen().at(0).method, "DELETE");
  EXPECT_EQ(server.seen().at(0).target, "/a?b=");
}

TEST_F(Transfer, BringsARefusalOfABodyAndItsReason) {
  const auto got = [&] {
    ScriptedServer server{[](const Seen&, Peer& peer) { peer.send(answer("403 Forbidden", "why")); }};
    auto request = get(server.url("/"));
    request.method = Method::put;
    request.body.bytes = std::string(100'000, 'x');
    return perform(std::move(request));
  }();
  EXPECT_EQ(got.response.status, 403);
  EXPECT_EQ(kept.body, "why");
}

TEST_F(Transfer, KnowsNoProxyOfTheEnvironment) {
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  ::setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
  const auto got = against([](const Seen&, Peer& peer) { peer.send(answer("200 OK", "hello")); });
  ::unsetenv("http_proxy");
  ::unsetenv("ALL_PROXY");
  EXPECT_FALSE(got.setback);
}

TEST_F(Transfer, IsRefusedBeforeItConnects) {
  ScriptedServer server{[](const Seen&, Peer& peer) { peer.send(answer("200 OK", "hello")); }};
  const auto port = std::to_string(server.port());
  for (const auto& host : {"127.0.0.1", "localhost", "127.1", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]"}) {
    auto request = get("http://" + std::string{host} + ':' + port + '/');
    request.guard = std::make_shared<AddressGuard>();
    const auto got = perform(std::move(request));
    EXPECT_THAT(got, EndedBy(Cause::refused)) << host;
    EXPECT_THAT(got.setback->detail, HasSubstr("loopback")) << host;
  }
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(Transfer, IsRefusedOnAConnectionThatAnotherWasAllowed) {
  ScriptedServer server{[](const Seen&, Peer& peer) { peer.send(answer("200 OK", "hello")); }};
  EXPECT_FALSE(perform(get(server.url("/"))).setback);
  auto request = get(server.url("/"));
  request.guard = std::make_shared<AddressGuard>();
  EXPECT_THAT(perform(std::move(request)), EndedBy(Cause::refused));
  EXPECT_EQ(server.seen().size(), 1);
}

TEST_F(Transfer, RunsBesideManyOthers) {
  constexpr int many = 256;
  const std::string body(100'000, 'x');
  ScriptedServer server{[&](const Seen& seen, Peer& peer) { peer.send(answer("200 OK", seen.target + body)); }};
  std::vector<Keeping> receivers(many);
  std::vector<std::future<Transferred>> running;
  for (int i = 0; i < many; ++i)
    running.push_back(
        harness.start(harness.transfers().perform(get(server.url('/' + std::to_string(i))), receivers.at(i))));
  for (int i = 0; i < many; ++i) {
    EXPECT_FALSE(running.at(i).get().setback) << i;
    EXPECT_EQ(receivers.at(i).body, '/' + std::to_string(i) + body) << i;
  }
}

}  // namespace
}  // namespace onetake::provider::test
