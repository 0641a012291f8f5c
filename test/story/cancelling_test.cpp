// Somebody changes their mind: the fetch stops, who listens is told so by a cut, and the next press begins anew.

#include "story/story.hpp"

namespace onetake::story {
namespace {

std::string run_of(const Server& server, const std::string& call_sid) {
  return server.get(recording(call_sid))["/run/id"];
}

Got cancel(const Server& server, const std::string& run, const Fields& fields = {}) {
  return server.post("/api/runs/" + run + "/cancel", {}, fields);
}

// In mid-body: the transfer stops, and nobody takes what they heard for the whole.
TEST(Cancelling, CutsWhoListens) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half"), whole());
  server.has(call);
  auto people = server.play(call, 20);
  people.until_heard(1000);

  const auto run = run_of(server, "CA1");
  const auto began = Monotonic::now();
  const auto cancelled = cancel(server, run);
  people.until_the_end();
  call.until(aborted());
  EXPECT_LT(Monotonic::now() - began, 5s) << "a second, and what a machine that does other things may need";

  EXPECT_THAT(cancelled, AllOf(Has(202), Says("Cache-Control", "no-store")));
  EXPECT_EQ(cancelled["/status"], "cancelled");
  EXPECT_THAT(people, Each(WasCutBefore(call.audio.size())));
  EXPECT_EQ(server.get(recording("CA1"))["/state"], "remote");
  EXPECT_EQ(server.get(recording("CA1"))["/run/status"], "cancelled");
  EXPECT_TRUE(Server::eventually([&] { return server.files("temporary") == 0; }));
  EXPECT_EQ(server.files("audio"), 0);
  EXPECT_EQ(server.metric("onetake_runs_total", "cancelled"), 1);
  EXPECT_THAT(server.log(), HasSubstr("run.cancelled"));

  EXPECT_THAT(server.get(stream("CA1")), IsProblem(400, "explicit_user_action_required"));
  auto again = server.play(call);
  again.until_the_end();
  EXPECT_THAT(again, Each(HeardExactly(call.audio)));
  EXPECT_EQ(server.get(recording("CA1"))["/run/cycle"], "2");
  EXPECT_EQ(call.requests(), 2);
}

// Before the first byte: who waits is told, and nothing begins again because they were waiting.
TEST(Cancelling, TellsWhoWaits) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(10s)).answering(before_first_byte("go"));
  server.has(call);
  auto people = server.play(call, 5);
  call.until(held("go"));
  server.until("onetake_run_admissions_total", "joined_process", 4);

  EXPECT_THAT(cancel(server, run_of(server, "CA1")), Has(202));
  people.until_the_end();

  EXPECT_THAT(people, Each(IsAnswered(500)));
  EXPECT_THAT(people, Each(Says("Retry-After", "1"))) << "nothing cools down";
  EXPECT_EQ(call.requests(), 1);
  EXPECT_EQ(server.get(recording("CA1"))["/state"], "remote");
}

// The same where they wait for the end, because nobody knows the length that their Range needs.
TEST(Cancelling, TellsWhoWaitsForTheEnd) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half").chunked());
  server.has(call);
  auto listener = server.play(call);
  listener.until_heard(1000);
  auto people = server.play(call, 3, {"Range: bytes=0-"});
  server.until("onetake_run_admissions_total", "joined_process", 3);

  EXPECT_THAT(cancel(server, run_of(server, "CA1")), Has(202));
  people.until_the_end();

  EXPECT_THAT(people, Each(AllOf(IsAnswered(500), Says("Retry-After", "1"))));
  EXPECT_EQ(call.requests(), 1);
  EXPECT_EQ(server.get(recording("CA1"))["/state"], "remote");
}

// While it is queued: at once, and the provider is never asked.
TEST(Cancelling, TakesItOutOfTheQueue) {
  Provider provider;
  Server server{provider, {{"fetch.max_concurrent", "1"}}};
  auto busy = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half"));
  auto queued = provider.has("CA2", speech(10s));
  server.has(busy);
  server.has(queued);
  EXPECT_THAT(server.post(recording("CA1") + "/fetch"), Has(202));
  busy.until(held("half"));
  EXPECT_THAT(server.post(recording("CA2") + "/fetch"), Has(202));

  EXPECT_THAT(cancel(server, run_of(server, "CA2")), Has(202));
  busy.release("half");

  EXPECT_EQ(server.settled("CA1"), "ready");
  EXPECT_EQ(server.get(recording("CA2"))["/state"], "remote");
  EXPECT_EQ(queued.requests(), 0);
}

// What has ended, what nobody knows, and what is somebody else's.
TEST(Cancelling, OnlyWhatIsActiveAndOnesOwn) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s));
  auto active = provider.has("CA2", speech(5s)).answering(hold_at(0.5, "half"));
  server.has(call);
  server.has(active);
  EXPECT_EQ(server.fetched("CA1"), "ready");
  EXPECT_THAT(server.post(recording("CA2") + "/fetch"), Has(202));

  EXPECT_THAT(cancel(server, run_of(server, "CA1")), IsProblem(409, "run_ended"));
  EXPECT_THAT(cancel(server, "nothing"), IsProblem(404, "run_not_found"));
  EXPECT_THAT(cancel(server, run_of(server, "CA2"), {globex}), IsProblem(404, "run_not_found"));
  EXPECT_THAT(cancel(server, run_of(server, "CA2"), {nobody}), IsProblem(401, "unauthorized"));

  active.release("half");
  EXPECT_EQ(server.settled("CA2"), "ready");
  EXPECT_EQ(server.get(recording("CA1"))["/state"], "ready");
}

}  // namespace
}  // namespace onetake::story
