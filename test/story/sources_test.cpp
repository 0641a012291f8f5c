// Where recordings may lie: what a tenant may register, and what happens to what was there before.

#include "story/story.hpp"

namespace onetake::story {
namespace {

std::string source(const std::string& provider, const std::string& url) {
  return R"({"provider": ")" + provider + R"(", "source_url": ")" + url + "\"}";
}

// A source outside of what the provider is configured for is refused, whatever way it is written.
TEST(Sources, AreWhereTheProviderMayGo) {
  Provider provider;
  Server server{provider};
  const auto port = provider.base_url().substr(provider.base_url().rfind(':'));

  for (const auto& [name, url] : std::vector<std::pair<std::string, std::string>>{
           {"web", "http://example.com/a.wav"},
           {"web", "https://127.0.0.1/a.wav"},
           {"web", "http://127.0.0.1:1/a.wav"},
           {"web", "http://127.0.0.2" + port + "/a.wav"},
           {"web", "http://user:pass@127.0.0.1" + port + "/a.wav"},
           {"web", "ftp://127.0.0.1" + port + "/a.wav"},
           {"web", "file:///etc/passwd"},
           {"anywhere", "http://10.0.0.1/a.wav"},
           {"anywhere", "http://10.1/a.wav"},
           {"anywhere", "http://167772161/a.wav"},
           {"anywhere", "http://0x0a000001/a.wav"},
           {"anywhere", "http://0xa.0.0.1/a.wav"},
           {"anywhere", "http://012.0.0.1/a.wav"},
           {"anywhere", "http://10.0.0.1./a.wav"},
           {"anywhere", "http://192.168.1.1/a.wav"},
           {"anywhere", "http://172.16.0.1/a.wav"},
           {"anywhere", "http://169.254.169.254/latest/meta-data"},
           {"anywhere", "http://0.0.0.0/a.wav"},
           {"anywhere", "http://[::1]/a.wav"},
           {"anywhere", "http://[::]/a.wav"},
           {"anywhere", "http://[fd00::1]/a.wav"},
           {"anywhere", "http://[fe80::1]/a.wav"},
           {"anywhere", "http://[::ffff:10.0.0.1]/a.wav"},
           {"anywhere", "http://[64:ff9b::10.0.0.1]/a.wav"},
           {"anywhere", "http://example.com:0/a.wav"},
           {"anywhere", "http://example.com:65536/a.wav"},
           {"main", "http://example.com/2010-04-01/Accounts/AC/Recordings/RE1"},
           {"main", provider.base_url() + "/media/CA1"},
           {"main", provider.base_url() + "/2010-04-01/Accounts/AC/../../Recordings/RE1"},
           {"none", "http://example.com/a.wav"},
       })
    EXPECT_THAT(server.put(recording("CA1"), source(name, url)), IsProblem(422, "source_not_allowed"))
        << name << ' ' << url;

  EXPECT_THAT(server.get(recording("CA1")), Has(404));
  EXPECT_EQ(provider.counters().requests, 0);
}

// What the operator allowed may be registered.
TEST(Sources, AreWhatTheOperatorAllowed) {
  Provider provider;
  Server server{provider};
  unsigned n = 0;

  for (const auto& [name, url] : std::vector<std::pair<std::string, std::string>>{
           {"web", provider.base_url() + "/media/CA1"},
           {"anywhere", "https://media.example.com/a b.wav?token=1"},
           {"anywhere", "http://127.9.9.9/a.wav"},
           {"anywhere", "http://localhost/a.wav"},
           {"anywhere", "https://93.184.216.34/a.wav"},
           {"anywhere", "https://[2606:2800:220:1::1]/a.wav"},
       })
    EXPECT_THAT(server.put(recording("CA" + std::to_string(++n)), source(name, url)), Has(201)) << url;
}

// Unless it is allowed, plain HTTP is not, and neither is this machine.
TEST(Sources, AreEncryptedAndElsewhereUnlessAllowed) {
  Provider provider;
  Server server{provider, {{"fetch.allow_plain_http", "false"}, {"fetch.allow_addresses", "[]"}}};

  for (const auto* url :
       {"http://example.com/a.wav", "https://127.0.0.1/a.wav", "https://2130706433/a.wav", "https://127.1/a.wav",
        "https://localhost/a.wav", "https://LOCALHOST./a.wav", "https://a.localhost/a.wav", "https://[::1]/a.wav"})
    EXPECT_THAT(server.put(recording("CA1"), source("anywhere", url)), IsProblem(422, "source_not_allowed")) << url;
  EXPECT_THAT(server.put(recording("CA1"), source("anywhere", "https://example.com/a.wav")), Has(201));
}

// A redirect leads no further than a registration may.
TEST(Sources, ARedirectLeadsNoFurther) {
  Provider provider;
  Provider elsewhere;
  Server server{provider};
  auto there = elsewhere.has("CA9", speech(5s));
  unsigned n = 0;

  for (const auto& to : {std::string{"http://10.0.0.1/a.wav"}, there.media_url(), std::string{"file:///etc/passwd"},
                         std::string{"http://[::1]:1/"}}) {
    auto call = provider.has("CA" + std::to_string(++n), speech(5s)).behind_redirect_to(to);
    server.has(call, "web");
    const auto got = server.get(play(call.sid));
    EXPECT_THAT(got, IsProblem(500, "fetch_failed")) << to;
    EXPECT_THAT(got["/detail"], HasSubstr("refused")) << to;
    EXPECT_EQ(call.counters().redirects, 1) << to;
  }
  EXPECT_EQ(elsewhere.counters().requests, 0);
}

// A registration says what is not understood in it.
TEST(Sources, AreUnderstoodOrNot) {
  Provider provider;
  Server server{provider};
  const auto with = [&](const std::string& more) {
    return R"({"provider": "web", "source_url": ")" + provider.base_url() + R"(/media/CA1", )" + more + "}";
  };

  for (const auto& body :
       {std::string{}, std::string{"{"}, std::string{"[]"}, std::string{"null"}, std::string{"{}"},
        std::string{R"({"provider": 7})"}, std::string{R"({"provider": "web"})"}, source("web", "not a URL"),
        source("web", "/media/CA1"), with(R"("started_at": "yesterday")"), with(R"("channels": 0)"),
        with(R"("duration_seconds": -1)"), with(R"("labels": {"a": 1})"), with(R"("labels": [])"), with(R"("from": 1)"),
        with(R"("from": ")" + std::string(300, 'x') + '"')})
    EXPECT_THAT(server.put(recording("CA1"), body), IsProblem(400, "bad_body")) << body;
  EXPECT_THAT(server.put(recording("CA1"), with(R"("recording_sid": "a/b")")), IsProblem(400, "bad_call_sid"));
  EXPECT_THAT(server.put(recording("CA1"), with(R"("unknown": {"to": ["a", "client"]}, "from": null)")), Has(201));
}

// Registered again as it is, nothing happens; with other words about it, they are taken and the audio stays.
TEST(Sources, RegisteringIsIdempotent) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s));

  const auto first = server.has(
      call, "web", R"("from": "+15550100", "labels": {"team": "north"}, "started_at": "2026-11-22T10:00:00+01:00")");
  server.play(call).until_the_end();
  EXPECT_EQ(server.settled("CA1"), "ready");
  const auto again = server.has(
      call, "web", R"("from": "+15550100", "labels": {"team": "north"}, "started_at": "2026-11-22T09:00:00Z")");
  const auto other = server.has(call, "web", R"("from": "+15550199")");

  EXPECT_THAT(first, AllOf(Has(201), Says("Location", "/api/recordings/CA1")));
  EXPECT_EQ(first["/state"], "remote");
  EXPECT_EQ(first["/labels/team"], "north");
  EXPECT_EQ(first["/started_at"], "2026-11-22T09:00:00.000Z");
  EXPECT_THAT(again, Has(200));
  EXPECT_EQ(again["/id"], first["/id"]);
  EXPECT_EQ(again["/state"], "ready");
  EXPECT_THAT(other, Has(200));
  EXPECT_EQ(other["/id"], first["/id"]);
  EXPECT_EQ(other["/from"], "+15550199");
  EXPECT_EQ(other["/labels"], "{}");
  EXPECT_EQ(other["/state"], "ready");
  EXPECT_THAT(server.get(stream("CA1")), Has(200));
  EXPECT_EQ(call.requests(), 1);
}

// Registered again with the same source in mid-body, nobody is disturbed who hears it, live or ready.
TEST(Sources, RegisteringAgainCutsNobody) {
  Provider provider;
  Server server{provider};
  auto ready = provider.has("CA1", wav(32'000'000));
  auto arriving = provider.has("CA2", speech(10s)).answering(hold_at(0.5, "half"));
  server.has(ready);
  server.has(arriving);
  EXPECT_EQ(server.fetched("CA1"), "ready");
  auto of_ready = server.play(ready, 3, {}, Pace::slow);
  auto of_arriving = server.play(arriving, 3);
  of_ready.until_heard(1000);
  of_arriving.until_heard(1000);

  EXPECT_THAT(server.has(ready, "main", R"("labels": {"a": "b"})"), Has(200));
  EXPECT_THAT(server.has(arriving, "main", R"("labels": {"a": "b"})"), Has(200));
  arriving.release("half");
  of_ready.until_the_end();
  of_arriving.until_the_end();

  EXPECT_THAT(of_ready, Each(HeardExactly(ready.audio)));
  EXPECT_THAT(of_arriving, Each(HeardExactly(arriving.audio)));
  EXPECT_EQ(arriving.requests(), 1);
}

// Registered with another source while it is fetched: the run is cancelled, listeners are cut, and the next Play is of
// the other.
TEST(Sources, AnotherSourceCancelsTheFetch) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(10s, {.seed = 1})).answering(hold_at(0.5, "half"));
  auto other = provider.has("CA2", speech(10s, {.seed = 2}));
  server.has(call, "web");
  auto people = server.play(call, 20);
  people.until_heard(1000);
  const auto run = server.head(stream("CA1")).field("Location");

  const auto got = server.put(recording("CA1"), source("web", other.media_url()));
  people.until_the_end();
  call.until(aborted());
  auto later = server.listen(server.request("GET", play("CA1")), 3, other.audio);
  later.until_the_end();

  EXPECT_THAT(got, Has(200));
  EXPECT_EQ(got["/state"], "remote");
  EXPECT_THAT(people, Each(WasCutBefore(call.audio.size())));
  EXPECT_EQ(server.get(run)["/status"], "cancelled");
  EXPECT_THAT(later, Each(HeardExactly(other.audio)));
  EXPECT_EQ(server.settled("CA1"), "ready");
  EXPECT_EQ(server.metric("onetake_runs_total", "cancelled"), 1);
  EXPECT_EQ(server.metric("onetake_runs_total", "completed"), 1);
  EXPECT_TRUE(Server::eventually([&] { return server.files("temporary") == 0; }));
  EXPECT_EQ(server.files("audio"), 1);
}

// Registered with another source when it is ready: the audio goes, and is not served again.
TEST(Sources, AnotherSourceDropsTheAudio) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(10s, {.seed = 1}));
  auto other = provider.has("CA2", speech(10s, {.seed = 2}));
  server.has(call, "web");
  server.play(call).until_the_end();
  EXPECT_EQ(server.settled("CA1"), "ready");
  const auto etag = server.get(stream("CA1")).field("ETag");

  const auto got = server.put(recording("CA1"), source("web", other.media_url()));
  EXPECT_EQ(got["/state"], "remote");
  EXPECT_EQ(got["/media"], "null");
  EXPECT_EQ(server.files("audio"), 0);
  EXPECT_THAT(server.get(stream("CA1")), IsProblem(400, "explicit_user_action_required"));
  auto later = server.listen(server.request("GET", play("CA1"), {"If-None-Match: " + etag}), 1, other.audio);
  later.until_the_end();

  EXPECT_THAT(later, Each(HeardExactly(other.audio)));
  EXPECT_NE(later[0].field("ETag"), etag);
}

// A recording that failed, or is gone, may be had from somewhere else at once.
TEST(Sources, AnotherSourceEndsAFailure) {
  Provider provider;
  Server server{provider};
  auto failed = provider.has("CA1", speech(5s)).answering(forbidden());
  auto deleted = provider.has("CA2", speech(5s)).answering(gone());
  auto good = provider.has("CA3", speech(5s));
  for (const auto& call : {failed, deleted}) {
    server.has(call, "web");
    EXPECT_THAT(server.get(play(call.sid)), Not(Has(200)));
    EXPECT_EQ(server.put(recording(call.sid), source("web", good.media_url()))["/state"], "remote");
    auto person = server.listen(server.request("GET", play(call.sid)), 1, good.audio);
    person.until_the_end();
    EXPECT_THAT(person, Each(HeardExactly(good.audio))) << call.sid;
  }
}

}  // namespace
}  // namespace onetake::story
