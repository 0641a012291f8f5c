// Not accepting a failure: a new cycle at once, but not for ever.

#include "story/story.hpp"

namespace onetake::story {
namespace {

Got retry(const Server& server, const std::string& call_sid) {
  return server.post(recording(call_sid) + "/fetch", R"({"retry": true})");
}

// While it cools down a press is refused, and a retry is not.
TEST(Retrying, DoesNotWaitForTheCoolDown) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s)).answering(forbidden(), whole());
  server.has(call, "web");
  EXPECT_THAT(server.get(play("CA1")), IsProblem(500, "fetch_failed"));
  EXPECT_THAT(server.post(recording("CA1") + "/fetch", R"({"retry": false})"), IsProblem(500, "fetch_failed"));
  EXPECT_THAT(server.post(recording("CA1") + "/fetch", "{}"), IsProblem(500, "fetch_failed"));

  const auto again = retry(server, "CA1");

  EXPECT_THAT(again, Has(202));
  EXPECT_EQ(again["/cycle"], "2");
  EXPECT_EQ(server.settled("CA1"), "ready");
  EXPECT_TRUE(server.get(stream("CA1")).body == call.audio.bytes());
  EXPECT_THAT(retry(server, "CA1"), Has(200)) << "ready";
  EXPECT_EQ(call.requests(), 2);
}

// What the provider said to be gone may be there again.
TEST(Retrying, AsksAgainForWhatWasGone) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s)).answering(gone(), whole());
  server.has(call);
  EXPECT_THAT(server.get(play("CA1")), IsProblem(410, "recording_gone"));

  EXPECT_THAT(retry(server, "CA1"), Has(202));

  EXPECT_EQ(server.settled("CA1"), "ready");
}

// A retry while it is being fetched joins; it starts nothing.
TEST(Retrying, JoinsWhatIsUnderWay) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s)).answering(hold_at(0.5, "half"));
  server.has(call);
  const auto first = server.post(recording("CA1") + "/fetch");
  call.until(held("half"));

  const auto second = retry(server, "CA1");
  call.release("half");

  EXPECT_THAT(second, Has(202));
  EXPECT_EQ(second["/id"], first["/id"]);
  EXPECT_EQ(server.settled("CA1"), "ready");
  EXPECT_EQ(call.requests(), 1);
}

// Three in ten minutes, then it is told when the next one may be.
TEST(Retrying, ThreeTimesInTenMinutes) {
  Provider provider;
  Server server{provider, {{"fetch.failure_cooldown", "\"1h\""}}};
  auto call = provider.has("CA1", speech(5s)).answering(forbidden());
  server.has(call, "web");
  EXPECT_EQ(server.fetched("CA1"), "failed");
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(retry(server, "CA1").status, AnyOf(202, 500));
    EXPECT_EQ(server.settled("CA1"), "failed");
  }

  const auto refused = retry(server, "CA1");

  EXPECT_THAT(refused, IsProblem(429, "too_many_retries"));
  EXPECT_THAT(std::stoi(refused.field("Retry-After")), AllOf(Ge(500), Le(600)));
  EXPECT_EQ(call.requests(), 4);
  EXPECT_EQ(server.get(recording("CA1"))["/run/cycle"], "4");
}

TEST(Retrying, IsTrueOrFalse) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s));
  server.has(call);
  for (const auto* body : {R"({"retry": "yes"})", R"({"retry": 1})", R"({"retry": null})", "[]", "{"})
    EXPECT_THAT(server.post(recording("CA1") + "/fetch", body), IsProblem(400, "bad_body")) << body;
  EXPECT_EQ(call.requests(), 0);
}

}  // namespace
}  // namespace onetake::story
