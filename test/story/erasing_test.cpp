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
  auto people = server.play(call, 5);
  auto in_parts =
      server.listen(server.request("GET", stream("CA1"), {"Range: bytes=0-31999999,32000000-"}), 1, call.audio);
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

}  // namespace
}  // namespace onetake::story
