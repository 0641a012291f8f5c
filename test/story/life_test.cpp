// Starting, stopping, being killed, and what other commands do meanwhile.

#include <csignal>

#include "story/story.hpp"

namespace onetake::story {
namespace {

// Told to stop, it says so to the load balancer, still accepts for drain_delay, lets streams finish, and ends well.
TEST(Drain, LetsStreamsFinish) {
  Provider provider;
  Server server{provider, {{"server.drain_delay", "\"3s\""}, {"server.drain_timeout", "\"30s\""}}};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half"));
  server.has(call);
  EXPECT_THAT(server.get("/readyz"), Has(200));
  auto people = server.play(call, 5);
  people.until_heard(1000);

  server.signal(SIGTERM);
  EXPECT_TRUE(Server::eventually([&] { return server.get("/readyz").status == 503; }));
  EXPECT_THAT(server.get("/readyz"), IsProblem(503, "draining"));
  EXPECT_THAT(server.get("/healthz"), Has(200));
  auto late = server.play(call, 1);
  late.until_heard(1000);
  call.release("half");
  people.until_the_end();
  late.until_the_end();

  EXPECT_EQ(server.wait(), 0);
  EXPECT_THAT(people, Each(HeardExactly(call.audio)));
  EXPECT_THAT(late, Each(HeardExactly(call.audio)));
  EXPECT_EQ(server.files("temporary"), 0);
  server.start();
  EXPECT_EQ(server.get(stream("CA1")).body, call.audio.bytes());
  EXPECT_EQ(call.requests(), 1);
}

// A fetch that nobody listens to is finished too.
TEST(Drain, LetsFetchesFinish) {
  Provider provider;
  Server server{provider, {{"server.drain_timeout", "\"30s\""}}};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half"));
  server.has(call);
  EXPECT_THAT(server.post(recording("CA1") + "/fetch"), Has(202));
  call.until(held("half"));

  server.signal(SIGTERM);
  EXPECT_TRUE(Server::eventually([&] { return server.log().find("server.draining") != std::string::npos; }));
  call.release("half");

  EXPECT_EQ(server.wait(), 0);
  server.start();
  EXPECT_EQ(server.get(recording("CA1"))["/state"], "ready");
  EXPECT_EQ(call.requests(), 1);
  EXPECT_EQ(server.metric("onetake_lease_rescues_total"), 0);
}

// What does not finish in drain_timeout is cut; its lease is given back, and the next start goes on with it.
TEST(Drain, GivesBackWhatDoesNotFinish) {
  Provider provider;
  Server server{provider, {{"server.drain_timeout", "\"200ms\""}}};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half"), whole());
  server.has(call);
  auto people = server.play(call, 5);
  people.until_heard(1000);

  EXPECT_EQ(server.stop(), 0);
  people.until_the_end();
  EXPECT_THAT(people, Each(WasCutBefore(call.audio.size())));
  EXPECT_EQ(server.run({"query", "CONFIG", "SELECT status, attempt FROM run"}).out, "status\tattempt\nqueued\t0\n");
  EXPECT_EQ(server.files("temporary"), 1) << "for the next life to go on with";
  EXPECT_EQ(server.files("audio"), 0);

  server.start();
  EXPECT_EQ(server.settled("CA1"), "ready");
  EXPECT_EQ(server.get(stream("CA1")).body, call.audio.bytes());
  EXPECT_EQ(call.requests(), 2);
  EXPECT_EQ(server.metric("onetake_lease_rescues_total"), 0);
}

// Whoever is waiting for the first byte, or for events, is no reason to stay.
TEST(Drain, DoesNotWaitForWhoWaits) {
  Provider provider;
  Server server{provider, {{"server.drain_timeout", "\"200ms\""}}};
  auto call = provider.has("CA1", speech(10s)).answering(before_first_byte("go"));
  auto cold = provider.has("CA2", speech(10s));
  server.has(call);
  server.has(cold);
  auto waiting = server.play(call, 5);
  auto watching = server.listen(server.request("GET", recording("CA1") + "/events"), 1, call.audio);
  auto idle = server.listen(server.request("GET", recording("CA2") + "/events"), 1, call.audio);
  call.until(held("go"));
  auto kept = server.connect();
  kept.send(server.request("GET", "/healthz"));
  EXPECT_THAT(kept.answer(), Has(200));

  EXPECT_EQ(server.stop(), 0);

  EXPECT_EQ(kept.until_closed(), "");
  for (auto* each : {&waiting, &watching, &idle}) {
    each->until_the_end();
    EXPECT_THAT(*each, Each(Not(IsAnswered(500))));
  }
}

// When the time is up, who still waits for a status line gets one: that the server stops, and not that it is gone.
TEST(Drain, TellsWhoWaitedInVain) {
  Provider provider;
  Server server{provider, {{"server.drain_timeout", "\"1s\""}}};
  auto not_there = provider.has("CA1", speech(10s)).answering(not_ready());
  auto silent = provider.has("CA2", speech(10s)).answering(before_first_byte("go"));
  auto unsized = provider.has("CA3", speech(10s)).answering(hold_at(0.5, "half").chunked());
  for (const auto* call : {&not_there, &silent, &unsized}) server.has(*call);
  auto listener = server.play(unsized);
  listener.until_heard(1000);
  auto waiting = server.play(not_there, 3);
  auto before_the_first_byte = server.play(silent, 3);
  auto for_the_end = server.play(unsized, 3, {"Range: bytes=0-"});
  server.until("onetake_run_admissions_total", "joined_process", 7);

  EXPECT_EQ(server.stop(), 0);

  for (auto* each : {&waiting, &before_the_first_byte, &for_the_end}) {
    each->until_the_end();
    EXPECT_THAT(*each, Each(AllOf(IsAnswered(503), Says("Retry-After", "1"), Says("Connection", "close"))));
    EXPECT_THAT((*each)[0].text(), HasSubstr("\"draining\""));
  }
  listener.until_the_end();
  EXPECT_THAT(listener, Each(WasCutBefore(unsized.audio.size())));
}

// Who is told twice stops at once.
TEST(Drain, ASecondSignalEndsItAtOnce) {
  Provider provider;
  Server server{provider, {{"server.drain_timeout", "\"10m\""}}};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half"));
  server.has(call);
  auto person = server.play(call);
  person.until_heard(1000);

  server.signal(SIGTERM);
  EXPECT_TRUE(Server::eventually([&] { return server.log().find("server.draining") != std::string::npos; }));
  server.signal(SIGINT);

  EXPECT_EQ(server.wait(), 1);
}

// Killed in mid-fetch, it rescues the run when it starts again: fetched to the end, ready, and nothing left over.
TEST(Killed, RescuesItsRuns) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half"), whole());
  server.has(call);
  auto people = server.play(call, 5);
  people.until_heard(1000);

  server.signal(SIGKILL);
  EXPECT_EQ(server.wait(), -SIGKILL);
  people.until_the_end();
  EXPECT_EQ(server.files("temporary"), 1);
  server.start();
  EXPECT_EQ(server.settled("CA1"), "ready");

  EXPECT_THAT(people, Each(WasCutBefore(call.audio.size())));
  EXPECT_EQ(server.get(stream("CA1")).body, call.audio.bytes());
  EXPECT_EQ(server.get(recording("CA1"))["/run/cycle"], "1");
  EXPECT_EQ(call.requests(), 2);
  EXPECT_EQ(server.files("temporary"), 0);
  EXPECT_EQ(server.files("audio"), 1);
  EXPECT_EQ(server.metric("onetake_lease_rescues_total"), 1);
  EXPECT_THAT(server.log(), HasSubstr("run.rescued"));
}

// A listener who comes back after a crash with what they had gets the rest only if it is the same version.
TEST(Killed, ItsTagIsNotTakenForAnothers) {
  Provider provider;
  Server server{provider};
  const auto second = speech(10s, {.seed = 9});
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half"), whole().of(second));
  server.has(call);
  auto person = server.play(call);
  person.until_heard(1000);
  const auto etag = person[0].field("ETag");

  server.signal(SIGKILL);
  server.wait();
  server.start();
  EXPECT_EQ(server.settled("CA1"), "ready");
  const auto back = server.get(stream("CA1"), {"Range: bytes=1000-", "If-Range: " + etag});

  EXPECT_THAT(back, Has(200));
  EXPECT_NE(back.field("ETag"), etag);
  EXPECT_TRUE(back.body == second.bytes());
}

// What is ready stays ready over any end.
TEST(Killed, KeepsWhatIsReady) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(10s));
  server.has(call);
  server.play(call).until_the_end();
  EXPECT_EQ(server.settled("CA1"), "ready");
  const auto before = server.get(stream("CA1"));

  server.signal(SIGKILL);
  server.wait();
  server.start();
  const auto after = server.get(stream("CA1"), {"If-None-Match: \"x\""});

  EXPECT_THAT(
      after, AllOf(Has(200), Says("ETag", before.field("ETag")), Says("Last-Modified", before.field("Last-Modified"))));
  EXPECT_TRUE(after.body == call.audio.bytes());
  EXPECT_EQ(call.requests(), 1);
}

// A published file that has gone missing is fetched again, and nobody is told of a length that is not there.
TEST(Lost, IsFetchedAgain) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s));
  server.has(call);
  server.play(call).until_the_end();
  EXPECT_EQ(server.settled("CA1"), "ready");
  EXPECT_EQ(server.stop(), 0);
  for (const auto& entry : std::filesystem::recursive_directory_iterator{server.folder() / "data" / "audio"})
    if (entry.is_regular_file()) std::filesystem::resize_file(entry.path(), 1000);

  server.start();
  EXPECT_THAT(server.get(stream("CA1")), IsProblem(400, "explicit_user_action_required"));
  auto person = server.play(call);
  person.until_the_end();

  EXPECT_THAT(person, Each(HeardExactly(call.audio)));
  EXPECT_EQ(call.requests(), 2);
}

// One process holds a data directory; the next one says which.
TEST(Instance, IsAlone) {
  Provider provider;
  Server server{provider};

  const auto second = server.run({"serve", "CONFIG", "--listen", "127.0.0.1:0"});

  EXPECT_EQ(second.status, 1);
  EXPECT_EQ(second.out, "");
  EXPECT_THAT(server.log(), HasSubstr(std::to_string(server.pid())));
  EXPECT_THAT(server.get("/healthz"), Has(200));
}

// The ledger answers questions while the server runs and when it does not; it takes no orders.
TEST(Query, AnswersRunningAndStopped) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s));
  server.has(call);
  server.play(call).until_the_end();
  EXPECT_EQ(server.settled("CA1"), "ready");
  const auto ask = [&](const std::string& sql) { return server.run({"query", "CONFIG", sql}); };
  const std::string runs = "SELECT call_sid, status, cycle FROM run";

  const auto running = ask(runs);
  const auto order = ask("DELETE FROM run");
  const auto nonsense = ask("SELEC");
  EXPECT_EQ(server.stop(), 0);
  const auto stopped = ask(runs);
  const auto later_order = ask("DELETE FROM run");

  EXPECT_EQ(running.out, "call_sid\tstatus\tcycle\nCA1\tcompleted\t1\n");
  EXPECT_EQ(running.status, 0);
  EXPECT_EQ(stopped.out, running.out);
  EXPECT_EQ(stopped.status, 0);
  for (const auto& refused : {order, nonsense, later_order}) {
    EXPECT_EQ(refused.status, 1);
    EXPECT_EQ(refused.out, "");
  }
}

// A URL that the command signs plays, for GET and HEAD, until it expires, and opens nothing else.
TEST(Sign, OpensOneRecordingForAWhile) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s));
  auto other = provider.has("CA2", speech(5s));
  server.has(call);
  server.has(other);
  const auto sign = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words{"sign", "CONFIG", "--tenant", "acme", "--call-sid", "CA1"};
    words.insert(words.end(), more.begin(), more.end());
    auto out = server.run(words).out;
    return out.substr(0, out.find('\n'));
  };

  const auto url = sign({});
  const auto events = sign({"--path", recording("CA1") + "/events"});
  ASSERT_THAT(url, StartsWith(stream("CA1") + "?"));
  auto person = server.listen(server.request("GET", url + "&explicit_user_action=true", {nobody}), 1, call.audio);
  person.until_the_end();
  EXPECT_EQ(server.settled("CA1"), "ready");

  EXPECT_THAT(person, Each(HeardExactly(call.audio)));
  EXPECT_THAT(server.get(url, {nobody, "Range: bytes=0-9"}), Has(206));
  EXPECT_THAT(server.head(url, {nobody}), Has(200));
  EXPECT_THAT(server.get(events, {nobody}), Has(200));
  const auto query = url.substr(url.find('?'));
  const auto without = [&](const std::string& name) {
    const auto at = query.find(name);
    return stream("CA1") + query.substr(0, at) + query.substr(std::min(query.size(), query.find('&', at)));
  };
  for (const auto& wrong :
       {stream("CA2") + query, recording("CA1") + query, recording("CA1") + "/events" + query,
        url.substr(0, url.size() - 1) + (url.back() == 'A' ? 'B' : 'A'), url + "x", without("expires="),
        without("kid="), without("sig="), std::string{url}.replace(url.find("tenant=acme"), 11, "tenant=globex"),
        std::string{url}.replace(url.find("expires=") + 8, 1, "9"), "/api/recordings" + query})
    EXPECT_THAT(server.get(wrong, {nobody}), IsProblem(401, "unauthorized")) << wrong;
  EXPECT_THAT(server.put(recording("CA1") + query, "{}", {nobody}), IsProblem(401, "unauthorized"));

  const auto brief = sign({"--ttl", "1s"});
  EXPECT_THAT(server.get(brief, {nobody}), AnyOf(Has(200), Has(401)));
  EXPECT_TRUE(Server::eventually([&] { return server.get(brief, {nobody}).status == 401; }));
  EXPECT_THAT(server.get(brief, {nobody})["/detail"], HasSubstr("expired"));
  EXPECT_EQ(server.run({"sign", "CONFIG", "--tenant", "nobody", "--call-sid", "CA1"}).status, 1);
}

// What is wrong with a configuration is said with its line, and nothing starts.
TEST(Config, SaysWhatIsWrong) {
  Provider provider;
  Server server{provider};
  EXPECT_EQ(server.stop(), 0);

  EXPECT_ANY_THROW(server.start({{"server.colour", "\"red\""}, {"fetch.max_attempts", "\"many\""}}));

  EXPECT_EQ(server.wait(), 2);
  EXPECT_THAT(server.log(),
              AllOf(HasSubstr("onetake.toml:"), HasSubstr("server.colour"), HasSubstr("fetch.max_attempts")));
}

}  // namespace
}  // namespace onetake::story
