// Erased is erased: from the moment of the answer nobody hears another byte, and nothing is left on the disk.

#include "story/story.hpp"

namespace onetake::story {
namespace {

// While it arrives: the fetch stops, and everyone who listens is cut.
TEST(Erasing, CutsWhoHearsItArrive) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half"));
  server.has(call);
  auto people = server.play(call, 20);
  people.until_heard(1000);

  const auto erased = server.del(recording("CA1"));
  people.until_the_end();
  call.until(aborted());

  EXPECT_THAT(erased, Has(204));
  EXPECT_THAT(people, Each(WasCutBefore(call.audio.size())));
  EXPECT_THAT(server.get(play("CA1")), IsProblem(404, "recording_not_found"));
  EXPECT_EQ(server.get("/api/runs")["/items"], "[]");
  EXPECT_EQ(server.files("audio"), 0);
  EXPECT_TRUE(Server::eventually([&] { return server.files("temporary") == 0; }));
  EXPECT_EQ(server.metric("onetake_runs_total", "cancelled"), 1);
  EXPECT_EQ(server.metric("onetake_runs_total", "completed"), 0);
}

// While somebody waits for its first byte: they are told, and nothing begins again.
TEST(Erasing, TellsWhoWaits) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(10s)).answering(before_first_byte("go"));
  server.has(call);
  auto people = server.play(call, 20);
  call.until(held("go"));
  server.until("onetake_run_admissions_total", "joined_process", 19);

  EXPECT_THAT(server.del(recording("CA1")), Has(204));
  people.until_the_end();
  call.until(aborted());

  EXPECT_THAT(people, Each(IsAnswered(404)));
  EXPECT_EQ(call.requests(), 1);
}

// When it is ready, in mid-body: whoever is being sent it is cut, and the file is gone.
TEST(Erasing, CutsWhoIsSentIt) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", wav(64'000'000));
  server.has(call);
  EXPECT_EQ(server.fetched("CA1"), "ready");
  auto people = server.play(call, 5, {}, Pace::slow);
  auto in_parts = server.listen(server.request("GET", stream("CA1"), {"Range: bytes=0-31999999,32000000-"}), 1,
                                call.audio, Pace::slow);
  people.until_heard(1_MiB);

  EXPECT_THAT(server.del(recording("CA1")), Has(204));
  EXPECT_EQ(server.files("audio"), 0);
  people.until_the_end();
  in_parts.until_the_end();

  EXPECT_THAT(people, Each(WasCutBefore(call.audio.size())));
  EXPECT_EQ(in_parts[0].standing(), Standing::cut);
  EXPECT_THAT(server.get(stream("CA1")), IsProblem(404, "recording_not_found"));
  EXPECT_EQ(server.metric("onetake_cache_bytes"), 0);
}

// Slow listeners too, who have megabytes before them that are here already: while it arrives, and when it has arrived
// since they began.
TEST(Erasing, CutsWhoHearsItSlowly) {
  constexpr Bytes in_the_kernel = 8'000'000;  // what may be on its way to them when they are cut
  Provider provider;
  Server server{provider};
  auto arriving = provider.has("CA1", wav(80'000'000)).answering(hold_at(0.9, "most"));
  auto arrived = provider.has("CA2", wav(80'000'000)).answering(hold_at(0.5, "half"));
  server.has(arriving);
  server.has(arrived);
  auto of_arriving = server.play(arriving, 3, {}, Pace::slow);
  auto of_arrived = server.play(arrived, 3, {}, Pace::slow);
  of_arriving.until_heard(1000);
  of_arrived.until_heard(1000);
  arriving.until(held("most"));
  arrived.release("half");
  EXPECT_EQ(server.settled("CA2"), "ready");

  EXPECT_THAT(server.del(recording("CA1")), Has(204));
  EXPECT_THAT(server.del(recording("CA2")), Has(204));
  of_arriving.until_the_end();
  of_arrived.until_the_end();

  EXPECT_THAT(of_arriving, Each(WasCutBefore(in_the_kernel)));
  EXPECT_THAT(of_arrived, Each(WasCutBefore(in_the_kernel)));
  EXPECT_EQ(server.files("audio"), 0);
}

// A name that cannot be read is none: it does not stand for all of the call's recordings.
TEST(Erasing, TakesNoBrokenNameForAll) {
  Provider provider;
  Server server{provider};
  for (const auto seed : {1U, 2U}) {
    const auto call = provider.has("CA1", speech(1s, {.seed = seed}));
    server.has(call, "main", R"("recording_sid": ")" + call.recording_sid + '"');
  }

  for (const std::string broken : {"RE2%", "%zz", "%00"}) {
    const auto named = "?recording_sid=" + broken;
    EXPECT_THAT(server.del(recording("CA1") + named), IsProblem(400, "bad_call_sid")) << broken;
    EXPECT_THAT(server.get(recording("CA1") + named), IsProblem(400, "bad_call_sid")) << broken;
    EXPECT_THAT(server.get(stream("CA1") + named), IsProblem(400, "bad_call_sid")) << broken;
    EXPECT_THAT(server.put(recording("CA1") + named, R"({"provider": "main"})"), IsProblem(400, "bad_call_sid"))
        << broken;
  }
  EXPECT_EQ(server.get("/api/recordings")["/items/1/call_sid"], "CA1");
}

// Erasing one recording of a call cuts nobody who hears another one.
TEST(Erasing, LeavesTheCallsOtherRecordingsAlone) {
  Provider provider;
  Server server{provider};
  auto first = provider.has("CA1", wav(32'000'000, {.seed = 1}));
  auto second = provider.has("CA1", wav(32'000'000, {.seed = 2}));
  auto third = provider.has("CA1", speech(10s, {.seed = 3})).answering(hold_at(0.5, "half"));
  for (const auto& call : {first, second, third})
    server.has(call, "main", R"("recording_sid": ")" + call.recording_sid + '"');
  const auto hear = [&](const Call& call) {
    return server.listen(server.request("GET", play("CA1") + "&recording_sid=" + call.recording_sid), 2, call.audio,
                         Pace::slow);
  };
  hear(first).until_the_end();
  hear(second).until_the_end();
  auto erased = hear(first);
  auto ready = hear(second);
  auto arriving = hear(third);
  for (auto* each : {&erased, &ready, &arriving}) each->until_heard(1000);

  EXPECT_THAT(server.del(recording("CA1") + "?recording_sid=" + first.recording_sid), Has(204));
  third.release("half");
  for (auto* each : {&erased, &ready, &arriving}) each->until_the_end();

  EXPECT_THAT(erased, Each(WasCutBefore(first.audio.size())));
  EXPECT_THAT(ready, Each(HeardExactly(second.audio)));
  EXPECT_THAT(arriving, Each(HeardExactly(third.audio)));
}

// Registered again it is another recording: a new id, and nothing old answers for it.
TEST(Erasing, RegisteredAgainItIsAnother) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s));
  const auto first = server.has(call);
  server.play(call).until_the_end();
  EXPECT_EQ(server.settled("CA1"), "ready");
  const auto etag = server.get(stream("CA1")).field("ETag");

  EXPECT_THAT(server.del(recording("CA1")), Has(204));
  const auto second = server.has(call);
  EXPECT_THAT(server.get(stream("CA1")), IsProblem(400, "explicit_user_action_required"));
  auto person = server.play(call);
  person.until_the_end();

  EXPECT_THAT(second, Has(201));
  EXPECT_NE(second["/id"], first["/id"]);
  EXPECT_EQ(second["/state"], "remote");
  EXPECT_THAT(person, Each(HeardExactly(call.audio)));
  EXPECT_NE(person[0].field("ETag"), etag);
  EXPECT_EQ(call.requests(), 2);
}

// The database knows nothing of it any more but that something was erased.
TEST(Erasing, LeavesATombstoneWithoutItsName) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CAsecret", speech(5s));
  server.has(call, "main", R"("from": "+15550123")");
  server.play(call).until_the_end();
  EXPECT_EQ(server.settled("CAsecret"), "ready");

  EXPECT_THAT(server.del(recording("CAsecret")), Has(204));
  const auto counts = server.run({"query", "CONFIG",
                                  "SELECT (SELECT count(*) FROM recording) AS a, (SELECT count(*) FROM run) AS b, "
                                  "(SELECT count(*) FROM tombstone) AS c"});
  const auto tombstones = server.run({"query", "CONFIG", "SELECT * FROM tombstone"});

  EXPECT_EQ(counts.out, "a\tb\tc\n0\t0\t1\n");
  EXPECT_THAT(tombstones.out, AllOf(HasSubstr("acme"), Not(HasSubstr("CAsecret"))));
}

/// The reset overtook what had been sent.
MATCHER(WasCutBeforeItsStatus, "was cut before its status line") {
  return arg.status() == 0 && arg.standing() == Standing::cut;
}

// Erased while people press Play, somebody has it fetched, and the provider sends: whoever was first, nobody hears a
// wrong byte or a short whole, and nothing of it is left.
TEST(Erasing, RacesPlaysAndFetches) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(2s));
  for (int round = 0; round < 20; ++round) {
    server.has(call);
    auto early = server.play(call, 3);
    if (round % 3 == 1) early.until_heard(1);
    if (round % 3 == 2) early.until_the_end();
    auto erasing = server.connect();
    erasing.send(server.request("DELETE", recording("CA1")));
    auto late = server.play(call, 3);
    auto fetching = server.connect();
    fetching.send(server.request("POST", recording("CA1") + "/fetch"));
    EXPECT_EQ(erasing.answer().status, 204);
    EXPECT_THAT(fetching.answer().status, AnyOf(200, 202, 404, 500));
    early.until_the_end();
    late.until_the_end();

    const auto honest = AnyOf(HeardExactly(call.audio), WasCutBefore(call.audio.size()), WasCutBeforeItsStatus(),
                              IsAnswered(202), IsAnswered(404), IsAnswered(500));
    EXPECT_THAT(early, Each(honest));
    EXPECT_THAT(late, Each(honest));
    EXPECT_THAT(server.get(recording("CA1")), IsProblem(404, "recording_not_found"));
    EXPECT_THAT(server.get(play("CA1")), IsProblem(404, "recording_not_found"));
    EXPECT_TRUE(Server::eventually([&] { return server.files("temporary") + server.files("audio") == 0; }));
  }
  EXPECT_EQ(server.metric("onetake_runs", "queued") + server.metric("onetake_runs", "running"), 0);
  server.has(call);
  auto people = server.play(call, 3);
  people.until_the_end();
  EXPECT_THAT(people, Each(HeardExactly(call.audio)));
}

}  // namespace
}  // namespace onetake::story
