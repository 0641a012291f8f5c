#include "http/session.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <future>
#include <mutex>
#include <vector>

#include "base/temp_folder.hpp"
#include "base/test_loop.hpp"
#include "http/problem.hpp"
#include "http/test_client.hpp"

namespace onetake::http {
namespace {

using test::Client;
using test::Closed;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// What a request said, kept behind its end.
struct Seen {
  std::string method, target, path, query, body, host;
  bool http10;
};

/// Answers as the test says and remembers what it was asked.
class ScriptedSite final : public Site {
 public:
  std::function<Answer(const Request&)> on_request = [](const Request& request) {
    return text(std::string{request.path});
  };
  std::atomic<bool> drains = false;

  static Answer text(std::string body) {
    return {.status = 200, .fields = "X-From: site\r\n", .body = std::move(body)};
  }

  Task<Answer> answer(const Request& request) override;
  Answer refuse(Fault fault) override { return problem({.fault = fault}); }
  [[nodiscard]] bool draining() const override { return drains; }

  std::vector<Seen> seen() const {
    const std::lock_guard lock{mutex_};
    return seen_;
  }
  Seen last() const { return seen().back(); }

 private:
  mutable std::mutex mutex_;
  std::vector<Seen> seen_;
};

Task<Answer> ScriptedSite::answer(const Request& request) {
  {
    const std::lock_guard lock{mutex_};
    seen_.push_back({.method = std::string{request.method},
                     .target = std::string{request.target},
                     .path = std::string{request.path},
                     .query = std::string{request.query},
                     .body = std::string{request.body},
                     .host = std::string{request.field(Field::host)},
                     .http10 = request.http10});
  }
  co_return on_request(request);
}

Task<bool> serve(Fd fd, Site& site, const Bounds& bounds, std::atomic<int>& served) {
  Socket socket{co_await asio::this_coro::executor};
  // Socket owns it from here on.
  socket.assign(asio::ip::tcp::v4(), ::dup(fd.get()));
  {
    const Fd closed = std::move(fd);
  }
  served = socket.native_handle();
  Session session{std::move(socket), site, bounds};
  co_await session.run();
  co_return true;
}

class SessionTest : public testing::Test {
 protected:
  SessionTest() : listening_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listening_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listening_.get(), 16), 0);
    ::getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~SessionTest() override {
    client_.reset();
    for (auto& session : sessions_) session.get();  // every one ends when its client has gone
  }

  /// Connects; the session is served with `bounds_` as they are now.
  Client& connect(int receive_buffer = 0) {
    client_.emplace(Client::connect(port_, receive_buffer));
    sessions_.push_back(
        loop_.start(serve(Fd{::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC)}, site_, bounds_, served_)));
    return *client_;
  }
  static std::string get(const std::string& target, const std::string& fields = "") {
    return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
  }
  static std::string put(const std::string& body) {
    return "PUT /p HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  static std::string put_chunked(const std::string& chunks) {
    return "PUT /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks;
  }
  /// A file of `size` bytes.
  std::shared_ptr<const blob::Published> file(std::size_t size) {
    std::string name = (folder_.path() / "file-XXXXXX").string();
    Fd fd{::mkstemp(name.data())};
    const auto bytes = content(size);
    EXPECT_EQ(::pwrite(fd.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    return std::make_shared<const blob::Published>(std::move(fd), size);
  }
  static std::string content(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 + i / 509);
    return bytes;
  }
  /// Everything is answered with a body that `write` writes.
  void stream(std::optional<Bytes> length, Task<End> (*write)(Out&)) {
    site_.on_request = [=](const Request&) {
      return Answer{.status = 200, .fields = {}, .body = Streamed{.length = length, .write = write}};
    };
  }
  void expect_refusal(const std::string& text, int status, const std::string& code) {
    auto& client = connect();
    client.send(text);
    const auto reply = client.reply();
    EXPECT_EQ(reply.status, status) << text.substr(0, 200);
    EXPECT_THAT(reply.body, HasSubstr('"' + code + '"')) << text.substr(0, 200);
    EXPECT_EQ(reply.field("Connection"), "close");
    EXPECT_EQ(client.closed(), Closed::cleanly) << "the answer is not destroyed by a reset";
    EXPECT_EQ(client.unread(), "") << "nothing that follows is a request";
  }

  TempFolder folder_;
  ScriptedSite site_;
  Bounds bounds_;
  Fd listening_;
  std::uint16_t port_ = 0;
  std::atomic<int> served_ = -1;  ///< the server's end of the latest connection
  TestLoop loop_;
  std::vector<std::future<bool>> sessions_;
  std::optional<Client> client_;
};

TEST_F(SessionTest, ARequestIsWhatWasSent) {
  auto& client = connect();
  client.send("PUT /a%20b?x=1&y=%2B HTTP/1.1\r\nHost: here:80\r\nContent-Length: 4\r\n\r\nbody");
  EXPECT_EQ(client.reply().status, 200);
  const auto seen = site_.last();
  EXPECT_EQ(seen.method, "PUT");
  EXPECT_EQ(seen.target, "/a%20b?x=1&y=%2B");
  EXPECT_EQ(seen.path, "/a%20b");
  EXPECT_EQ(seen.query, "x=1&y=%2B");
  EXPECT_EQ(seen.body, "body");
  EXPECT_EQ(seen.host, "here:80");
  EXPECT_FALSE(seen.http10);
}

// RFC 9112 section 3.2.2.
TEST_F(SessionTest, ATargetsAuthorityStandsForTheHost) {
  auto& client = connect();
  const auto ask = [&](const std::string& target) {
    client.send("GET " + target + " HTTP/1.1\r\nHost: here\r\n\r\n");
    EXPECT_EQ(client.reply().status, 200) << target;
    return site_.last();
  };
  auto seen = ask("http://there:81/a%20b?x=1");
  EXPECT_EQ(seen.target, "/a%20b?x=1");
  EXPECT_EQ(seen.path, "/a%20b");
  EXPECT_EQ(seen.query, "x=1");
  EXPECT_EQ(seen.host, "there:81");
  seen = ask("HTTPS://there");
  EXPECT_EQ(seen.path, "/");
  EXPECT_EQ(seen.query, "");
  EXPECT_EQ(seen.host, "there");
  seen = ask("http://there?x=/1");
  EXPECT_EQ(seen.path, "/");
  EXPECT_EQ(seen.query, "x=/1");
  seen = ask("/http://there/");
  EXPECT_EQ(seen.path, "/http://there/");
  EXPECT_EQ(seen.host, "here");
  expect_refusal("GET http://there/ HTTP/1.1\r\n\r\n", 400, "bad_request");
  expect_refusal("GET http:///a HTTP/1.1\r\nHost: here\r\n\r\n", 400, "bad_request");
  expect_refusal("GET http://here@there/ HTTP/1.1\r\nHost: here\r\n\r\n", 400, "bad_request");
}

TEST_F(SessionTest, EveryFieldThatRoutesLookAtArrives) {
  std::vector<std::string> kept;
  site_.on_request = [&](const Request& request) {
    for (const auto field : request.fields) kept.emplace_back(field);
    return ScriptedSite::text("");
  };
  auto& client = connect();
  std::string fields;
  for (const std::string name :
       {"Accept", "Access-Control-Request-Method", "Authorization", "Cookie", "Host", "If-Match", "If-Modified-Since",
        "If-None-Match", "If-Range", "If-Unmodified-Since", "Onetake-Node", "Origin", "prefer", "RANGE",
        "Sec-Fetch-Dest", "sec-fetch-mode", "Sec-Purpose", "X-User-Action", "X-Other"})
    fields += name + ": value of " + name + " \r\n";
  client.send("GET / HTTP/1.1\r\n" + fields + "\r\n");
  EXPECT_EQ(client.reply().status, 200);
  EXPECT_THAT(kept, ElementsAre("value of Accept", "value of Access-Control-Request-Method", "value of Authorization",
                                "value of Cookie", "value of Host", "value of If-Match", "value of If-Modified-Since",
                                "value of If-None-Match", "value of If-Range", "value of If-Unmodified-Since",
                                "value of Onetake-Node", "value of Origin", "value of prefer", "value of RANGE",
                                "value of Sec-Fetch-Dest", "value of sec-fetch-mode", "value of Sec-Purpose",
                                "value of X-User-Action"));
}

TEST_F(SessionTest, AnAnswerHasItsFraming) {
  auto& client = connect();
  client.send(get("/hello"));
  const auto reply = client.reply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "/hello");
  EXPECT_EQ(reply.field("Content-Length"), "6");
  EXPECT_EQ(reply.field("X-From"), "site");
  EXPECT_TRUE(parse_http_date(reply.field("Date")));
  EXPECT_EQ(reply.field("Connection"), "");
}

TEST_F(SessionTest, AnswersWithoutABodyHaveNone) {
  site_.on_request = [](const Request& request) {
    return Answer{.status = request.path == "/304"   ? 304
                            : request.path == "/204" ? 204
                                                     : 200,
                  .fields = {},
                  .body = {}};
  };
  auto& client = connect();
  for (const std::string status : {"204", "304"}) {
    client.send(get("/" + status));
    const auto reply = client.reply();
    EXPECT_EQ(std::to_string(reply.status), status);
    EXPECT_EQ(reply.field("Content-Length"), "");
    EXPECT_EQ(reply.field("Transfer-Encoding"), "");
  }
  client.send(get("/"));
  EXPECT_EQ(client.reply().field("Content-Length"), "0");
}

// Connections.

TEST_F(SessionTest, AConnectionIsKept) {
  auto& client = connect();
  for (const std::string path : {"/1", "/2", "/3"}) {
    client.send(get(path));
    EXPECT_EQ(client.reply().body, path);
  }
  EXPECT_EQ(site_.seen().size(), 3U);
}

TEST_F(SessionTest, PipelinedRequestsAreAnsweredInTheirOrder) {
  auto& client = connect();
  std::string requests;
  for (int i = 0; i < 500; ++i) requests += i % 3 == 0 ? put(std::to_string(i)) : get('/' + std::to_string(i));
  client.send(requests);  // more than the session's buffer holds
  for (int i = 0; i < 500; ++i) EXPECT_EQ(client.reply().body, i % 3 == 0 ? "/p" : '/' + std::to_string(i));
  EXPECT_EQ(site_.seen()[498].body, "498");
}

TEST_F(SessionTest, RequestsMayComeByteByByte) {
  auto& client = connect();
  client.send_byte_by_byte(get("/1", "X-Long: " + std::string(50, 'x') + "\r\n") + put("some body") +
                           put_chunked("4\r\nsome\r\n5\r\n more\r\n0\r\n\r\n") + get("/4"));
  EXPECT_EQ(client.reply().body, "/1");
  EXPECT_EQ(client.reply().body, "/p");
  EXPECT_EQ(client.reply().body, "/p");
  EXPECT_EQ(client.reply().body, "/4");
  EXPECT_EQ(site_.seen()[1].body, "some body");
  EXPECT_EQ(site_.seen()[2].body, "some more");
}

// RFC 9112 section 2.2.
TEST_F(SessionTest, AnEmptyLineBeforeARequestIsNoneOfIt) {
  auto& client = connect();
  client.send("\r\n" + put("body") + "\r\n" + get("/a") + "\r");
  EXPECT_EQ(client.reply().body, "/p");
  EXPECT_EQ(client.reply().body, "/a");
  client.send("\n\r\n" + get("/b"));
  EXPECT_EQ(client.reply().body, "/b");
}

TEST_F(SessionTest, WhoAsksToCloseIsClosed) {
  auto& client = connect();
  client.send(get("/1", "Connection: close\r\n") + get("/2"));
  const auto reply = client.reply();
  EXPECT_EQ(reply.body, "/1");
  EXPECT_EQ(reply.field("Connection"), "close");
  EXPECT_EQ(client.closed(), Closed::cleanly);
  EXPECT_EQ(client.unread(), "");
  EXPECT_EQ(site_.seen().size(), 1U);
}

TEST_F(SessionTest, WhoHasNothingMoreToSendStillGetsTheAnswers) {
  auto& client = connect();
  client.send(get("/1") + get("/2"));
  client.shut_down_writing();
  EXPECT_EQ(client.reply().body, "/1");
  EXPECT_EQ(client.reply().body, "/2");
  EXPECT_EQ(client.closed(), Closed::cleanly);
}

TEST_F(SessionTest, WhoGoesWithinARequestIsNotAnswered) {
  auto& client = connect();
  client.send("GET / HTTP/1.1\r\nHo");
  client.shut_down_writing();
  EXPECT_EQ(client.closed(), Closed::cleanly);
  EXPECT_EQ(client.unread(), "");
  EXPECT_TRUE(site_.seen().empty());
}

TEST_F(SessionTest, WhileDrainingAnAnswerIsTheLast) {
  auto& client = connect();
  client.send(get("/1"));
  client.reply();
  site_.drains = true;
  client.send(get("/2"));
  EXPECT_EQ(client.reply().field("Connection"), "close");
  EXPECT_EQ(client.closed(), Closed::cleanly);
}

// HTTP/1.0.

TEST_F(SessionTest, Http10IsClosedUnlessItAsksToBeKept) {
  auto& client = connect();
  client.send("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  auto reply = client.reply();
  EXPECT_EQ(reply.body, "/1");
  EXPECT_EQ(reply.field("Connection"), "keep-alive");
  EXPECT_TRUE(site_.last().http10);
  client.send("GET /2 HTTP/1.0\r\n\r\n");
  reply = client.reply();
  EXPECT_EQ(reply.body, "/2");
  EXPECT_EQ(reply.field("Connection"), "close");
  EXPECT_EQ(client.closed(), Closed::cleanly);
}

Task<End> two_pieces(Out& out) {
  const bool first = co_await out.send("first ", true);
  if (!first) co_return End::cut;
  const bool second = co_await out.send("second", false);
  co_return second ? End::clean : End::cut;
}

// It knows no chunks: only the connection's end tells the body's, whatever it asked for.
TEST_F(SessionTest, Http10GetsABodyWithoutALengthUpToTheEnd) {
  stream({}, two_pieces);
  auto& client = connect();
  client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const auto reply = client.reply();
  EXPECT_EQ(reply.field("Transfer-Encoding"), "");
  EXPECT_EQ(reply.field("Connection"), "close");
  EXPECT_EQ(reply.body, "first second");
  EXPECT_TRUE(reply.whole);
}

// Bodies of requests.

TEST_F(SessionTest, AChunkedBodyIsPutTogether) {
  auto& client = connect();
  client.send(put_chunked("5;name=\"value\"\r\nsome \r\n0A\r\nlonger one\r\n0\r\nX-Trailer: yes\r\n\r\n") +
              get("/next"));
  EXPECT_EQ(client.reply().status, 200);
  EXPECT_EQ(site_.seen()[0].body, "some longer one");
  EXPECT_EQ(client.reply().body, "/next");
}

TEST_F(SessionTest, ContinueIsSaidToWhoWaitsForIt) {
  auto& client = connect();
  client.send("PUT /p HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.exactly(25), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_TRUE(site_.seen().empty());
  client.send("bo");
  client.send("dy");
  EXPECT_EQ(client.reply().status, 200);
  EXPECT_EQ(site_.last().body, "body");
}

TEST_F(SessionTest, ContinueIsNotSaidToWhoDoesNot) {
  auto& client = connect();
  client.send("PUT /p HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nbody");
  EXPECT_EQ(client.reply().status, 200) << "the body was there";
  client.send("PUT /p HTTP/1.0\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  client.send("body");
  EXPECT_EQ(client.reply().status, 200) << "HTTP/1.0 does not know it";
}

TEST_F(SessionTest, ContinueIsNotSaidWhereTheBodyIsTooLarge) {
  expect_refusal("PUT /p HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\nExpect: 100-continue\r\n\r\n", 413,
                 "payload_too_large");
}

TEST_F(SessionTest, ABodyMayBeAsLargeAsTheBound) {
  auto& client = connect();
  client.send(put(std::string(65'536, 'x')));
  EXPECT_EQ(client.reply().status, 200);
  EXPECT_EQ(site_.last().body.size(), 65'536U);
}

TEST_F(SessionTest, ABodyThatIsTooLargeIsRefused) {
  expect_refusal(put(std::string(65'537, 'x')), 413, "payload_too_large");
  expect_refusal(
      put_chunked("8000\r\n" + std::string(0x8000, 'x') + "\r\n8001\r\n" + std::string(0x8001, 'x') + "\r\n0\r\n\r\n"),
      413, "payload_too_large");
  EXPECT_TRUE(site_.seen().empty());
}

// What is no request.

TEST_F(SessionTest, AHeadThatIsTooLargeIsRefused) {
  expect_refusal(get("/", "X-Long: " + std::string(20'000, 'x') + "\r\n"), 431, "header_too_large");
  expect_refusal(get('/' + std::string(20'000, 'x')), 431, "header_too_large");
  std::string many;
  for (int i = 0; i < 3'000; ++i) many += "X: y\r\n";
  expect_refusal(get("/", many), 431, "header_too_large");
  EXPECT_TRUE(site_.seen().empty());
}

TEST_F(SessionTest, AHeadMayBeLarge) {
  auto& client = connect();
  for (int i = 0; i < 3; ++i) {
    client.send(get("/", "X-Long: " + std::string(12'000, 'x') + "\r\n"));
    EXPECT_EQ(client.reply().status, 200);
  }
}

TEST_F(SessionTest, WhatIsNoRequestIsRefused) {
  for (const std::string text :
       {"hello\r\n\r\n", "GET\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
        "GET / HTTP/9.9\r\nHost: a\r\n\r\n", "G@T / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX Y: z\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX: a\x01z\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnot hex\r\n"})
    expect_refusal(text, 400, "bad_request");
  EXPECT_TRUE(site_.seen().empty());
}

// Behind a proxy that reads it otherwise, each of these hides a second request.
TEST_F(SessionTest, AnAmbiguousBodyIsRefused) {
  const std::string hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
  for (const std::string fields :
       {"Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: identity\r\n", "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"})
    expect_refusal("PUT / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + hidden, 400, "bad_request");
  expect_refusal("PUT / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, 400,
                 "bad_request");
  EXPECT_TRUE(site_.seen().empty());
}

TEST_F(SessionTest, AHostIsNamedOnce) {
  expect_refusal("GET / HTTP/1.1\r\n\r\n", 400, "bad_request");
  expect_refusal("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, "bad_request");
  EXPECT_TRUE(site_.seen().empty());
  auto& client = connect();
  client.send("GET /empty HTTP/1.1\r\nHost:\r\n\r\nGET /none HTTP/1.0\r\n\r\n");
  EXPECT_EQ(client.reply().body, "/empty");
  EXPECT_EQ(client.reply().body, "/none");
}

TEST_F(SessionTest, WhatWasRightBeforeIsAnsweredBefore) {
  auto& client = connect();
  client.send(get("/1") + "garbage\r\n\r\n");
  EXPECT_EQ(client.reply().body, "/1");
  EXPECT_EQ(client.reply().status, 400);
  EXPECT_EQ(client.closed(), Closed::cleanly);
}

// Bodies of answers.

TEST_F(SessionTest, HeadHasTheFieldsAndNoBody) {
  auto& client = connect();
  client.send("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n" + get("/next"));
  EXPECT_EQ(client.reply(true).field("Content-Length"), "6");
  EXPECT_EQ(client.reply().body, "/next");
}

TEST_F(SessionTest, HeadDoesNotBeginAStream) {
  stream({}, [](Out&) -> Task<End> {
    ADD_FAILURE() << "begun";
    co_return End::clean;
  });
  auto& client = connect();
  for (int i = 0; i < 2; ++i) {
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(client.reply(true).field("Transfer-Encoding"), "chunked");
  }
}

TEST_F(SessionTest, TextThatLivesAsLongAsTheProcess) {
  static const std::string page = content(300'000);
  site_.on_request = [](const Request&) { return Answer{.status = 200, .fields = {}, .body = std::string_view{page}}; };
  auto& client = connect();
  client.send(get("/") + get("/"));
  EXPECT_EQ(client.reply().body, page);
  EXPECT_EQ(client.reply().body, page);
}

TEST_F(SessionTest, APartOfAFile) {
  const auto published = file(100'000);
  site_.on_request = [&](const Request&) {
    return Answer{.status = 206, .fields = {}, .body = FilePart{.file = published, .offset = 1'000, .length = 50'000}};
  };
  auto& client = connect();
  client.send(get("/") + get("/"));
  for (int i = 0; i < 2; ++i) {
    const auto reply = client.reply();
    EXPECT_EQ(reply.status, 206);
    EXPECT_EQ(reply.field("Content-Length"), "50000");
    EXPECT_EQ(reply.body, content(100'000).substr(1'000, 50'000));
  }
}

TEST_F(SessionTest, AnEmptyFile) {
  const auto published = file(0);
  site_.on_request = [&](const Request&) {
    return Answer{.status = 200, .fields = {}, .body = FilePart{.file = published, .offset = 0, .length = 0}};
  };
  auto& client = connect();
  client.send(get("/") + get("/"));
  EXPECT_TRUE(client.reply().whole);
  EXPECT_TRUE(client.reply().whole);
}

TEST_F(SessionTest, AStreamWithALengthHasNoChunks) {
  stream(12, two_pieces);
  auto& client = connect();
  client.send(get("/") + get("/"));
  for (int i = 0; i < 2; ++i) {
    const auto reply = client.reply();
    EXPECT_EQ(reply.field("Content-Length"), "12");
    EXPECT_EQ(reply.field("Transfer-Encoding"), "");
    EXPECT_EQ(reply.body, "first second");
  }
}

TEST_F(SessionTest, AStreamWithoutALengthIsChunked) {
  stream({}, two_pieces);
  auto& client = connect();
  client.send(get("/") + get("/"));
  for (int i = 0; i < 2; ++i) {
    const auto reply = client.reply();
    EXPECT_EQ(reply.field("Content-Length"), "");
    EXPECT_EQ(reply.field("Transfer-Encoding"), "chunked");
    EXPECT_EQ(reply.body, "first second");
    EXPECT_TRUE(reply.whole);
  }
}

Task<End> nothing() { co_return End::clean; }

// What has not been sent when a body begins: only what the kernel may hold back for its first bytes.
TEST_F(SessionTest, AHeadIsHeldBackOnlyForWhatIsHere) {
  for (const bool here : {true, false}) {
    std::atomic<int> held = -1;
    site_.on_request = [&](const Request&) {
      Streamed body{.length = 0, .write = {}, .at_hand = [here] { return here; }};
      body.write = [&](Out&) {
        int unsent = -1;
        ::ioctl(served_, SIOCOUTQNSD, &unsent);
        held = unsent;
        return nothing();
      };
      return Answer{.status = 200, .fields = {}, .body = std::move(body)};
    };
    auto& client = connect();
    client.send(get("/"));
    EXPECT_EQ(client.reply().status, 200);
    EXPECT_EQ(held > 0, here);
  }
}

TEST_F(SessionTest, AStreamOfNothingIsWhole) {
  stream({}, [](Out&) -> Task<End> { co_return End::clean; });
  auto& client = connect();
  client.send(get("/") + get("/"));
  EXPECT_TRUE(client.reply().whole);
  EXPECT_TRUE(client.reply().whole);
}

TEST_F(SessionTest, FilesInChunks) {
  static std::shared_ptr<const blob::Published> published;
  published = file(3'000'000);
  stream({}, [](Out& out) -> Task<End> {
    for (Bytes at = 0; at < published->size; at += 700'000) {
      const auto length = std::min<Bytes>(700'000, published->size - at);
      const bool sent = co_await out.send_file(published->file.get(), at, length, nullptr);
      if (!sent) co_return End::cut;
      const bool nothing = co_await out.send_file(published->file.get(), at, 0, nullptr);
      if (!nothing) co_return End::cut;
    }
    co_return End::clean;
  });
  auto& client = connect();
  client.send(get("/") + get("/"));
  for (int i = 0; i < 2; ++i) {
    const auto reply = client.reply();
    EXPECT_TRUE(reply.whole);
    EXPECT_EQ(reply.body, content(3'000'000));
  }
  published.reset();
}

Task<End> cut(Out& out) {
  const bool sent = co_await out.send("first ", false);
  EXPECT_TRUE(sent);
  co_return End::cut;
}

TEST_F(SessionTest, ACutStreamEndsInAReset) {
  for (const auto length : {std::optional<Bytes>{}, std::optional<Bytes>{12}}) {
    stream(length, cut);
    auto& client = connect();
    client.send(get("/"));
    EXPECT_FALSE(client.reply().whole);
    EXPECT_EQ(client.closed(), Closed::reset);
  }
}

// Without a length and without chunks, a clean end of the connection would be the end of the body.
TEST_F(SessionTest, ACutStreamEndsInAResetForHttp10) {
  stream({}, cut);
  auto& client = connect();
  client.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_FALSE(client.reply().whole);
  EXPECT_EQ(client.closed(), Closed::reset);
}

Task<End> fails(Out& out) {
  const bool sent = co_await out.send("first ", false);
  EXPECT_TRUE(sent);
  throw std::runtime_error("the database is down");
}

TEST_F(SessionTest, AStreamThatFailsEndsInAReset) {
  stream({}, fails);
  for (const std::string version : {"1.1", "1.0"}) {
    auto& client = connect();
    client.send("GET / HTTP/" + version + "\r\nHost: a\r\n\r\n");
    EXPECT_FALSE(client.reply().whole);
    EXPECT_EQ(client.closed(), Closed::reset);
  }
}

TEST_F(SessionTest, AFileThatIsWithdrawnBeforeEndsInAReset) {
  const auto published = file(1'000);
  published->withdrawn = true;
  site_.on_request = [&](const Request&) {
    return Answer{.status = 200, .fields = {}, .body = FilePart{.file = published, .offset = 0, .length = 1'000}};
  };
  auto& client = connect();
  client.send(get("/"));
  const auto reply = client.reply();
  EXPECT_FALSE(reply.whole);
  EXPECT_EQ(client.closed(), Closed::reset);
}

TEST_F(SessionTest, AFileThatIsWithdrawnWhileItIsSentEndsInAReset) {
  constexpr std::size_t size = 64'000'000;  // more than the kernel buffers
  const auto published = file(size);
  site_.on_request = [&](const Request&) {
    return Answer{.status = 200, .fields = {}, .body = FilePart{.file = published, .offset = 0, .length = size}};
  };
  auto& client = connect(4'096);
  client.send(get("/"));
  EXPECT_EQ(client.exactly(100).size(), 100U) << "it has begun";
  published->withdrawn = true;
  EXPECT_EQ(client.closed(), Closed::reset);
  EXPECT_LT(client.unread().size(), size - 100);
}

TEST_F(SessionTest, AFileThatHasBecomeShorterEndsInAReset) {
  const auto published = file(100'000);
  ASSERT_EQ(::ftruncate(published->file.get(), 50'000), 0);
  site_.on_request = [&](const Request&) {
    return Answer{.status = 200, .fields = {}, .body = FilePart{.file = published, .offset = 0, .length = 100'000}};
  };
  auto& client = connect();
  client.send(get("/"));
  EXPECT_FALSE(client.reply().whole);
  EXPECT_EQ(client.closed(), Closed::reset);
}

TEST_F(SessionTest, ASlowClientGetsEveryByte) {
  constexpr std::size_t size = 5'000'000;
  const auto published = file(size);
  site_.on_request = [&](const Request& request) {
    if (request.path == "/text") return ScriptedSite::text(content(size));
    return Answer{.status = 200, .fields = {}, .body = FilePart{.file = published, .offset = 0, .length = size}};
  };
  auto& client = connect(4'096);
  client.send(get("/file") + get("/text"));
  EXPECT_EQ(client.reply().body, content(size));
  EXPECT_EQ(client.reply().body, content(size));
}

TEST_F(SessionTest, WhoGoesWhileSomethingIsSentEndsTheBody) {
  static std::promise<bool> ended;
  ended = {};
  stream({}, [](Out& out) -> Task<End> {
    const std::string piece(100'000, 'x');
    for (;;) {
      const bool sent = co_await out.send(piece, false);
      if (!sent) break;
    }
    ended.set_value(true);
    co_return End::cut;
  });
  connect().send(get("/"));
  client_->exactly(1'000);
  client_.reset();
  EXPECT_TRUE(ended.get_future().get());
}

// Deadlines.

TEST_F(SessionTest, AnIdleConnectionIsClosed) {
  bounds_.idle = milliseconds{1};
  EXPECT_EQ(connect().closed(), Closed::cleanly);
}

TEST_F(SessionTest, WaitingForARequestIsNotWaitingForItsEnd) {
  bounds_.head_in = milliseconds{1};
  auto& client = connect();
  client.send(get("/1"));
  EXPECT_EQ(client.reply().body, "/1");
}

TEST_F(SessionTest, AHeadThatDoesNotComeToItsEndIsClosed) {
  bounds_.head_in = milliseconds{1};
  for (const std::string text :
       {"GET", "GET / HTTP/1.1\r\nHost: a\r\n", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nbody"}) {
    auto& client = connect();
    client.send(text);
    EXPECT_NE(client.closed(), Closed::not_yet) << text;
  }
  EXPECT_TRUE(site_.seen().empty());
}

TEST_F(SessionTest, AClientThatTakesNothingIsCut) {
  bounds_.write_in = milliseconds{1};
  static std::promise<bool> ended;
  stream({}, [](Out& out) -> Task<End> {
    const std::string piece(1'000'000, 'x');
    for (;;) {
      const bool sent = co_await out.send(piece, false);
      if (!sent) break;
    }
    ended.set_value(true);
    co_return End::cut;
  });
  // Without a length and without chunks, a clean end of the connection would be the end of the body.
  for (const std::string version : {"1.1", "1.0"}) {
    ended = {};
    auto& client = connect(4'096);
    client.send("GET / HTTP/" + version + "\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(ended.get_future().get());
    EXPECT_EQ(client.closed(), Closed::reset) << version;
  }
}

}  // namespace
}  // namespace onetake::http
