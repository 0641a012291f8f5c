// HTTP/1.1 on the wire: connections that are kept, bounds, and what is not a request.

#include "story/story.hpp"

namespace onetake::story {
namespace {

/// A server with a ready recording, for stories that begin there.
class Wire : public testing::Test {
 protected:
  Wire() {
    server.has(call);
    server.play(call).until_the_end();
    EXPECT_EQ(server.settled("CA1"), "ready");
  }

  Provider provider;
  Server server{provider};
  Call call = provider.has("CA1", wav(100'044));
};

// One connection, one request after the other, whatever the answers are.
TEST_F(Wire, AConnectionIsKept) {
  auto connection = server.connect();
  const auto ask = [&](const std::string& method, const std::string& path, const Fields& fields = {},
                       const std::string& body = {}) {
    connection.send(server.request(method, path, fields, body));
    return connection.answer(method == "HEAD");
  };

  for (int round = 0; round < 3; ++round) {
    EXPECT_THAT(ask("GET", stream("CA1")), Has(200));
    EXPECT_THAT(ask("HEAD", stream("CA1")), Has(200));
    EXPECT_THAT(ask("GET", stream("CA1"), {"Range: bytes=10-19"}), Has(206));
    EXPECT_THAT(ask("GET", stream("CA1"), {"Range: bytes=0-9,20-29"}), Has(206));
    EXPECT_THAT(ask("GET", stream("CA1"), {"If-None-Match: *"}), Has(304));
    EXPECT_THAT(ask("GET", stream("CA1"), {"If-Match: \"x\""}), Has(412));
    EXPECT_THAT(ask("GET", stream("CA1"), {"Range: bytes=999999-"}), Has(416));
    EXPECT_THAT(ask("GET", recording("CA9")), Has(404));
    EXPECT_THAT(ask("PUT", recording("CA9"), {}, "{}"), Has(400));
    EXPECT_THAT(ask("DELETE", recording("CA9")), Has(404));
    EXPECT_THAT(ask("POST", recording("CA1") + "/fetch"), Has(200));
    EXPECT_THAT(ask("GET", recording("CA1"), {nobody}), Has(401));
    EXPECT_THAT(ask("OPTIONS", stream("CA1")), Has(204));
  }
  EXPECT_EQ(ask("GET", "/healthz").body, "ok\n");
}

// Also when the body before was live, with a length and in chunks.
TEST(LiveWire, AConnectionIsKept) {
  Provider provider;
  Server server{provider};
  auto sized = provider.has("CA1", speech(5s));
  auto unsized = provider.has("CA2", speech(5s)).answering(whole().chunked());
  server.has(sized);
  server.has(unsized);
  auto connection = server.connect();

  for (const auto& call : {sized, unsized}) {
    connection.send(server.request("GET", play(call.sid)));
    const auto got = connection.answer();
    EXPECT_THAT(got, AllOf(Has(200), Says("Connection", "")));
    EXPECT_TRUE(got.body == call.audio.bytes());
  }
  connection.send(server.request("GET", "/healthz"));
  EXPECT_THAT(connection.answer(), Has(200));
}

// Requests that are sent without waiting are answered in their order.
TEST_F(Wire, PipelinedRequestsAreAnsweredInOrder) {
  auto connection = server.connect();
  std::string requests;
  for (int i = 0; i < 50; ++i)
    requests += server.request("GET", stream("CA1"),
                               {"Range: bytes=" + std::to_string(i * 1000) + '-' + std::to_string(i * 1000 + 499)}) +
                server.request("HEAD", stream("CA1")) +
                server.request("PUT", recording("CA9"), {}, R"({"provider": "none"})");

  connection.send(requests);

  for (Bytes i = 0; i < 50; ++i) {
    const auto part = connection.answer();
    EXPECT_THAT(part, Has(206));
    EXPECT_TRUE(part.body == call.audio.bytes(i * 1000, 500)) << i;
    EXPECT_THAT(connection.answer(true), AllOf(Has(200), Says("Content-Length", "100044")));
    EXPECT_THAT(connection.answer(), Has(422));
  }
}

// A request may come a byte at a time, its body too.
TEST_F(Wire, ARequestMayComeInPieces) {
  auto connection = server.connect();
  const auto body = R"({"provider": "web", "source_url": ")" + call.media_url() + "\"}";

  for (const char c : server.request("PUT", recording("CA2"), {}, body)) connection.send({&c, 1});
  const auto counted = connection.answer();

  EXPECT_THAT(counted, Has(201));
}

// A target may name the server, as it does for a proxy: then the Host field does not count.
TEST_F(Wire, ATargetMayNameTheServer) {
  auto connection = server.connect();
  const auto ask = [&](const std::string& target) {
    connection.send("GET " + target + " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer acme-key\r\n\r\n");
    return connection.answer();
  };

  EXPECT_EQ(ask("http://x/healthz").body, "ok\n");
  EXPECT_EQ(ask("HTTPS://[::1]:8443/healthz?x=http://y").body, "ok\n");
  EXPECT_THAT(ask("http://x" + stream("CA1") + "?download=1"),
              AllOf(Has(200), Says("Content-Disposition", "attachment; filename=\"CA1.wav\"")));
  EXPECT_THAT(ask("http://x/api/nothing"), IsProblem(404, "route_not_found"));
  EXPECT_EQ(ask("http://x").body, ask("/").body);
  EXPECT_EQ(ask("http://x?a=/healthz").body, ask("/").body);
}

// A body in chunks is a body; who waits for leave to send it gets it.
TEST_F(Wire, ABodyMayComeInChunks) {
  auto connection = server.connect();
  const auto body = R"({"provider": "web", "source_url": ")" + call.media_url() + "\"}";
  char size[16];
  std::snprintf(size, sizeof size, "%zx", body.size());

  connection.send(
      "PUT /api/recordings/CA2 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer acme-key\r\nExpect: 100-continue\r\n"
      "Transfer-Encoding: chunked\r\n\r\n");
  connection.send(std::string{size} + "\r\n" + body + "\r\n0\r\n\r\n" + server.request("GET", "/healthz"));

  EXPECT_THAT(connection.answer(), Has(201));
  EXPECT_THAT(connection.answer(), Has(200));
}

// HTTP/1.0 closes unless it is asked not to; HTTP/1.1 keeps unless it is asked to close.
TEST_F(Wire, ConnectionsEndWhenTheyShould) {
  const auto get = [&](const std::string& version, const std::string& more) {
    auto connection = server.connect();
    connection.send("GET /healthz HTTP/" + version + "\r\nHost: a\r\n" + more + "\r\n");
    const auto first = connection.answer();
    EXPECT_THAT(first, Has(200));
    if (first.field("Connection") == "close") {
      EXPECT_EQ(connection.until_closed(), "");
      return false;
    }
    connection.send("GET /healthz HTTP/" + version + "\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(connection.answer(), AllOf(Has(200), Says("Connection", "close")));
    EXPECT_EQ(connection.until_closed(), "");
    return true;
  };

  EXPECT_FALSE(get("1.0", ""));
  EXPECT_TRUE(get("1.0", "Connection: keep-alive\r\n"));
  EXPECT_TRUE(get("1.1", ""));
  EXPECT_FALSE(get("1.1", "Connection: close\r\n"));
}

// What is no request is refused, and the connection ends: what follows could be anything.
TEST_F(Wire, RefusesWhatIsNoRequest) {
  for (const auto& text : std::vector<std::string>{
           "hello\r\n\r\n",
           "GET\r\n\r\n",
           "GET /healthz\r\n\r\n",
           "GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n",
           "GET /healthz HTTP/1.1\r\nHost a\r\n\r\n",
           "GET /healthz HTTP/1.1\r\nHost : a\r\n\r\n",
           "GET /healthz HTTP/1.1\r\n\r\n",
           "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
           "GET /heal\x01thz HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET http:///healthz HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET http://a@b/healthz HTTP/1.1\r\nHost: a\r\n\r\n",
           "POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
           "POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1x\r\n\r\n",
           "POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
           "POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "POST /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n\r\n",
       }) {
    auto connection = server.connect();
    connection.send(text);
    const auto got = connection.answer();
    EXPECT_THAT(got, AllOf(IsProblem(400, "bad_request"), Says("Connection", "close"))) << text;
    EXPECT_EQ(connection.until_closed(), "") << text;
  }
}

// More than a request may be is refused before it is read, and whoever sends it gets to read why.
TEST_F(Wire, RefusesWhatIsTooMuch) {
  auto many = server.connect();
  many.send("GET /healthz HTTP/1.1\r\nHost: a\r\nX-Long: " + std::string(20'000, 'x') + "\r\n\r\n");
  EXPECT_THAT(many.answer(), AllOf(IsProblem(431, "header_too_large"), Says("Connection", "close")));
  EXPECT_EQ(many.until_closed(), "");

  auto target = server.connect();
  target.send("GET /" + std::string(20'000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(target.answer(), IsProblem(431, "header_too_large"));

  auto counted = server.connect();
  counted.send(server.request("PUT", recording("CA2"), {}, std::string(65'537, ' ')));
  EXPECT_THAT(counted.answer(), AllOf(IsProblem(413, "payload_too_large"), Says("Connection", "close")));
  EXPECT_EQ(counted.until_closed(), "");

  auto chunked = server.connect();
  chunked.send(
      "PUT /api/recordings/CA2 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer acme-key\r\nTransfer-Encoding: "
      "chunked\r\n\r\n"
      "10001\r\n" +
      std::string(65'537, ' ') + "\r\n0\r\n\r\n");
  EXPECT_THAT(chunked.answer(), IsProblem(413, "payload_too_large"));

  EXPECT_THAT(server.put(recording("CA2"), std::string(65'536, ' ')), IsProblem(400, "bad_body"));
  EXPECT_THAT(server.get("/healthz", {"X-Long: " + std::string(15'000, 'x')}), Has(200));
}

// HEAD is answered wherever GET is, never with a body.
TEST_F(Wire, HeadHasNoBody) {
  for (const auto& path :
       {std::string{"/healthz"}, std::string{"/readyz"}, std::string{"/metrics"}, std::string{"/api/recordings"},
        std::string{"/api/runs"}, recording("CA1"), recording("CA9"), stream("CA1"), std::string{"/api/nothing"}}) {
    auto connection = server.connect();
    connection.send(server.request("HEAD", path) + server.request("GET", "/healthz"));
    const auto head = connection.answer(true);
    EXPECT_NE(head.field("Content-Length"), "") << path;
    EXPECT_EQ(head.status, server.get(path).status) << path;
    EXPECT_EQ(connection.answer().body, "ok\n") << path;
  }
}

// What a path can do is told; what it cannot do is refused with the same list.
TEST_F(Wire, SaysWhatIsAllowed) {
  const std::vector<std::pair<std::string, std::string>> allowed{{"/api/recordings", "GET, HEAD"},
                                                                 {recording("CA1"), "PUT, GET, HEAD, DELETE"},
                                                                 {stream("CA1"), "GET, HEAD"},
                                                                 {recording("CA1") + "/fetch", "POST"},
                                                                 {"/healthz", "GET, HEAD"}};
  for (const auto& [path, methods] : allowed) {
    EXPECT_THAT(server.ask("OPTIONS", path), AllOf(Has(204), Says("Allow", methods))) << path;
    EXPECT_THAT(server.ask("PATCH", path), AllOf(IsProblem(405, "method_not_allowed"), Says("Allow", methods))) << path;
  }
  EXPECT_THAT(server.del(stream("CA1")), Has(405));
  EXPECT_THAT(server.ask("TRACE", "/"), Has(405));
}

// What the contract has and this version has not says so; what nobody knows is not found.
TEST_F(Wire, KnowsWhatItHasNot) {
  EXPECT_THAT(server.get(recording("CA1") + "/peaks"), IsProblem(501, "not_implemented"));
  EXPECT_THAT(server.post("/webhooks/acme/main"), IsProblem(501, "not_implemented"));
  EXPECT_THAT(server.get("/api/openapi.json"), IsProblem(501, "not_implemented"));
  EXPECT_THAT(server.get("/api/tenants", {admin}), IsProblem(501, "not_implemented"));
  EXPECT_THAT(server.get("/api/nothing"), IsProblem(404, "route_not_found"));
  EXPECT_THAT(server.get("/api/recordings/CA1/stream/more"), IsProblem(404, "route_not_found"));
  EXPECT_THAT(server.get("/api/recordings/"), IsProblem(404, "route_not_found"));
}

// Other origins may use the API only where the operator named them.
TEST(Origins, AreNamedByTheOperator) {
  Provider provider;
  Server server{provider, {{"security.cors_origins", "[\"https://app.example.com\"]"}}};
  auto call = provider.has("CA1", speech(1s));
  server.has(call);

  const auto named = server.get(recording("CA1"), {"Origin: https://app.example.com"});
  const auto other = server.get(recording("CA1"), {"Origin: https://evil.example.com"});
  const auto preflight = server.ask("OPTIONS", stream("CA1"),
                                    {nobody, "Origin: https://app.example.com", "Access-Control-Request-Method: GET"});

  EXPECT_THAT(named, AllOf(Has(200), Says("Access-Control-Allow-Origin", "https://app.example.com"),
                           Says("Access-Control-Allow-Credentials", "")));
  EXPECT_THAT(other, AllOf(Has(200), Says("Access-Control-Allow-Origin", "")));
  EXPECT_THAT(preflight, AllOf(Has(204), Says("Access-Control-Allow-Origin", "https://app.example.com")));
  EXPECT_THAT(preflight.field("Access-Control-Allow-Headers"), AllOf(HasSubstr("Range"), HasSubstr("Authorization")));
}

// What an answer varies by stands in one line, whatever said it.
TEST(Origins, AreOneMoreThingThatAnswersVaryBy) {
  Provider provider;
  Server server{provider, {{"security.cors_origins", "[\"https://app.example.com\"]"}}};
  auto call = provider.has("CA1", speech(1s));
  server.has(call);
  const auto pending = server.head(play("CA1"));
  EXPECT_EQ(server.settled("CA1"), "ready");

  EXPECT_THAT(pending.head, HasSubstr("\r\nVary: Prefer, Origin\r\n"));
  EXPECT_THAT(server.get(stream("CA1")).head, HasSubstr("\r\nVary: Prefer, Authorization, Cookie, Origin\r\n"));
  EXPECT_THAT(server.get("/healthz").head, HasSubstr("\r\nVary: Origin\r\n"));
}

}  // namespace
}  // namespace onetake::story
