// What every adapter that asks over HTTP does alike: one suite, each type.
#include <gmock/gmock.h>

#include "provider/harness_test.hpp"
#include "provider/scripted_server_test.hpp"
#include "provider/settings.hpp"

namespace onetake::provider::test {
namespace {

using namespace std::chrono_literals;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr const char* secret = "s3cret";

struct Adapter {
  const char* type;
  const char* path;           ///< of the recording
  const char* authorization;  ///< what its requests carry
  Settings (*settings)(const std::string& host);
};

Settings http_settings(const std::string&) {
  return {.name = "main",
          .type = "http",
          .allowed_hosts = {"127.0.0.1"},
          .headers = {{"Authorization", std::string{"Bearer "} + secret}}};
}

Settings twilio_settings(const std::string& base) {
  return {.name = "main", .type = "twilio", .base_url = base, .account_sid = "AC1", .auth_token = secret};
}

void PrintTo(const Adapter& adapter, std::ostream* out) { *out << adapter.type; }

class Adapters : public testing::TestWithParam<Adapter> {
 protected:
  void serve(ScriptedServer::Script script) {
    server = std::make_unique<ScriptedServer>(std::move(script));
    provider = make(GetParam().settings(server->url("")), limits, harness.transfers());
  }
  void always(std::string bytes) {
    serve([bytes = std::move(bytes)](const Seen&, Peer& peer) { peer.send(bytes); });
  }
  [[nodiscard]] Ask ask() const { return asking(server->url(GetParam().path)); }
  Outcome fetch() { return harness.run(provider->fetch(ask(), sink)); }
  Outcome fetch(Ask wish) { return harness.run(provider->fetch(std::move(wish), sink)); }
  Outcome resume(Bytes from, std::string validator) {
    auto wish = ask();
    wish.from = from;
    wish.validator = std::move(validator);
    return fetch(std::move(wish));
  }
  [[nodiscard]] double media_requests(const std::string& code) const {
    return counted("onetake_provider_requests_total",
                   "code=\"" + code + "\",provider=\"" + std::string{provider->type()} + '"');
  }
  [[nodiscard]] double other_requests(const std::string& kind) const {
    return counted("onetake_provider_other_requests_total",
                   "kind=\"" + kind + "\",provider=\"" + std::string{provider->type()} + '"');
  }

  Limits limits = loopback_limits();
  Harness harness;
  KeepingSink sink;
  std::unique_ptr<ScriptedServer> server;
  std::shared_ptr<Provider> provider;
};

INSTANTIATE_TEST_SUITE_P(Types, Adapters,
                         testing::Values(Adapter{"http", "/a.wav", "Bearer s3cret", &http_settings},
                                         Adapter{"twilio", "/2010-04-01/Accounts/AC1/Recordings/RE1",
                                                 "Basic QUMxOnMzY3JldA==", &twilio_settings}),
                         [](const auto& one) { return std::string{one.param.type}; });

MATCHER_P(EndedBy, cause, "") {
  if (arg) return false;
  *result_listener << name(arg.error().setback.cause) << ": " << arg.error().setback.detail;
  return arg.error().setback.cause == cause;
}

TEST_P(Adapters, DeliverARecordingInOneRequest) {
  always(answer("200 OK", "hello", "ETag: \"v1\"\r\nContent-MD5: XUFAKrxLKna5cZ2REBfFkg==\r\n"));
  const auto before = media_requests("200");
  const auto bytes =
      counted("onetake_provider_received_bytes_total", "provider=\"" + std::string{GetParam().type} + '"');

  const auto outcome = fetch();

  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->framing, Framing::length);
  EXPECT_EQ(sink.bytes, "hello");
  ASSERT_EQ(sink.begins, 1);
  EXPECT_EQ(sink.heads[0].offset, 0);
  EXPECT_EQ(sink.heads[0].total, 5);
  EXPECT_EQ(sink.heads[0].validator, "\"v1\"");
  EXPECT_THAT(sink.heads[0].digests, SizeIs(1));
  EXPECT_THAT(server->seen(), SizeIs(1));
  EXPECT_EQ(server->seen()[0].field("authorization"), GetParam().authorization);
  EXPECT_EQ(server->seen()[0].fields.count("range"), 0);
  EXPECT_EQ(media_requests("200") - before, 1);
  EXPECT_EQ(
      counted("onetake_provider_received_bytes_total", "provider=\"" + std::string{GetParam().type} + '"') - bytes, 5);
}

TEST_P(Adapters, DeliverWithoutALength) {
  serve([n = 0](const Seen&, Peer& peer) mutable {
    if (n++ == 0)
      return peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("hello") + "0\r\n\r\n");
    peer.send("HTTP/1.1 200 OK\r\n\r\nhello");
    peer.close();
  });
  const auto chunked = fetch();
  ASSERT_TRUE(chunked);
  EXPECT_EQ(chunked->framing, Framing::chunked);
  EXPECT_EQ(sink.heads[0].total, std::nullopt);
  const auto closed = fetch();
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->framing, Framing::until_close);
  EXPECT_EQ(sink.heads[1].framing, Framing::until_close);
  EXPECT_EQ(sink.bytes, "hello");
}

TEST_P(Adapters, DeliverNothingAtAll) {
  always(answer("200 OK", ""));
  ASSERT_TRUE(fetch());
  EXPECT_EQ(sink.heads.at(0).total, 0);
}

TEST_P(Adapters, SayWhatEveryRefusalMeans) {
  struct Row {
    const char* status;
    Cause cause;
  };
  for (const auto& row :
       {Row{"401 Unauthorized", Cause::unauthorized}, Row{"403 Forbidden", Cause::forbidden},
        Row{"404 Not Found", Cause::not_ready}, Row{"410 Gone", Cause::gone},
        Row{"429 Too Many Requests", Cause::throttled}, Row{"400 Bad Request", Cause::unavailable},
        Row{"408 Request Timeout", Cause::unavailable}, Row{"500 Internal Server Error", Cause::unavailable},
        Row{"503 Service Unavailable", Cause::unavailable}}) {
    always(answer(row.status, "{\"code\": 1, \"message\": \"s3cret\"}", "Retry-After: 7\r\n"));
    const auto outcome = fetch();
    ASSERT_THAT(outcome, EndedBy(row.cause)) << row.status;
    EXPECT_EQ(outcome.error().setback.provider_status, std::stoi(row.status));
    EXPECT_EQ(outcome.error().retry_after, 7s);
    EXPECT_THAT(outcome.error().setback.detail, Not(HasSubstr(secret)));
    EXPECT_EQ(sink.begins, 0) << row.status;
  }
}

TEST_P(Adapters, AskOnceWhereTheAnswerIsFinal) {
  for (const char* status :
       {"401 Unauthorized", "403 Forbidden", "410 Gone", "429 Too Many Requests", "503 Unavailable"}) {
    always(answer(status, ""));
    const auto before = media_requests(std::string{status}.substr(0, 3));
    EXPECT_FALSE(fetch().has_value()) << status;
    EXPECT_THAT(server->seen(), SizeIs(1)) << status;
    EXPECT_EQ(media_requests(std::string{status}.substr(0, 3)) - before, 1) << status;
  }
}

TEST_P(Adapters, ThatAreCutAreInterrupted) {
  serve([](const Seen&, Peer& peer) {
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    peer.close();
  });
  EXPECT_THAT(fetch(), EndedBy(Cause::interrupted));
  EXPECT_EQ(sink.bytes, "hello");
}

TEST_P(Adapters, ThatAnswerNothingAreCountedAsErrors) {
  serve([](const Seen&, Peer& peer) { peer.close(); });
  const auto before = media_requests("error");
  const auto outcome = fetch();
  EXPECT_THAT(outcome, EndedBy(Cause::unreachable));
  EXPECT_EQ(outcome.error().setback.provider_status, 0);
  EXPECT_EQ(media_requests("error") - before, 1);
}

TEST_P(Adapters, GoOnWhereTheyStopped) {
  always(answer("206 Partial Content", "lo",
                "Content-Range: bytes 3-4/5\r\nETag: \"v1\"\r\nContent-MD5: XUFAKrxLKna5cZ2REBfFkg==\r\n"));
  ASSERT_TRUE(resume(3, "\"v1\""));
  EXPECT_EQ(server->seen().at(0).field("range"), "bytes=3-");
  EXPECT_EQ(server->seen().at(0).field("if-range"), "\"v1\"");
  ASSERT_EQ(sink.begins, 1);
  EXPECT_EQ(sink.heads[0].offset, 3);
  EXPECT_EQ(sink.heads[0].total, 5);
  EXPECT_THAT(sink.heads[0].digests, IsEmpty()) << "it is not the part's";
  EXPECT_EQ(sink.bytes, "lo");
}

TEST_P(Adapters, BeginAgainWhereTheProviderDoes) {
  always(answer("200 OK", "HELLO", "ETag: \"v2\"\r\n"));
  ASSERT_TRUE(resume(3, "\"v1\""));
  EXPECT_EQ(sink.heads.at(0).offset, 0);
  EXPECT_EQ(sink.heads.at(0).validator, "\"v2\"");
  EXPECT_THAT(server->seen(), SizeIs(1));
}

TEST_P(Adapters, AskForTheStartWhereTheRestIsOfSomethingElse) {
  for (const auto& odd :
       {answer("206 Partial Content", "lo", "Content-Range: bytes 2-4/5\r\nETag: \"v1\"\r\n"),
        answer("206 Partial Content", "lo", "Content-Range: bytes 3-4/5\r\nETag: \"v2\"\r\n"),
        answer("206 Partial Content", "l", "Content-Range: bytes 3-4/5\r\n"),
        answer("206 Partial Content", "l", "Content-Range: bytes 3-3/5\r\n"),
        answer("206 Partial Content", "lo", "Content-Range: bytes 3-4/*\r\n"), answer("206 Partial Content", "lo"),
        answer("416 Range Not Satisfiable", "", "Content-Range: bytes */2\r\n")}) {
    KeepingSink fresh;
    serve([odd](const Seen& seen, Peer& peer) {
      peer.send(seen.field("range").empty() ? answer("200 OK", "HELLO") : odd);
    });
    auto wish = ask();
    wish.from = 3;
    wish.validator = "\"v1\"";
    ASSERT_TRUE(harness.run(provider->fetch(std::move(wish), fresh))) << odd;
    EXPECT_EQ(fresh.begins, 1) << odd;
    EXPECT_EQ(fresh.heads.at(0).offset, 0) << odd;
    EXPECT_EQ(fresh.bytes, "HELLO") << odd;
    EXPECT_THAT(server->seen(), SizeIs(2)) << odd;
  }
}

TEST_P(Adapters, AskForTheStartWithoutAValidator) {
  always(answer("200 OK", "hello"));
  ASSERT_TRUE(resume(3, ""));
  EXPECT_EQ(server->seen().at(0).fields.count("range"), 0);
}

TEST_P(Adapters, HoldAPartToItsRange) {
  serve([](const Seen&, Peer& peer) {
    peer.send("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 3-9/10\r\nTransfer-Encoding: chunked\r\n\r\n" +
              chunk("lo") + "0\r\n\r\n");
  });
  EXPECT_THAT(resume(3, "\"v1\""), EndedBy(Cause::interrupted));
}

TEST_P(Adapters, TakeNoPartForTheWhole) {
  always(answer("206 Partial Content", "hello", "Content-Range: bytes 0-4/10\r\n"));
  EXPECT_THAT(fetch(), EndedBy(Cause::unavailable));
  EXPECT_EQ(sink.begins, 0);
}

TEST_P(Adapters, TakeNoContentCoding) {
  always(answer("200 OK", "hello", "Content-Encoding: gzip\r\n"));
  EXPECT_THAT(fetch(), EndedBy(Cause::wrong_content));
  EXPECT_EQ(sink.begins, 0);
  always(answer("200 OK", "hello", "Content-Encoding: identity\r\n"));
  EXPECT_TRUE(fetch());
}

TEST_P(Adapters, TakeNothingTooLarge) {
  limits.max_recording_bytes = 5;
  always(answer("200 OK", "hello"));
  EXPECT_TRUE(fetch());
  always(answer("200 OK", "hello!"));
  EXPECT_THAT(fetch(), EndedBy(Cause::too_large));
  EXPECT_EQ(sink.begins, 1) << "known before the first byte";
  serve([](const Seen&, Peer& peer) {
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("hello") + chunk("!") + "0\r\n\r\n");
  });
  EXPECT_THAT(fetch(), EndedBy(Cause::too_large));
}

TEST_P(Adapters, EndWhereTheSinkSaysSo) {
  always(answer("200 OK", "hello"));
  sink.on_begin = [] { return false; };
  EXPECT_THAT(fetch(), EndedBy(Cause::internal));
  sink.on_begin = nullptr;
  sink.on_data = [] { return false; };
  EXPECT_THAT(fetch(), EndedBy(Cause::internal));
  EXPECT_THAT(server->seen(), SizeIs(2));
}

TEST_P(Adapters, EndWhenTheyAreToStop) {
  std::stop_source stop;
  serve([&](const Seen&, Peer& peer) {
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    stop.request_stop();
    peer.wait_for_close();
  });
  auto wish = ask();
  wish.stop = stop.get_token();
  EXPECT_THAT(fetch(std::move(wish)), EndedBy(Cause::internal));
}

TEST_P(Adapters, EndAtTheirDeadlines) {
  serve([](const Seen&, Peer& peer) {
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    peer.wait_for_close();
  });
  auto wish = ask();
  wish.deadline = in(100ms);
  EXPECT_THAT(fetch(std::move(wish)), EndedBy(Cause::timed_out));
  limits.stall_timeout = 100ms;
  provider = make(GetParam().settings(server->url("")), limits, harness.transfers());
  EXPECT_THAT(fetch(), EndedBy(Cause::stalled));
}

TEST_P(Adapters, FollowRedirectsOfTheSameOriginWithTheirCredentials) {
  serve([](const Seen& seen, Peer& peer) {
    peer.send(seen.target == "/there?x=1" ? answer("200 OK", "hello")
                                          : answer("302 Found", "go there", "Location: /there?x=1\r\n"));
  });
  const auto media = media_requests("200");
  const auto redirects = other_requests("redirect");
  ASSERT_TRUE(fetch());
  EXPECT_EQ(sink.bytes, "hello");
  ASSERT_THAT(server->seen(), SizeIs(2));
  EXPECT_EQ(server->seen()[1].field("authorization"), GetParam().authorization);
  EXPECT_EQ(media_requests("200") - media, 1);
  EXPECT_EQ(other_requests("redirect") - redirects, 1);
}

TEST_P(Adapters, LeaveTheirCredentialsAtTheirOrigin) {
  // Back at the first origin they stay off: the way there led through another one.
  ScriptedServer other{[&](const Seen& seen, Peer& peer) {
    peer.send(answer("307 Temporary Redirect", "", "Location: " + server->url("/back") + "\r\n"));
    EXPECT_EQ(seen.fields.count("authorization"), 0);
  }};
  serve([&](const Seen& seen, Peer& peer) {
    peer.send(seen.target == "/back" ? answer("200 OK", "hello")
                                     : answer("302 Found", "", "Location: " + other.url("/x?sig=1") + "\r\n"));
  });
  ASSERT_TRUE(fetch());
  EXPECT_EQ(sink.bytes, "hello");
  EXPECT_EQ(other.targets().at(0), "/x?sig=1");
  ASSERT_THAT(server->seen(), SizeIs(2));
  EXPECT_EQ(server->seen()[1].fields.count("authorization"), 0);
}

TEST_P(Adapters, FollowFiveRedirectsAndNoMore) {
  serve([](const Seen& seen, Peer& peer) {
    const int n = seen.target.starts_with("/hop") ? std::stoi(seen.target.substr(4)) : 0;
    if (n == 5) return peer.send(answer("200 OK", "hello"));
    peer.send(answer("301 Moved", "", "Location: /hop" + std::to_string(n + 1) + "\r\n"));
  });
  EXPECT_TRUE(fetch());
  EXPECT_THAT(server->seen(), SizeIs(6));

  always(answer("301 Moved", "", "Location: /again?s3cret\r\n"));
  const auto outcome = fetch();
  EXPECT_THAT(outcome, EndedBy(Cause::unavailable));
  EXPECT_THAT(outcome.error().setback.detail, Not(HasSubstr(secret)));
  EXPECT_THAT(server->seen(), SizeIs(6));
}

TEST_P(Adapters, FollowNoRedirectToWhereSourcesMayNotLie) {
  limits.allow_addresses = {Cidr::parse("127.0.0.1").value()};
  std::string location;
  serve([&](const Seen&, Peer& peer) { peer.send(answer("302 Found", "", "Location: " + location + "\r\n")); });
  const auto port = std::to_string(server->port());
  for (const auto& odd :
       {"http://127.0.0.2:" + port + "/", "http://[::1]:" + port + "/", std::string{"http://169.254.169.254/"},
        "http://0:" + port + "/", std::string{"https://10.0.0.1/"}, std::string{"ftp://127.0.0.1/"},
        std::string{"file:///etc/passwd"}, "http://user:s3cret@127.0.0.1:" + port + "/", std::string{"https://"}}) {
    location = odd;
    const auto outcome = fetch();
    EXPECT_THAT(outcome, EndedBy(Cause::refused)) << odd;
    EXPECT_THAT(outcome.error().setback.detail, Not(HasSubstr(secret)));
  }
  EXPECT_THAT(server->seen(), Each(testing::Field(&Seen::target, Not("/"))));
}

TEST_P(Adapters, AskNobodyWhereTheSourceMayNotLie) {
  limits.allow_addresses = {};
  always(answer("200 OK", "hello"));
  EXPECT_THAT(fetch(), EndedBy(Cause::refused));
  limits = loopback_limits();
  limits.allow_plain_http = false;
  provider = make(GetParam().settings(server->url("")), limits, harness.transfers());
  EXPECT_THAT(fetch(), EndedBy(Cause::refused));
  EXPECT_EQ(server->connections(), 0);
  EXPECT_EQ(provider->admits(ask().recording.registered).error().fault, Fault::source_not_allowed);
}

TEST_P(Adapters, AdmitNoCredentialsInASource) {
  always(answer("200 OK", "hello"));
  Registration registration = ask().recording.registered;
  EXPECT_TRUE(provider->admits(registration));
  registration.source_url.replace(0, 7, "http://user:s3cret@");
  const auto admitted = provider->admits(registration);
  ASSERT_FALSE(admitted);
  EXPECT_EQ(admitted.error().fault, Fault::source_not_allowed);
  EXPECT_THAT(admitted.error().detail, Not(HasSubstr(secret)));
}

}  // namespace
}  // namespace onetake::provider::test
