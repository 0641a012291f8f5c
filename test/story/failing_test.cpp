// What could not be fetched: said honestly, remembered for a while, and tried again when it may work.

#include "story/story.hpp"

namespace onetake::story {
namespace {

// A provider that refuses for good ends the run at once, and what is said has its status in it.
TEST(Failing, ARefusalIsToldAndCoolsDown) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s)).answering(forbidden());
  server.has(call, "web");

  const auto first = server.get(play("CA1"));
  const auto again = server.get(play("CA1"));
  const auto unpressed = server.get(stream("CA1"));

  for (const auto& got : {first, again, unpressed}) {
    EXPECT_THAT(got, IsProblem(500, "fetch_failed"));
    EXPECT_EQ(got["/provider_status"], "403");
    EXPECT_THAT(got["/detail"], HasSubstr("forbidden"));
    EXPECT_THAT(std::stoi(got.field("Retry-After")), AllOf(Ge(3500), Le(3600)));
  }
  EXPECT_THAT(server.head(play("CA1")), Has(500));
  EXPECT_THAT(server.get(play("CA1"), {"Prefer: respond-async"}), IsProblem(500, "fetch_failed"));
  EXPECT_EQ(server.get(recording("CA1"))["/state"], "failed");
  EXPECT_EQ(server.get(recording("CA1"))["/run/status"], "failed");
  EXPECT_EQ(call.requests(), 1);
  EXPECT_EQ(server.metric("onetake_runs_total", "failed"), 1);
  EXPECT_EQ(server.metric("onetake_run_admissions_total", "created"), 1);
  EXPECT_EQ(server.metric("onetake_provider_requests_total", "403"), 1);
}

// Attempts are repeated as often as configured, no oftener, and only then has it failed.
TEST(Failing, GivesUpAfterMaxAttempts) {
  Provider provider;
  Server server{provider, {{"fetch.max_attempts", "3"}}};
  auto call = provider.has("CA1", speech(5s)).answering(server_error());
  server.has(call);

  const auto got = server.get(play("CA1"));

  EXPECT_THAT(got, IsProblem(500, "fetch_failed"));
  EXPECT_EQ(got["/provider_status"], "500");
  EXPECT_EQ(call.requests(), 3);
  EXPECT_EQ(server.get(recording("CA1"))["/run/attempt"], "3");
  EXPECT_EQ(server.metric("onetake_runs_total", "failed"), 1);
}

// One bad moment of the provider is nobody's failure: the press that met it hears the recording.
TEST(Failing, OneErrorIsNotTheEnd) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s)).answering(server_error(), hang_up(), whole());
  server.has(call);

  auto people = server.play(call, 5);
  people.until_the_end();

  EXPECT_THAT(people, Each(HeardExactly(call.audio)));
  EXPECT_EQ(server.settled("CA1"), "ready");
  EXPECT_EQ(call.requests(), 3);
  EXPECT_EQ(server.metric("onetake_runs_total"), 1);
}

// Once it has cooled down a press begins a new cycle; a look does not.
TEST(Failing, CooledDownAPressBeginsAnew) {
  Provider provider;
  Server server{provider, {{"fetch.failure_cooldown", "\"0s\""}, {"fetch.max_attempts", "1"}}};
  auto call = provider.has("CA1", speech(5s)).answering(server_error(), whole());
  server.has(call);

  EXPECT_THAT(server.get(play("CA1")), IsProblem(500, "fetch_failed"));
  EXPECT_THAT(server.get(stream("CA1")), IsProblem(400, "explicit_user_action_required"));
  auto person = server.play(call);
  person.until_the_end();

  EXPECT_THAT(person, Each(HeardExactly(call.audio)));
  EXPECT_EQ(server.settled("CA1"), "ready");
  EXPECT_THAT(person[0].field("ETag"), testing::EndsWith("-2-1\""));
  EXPECT_EQ(server.get(recording("CA1"))["/run/cycle"], "2");
  EXPECT_EQ(call.requests(), 2);
  EXPECT_EQ(server.metric("onetake_run_admissions_total", "created"), 2);
}

// What the provider has deleted is gone, at once and for every later press.
TEST(Failing, WhatTheProviderDeletedIsGone) {
  Provider provider;
  Server server{provider, {{"fetch.failure_cooldown", "\"0s\""}}};
  auto call = provider.has("CA1", speech(5s)).answering(gone());
  server.has(call);

  EXPECT_THAT(server.get(play("CA1")), IsProblem(410, "recording_gone"));
  EXPECT_THAT(server.get(play("CA1")), IsProblem(410, "recording_gone"));
  EXPECT_THAT(server.get(stream("CA1")), IsProblem(410, "recording_gone"));
  EXPECT_THAT(server.head(play("CA1")), Has(410));
  EXPECT_THAT(server.get(play("CA1"), {"Prefer: respond-async"}), IsProblem(410, "recording_gone"));

  EXPECT_EQ(server.get(recording("CA1"))["/state"], "gone");
  EXPECT_EQ(call.requests(), 1);
}

// A 404 means "not yet" for a while, and uses up no attempt; then it means "no".
TEST(Failing, NotReadyForTooLongHasFailed) {
  Provider provider;
  Server server{provider, {{"fetch.max_attempts", "1"}, {"fetch.not_ready_for", "\"300ms\""}}};
  auto call = provider.has("CA1", speech(5s)).answering(not_ready());
  server.has(call, "web");

  const auto got = server.get(play("CA1"));

  EXPECT_THAT(got, IsProblem(500, "fetch_failed"));
  EXPECT_EQ(got["/provider_status"], "404");
  EXPECT_THAT(got["/detail"], HasSubstr("missing"));
  EXPECT_GT(call.requests(), 1);
}

// A call that ended long ago will not become ready: its first 404 is the last.
TEST(Failing, NotReadyLongAfterTheCallHasFailed) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s)).answering(not_ready());
  server.has(call, "web", R"("started_at": "2020-01-01T00:00:00Z", "duration_seconds": 5)");

  EXPECT_THAT(server.get(play("CA1")), IsProblem(500, "fetch_failed"));
  EXPECT_EQ(call.requests(), 1);
}

// Nobody at the provider's address: the run says so.
TEST(Failing, AnUnreachableProviderIsToldSo) {
  auto provider = std::make_unique<Provider>();
  Server server{*provider, {{"fetch.max_attempts", "2"}}};
  auto call = provider->has("CA1", speech(5s));
  server.has(call);
  provider.reset();

  const auto got = server.get(play("CA1"));

  EXPECT_THAT(got, IsProblem(500, "fetch_failed"));
  EXPECT_THAT(got["/detail"], HasSubstr("unreachable"));
  EXPECT_EQ(got["/provider_status"], "");
}

// A provider that stops sending is left after stall_timeout, and asked for the rest.
TEST(Failing, AStalledTransferIsTakenUpAgain) {
  Provider provider;
  Server server{provider, {{"fetch.stall_timeout", "\"200ms\""}}};
  auto call = provider.has("CA1", speech(10s)).answering(stall_at(0.5), the_rest());
  server.has(call);

  auto people = server.play(call, 5);
  people.until_the_end();

  EXPECT_THAT(people, Each(HeardExactly(call.audio)));
  EXPECT_EQ(call.requests(), 2);
  EXPECT_EQ(call.bytes_sent(), call.audio.size());
}

// A provider that is not ready yet is asked until it is, and that uses up no attempt.
TEST(Failing, NotReadyThreeTimesThenAudio) {
  Provider provider;
  Server server{provider, {{"fetch.max_attempts", "1"}}};
  auto call = provider.has("CA1", speech(5s)).answering(times(3, not_ready()), whole());
  server.has(call, "web");

  auto people = server.play(call, 5);
  people.until_the_end();

  EXPECT_THAT(people, Each(HeardExactly(call.audio)));
  EXPECT_EQ(server.settled("CA1"), "ready");
  EXPECT_EQ(server.get(recording("CA1"))["/run/attempt"], "1");
  EXPECT_EQ(call.requests(), 4);
}

// A provider that says when to come back is not asked before, and that uses up no attempt either.
TEST(Failing, ThrottledComesBackWhenItWasTold) {
  Provider provider;
  Server server{provider, {{"fetch.max_attempts", "1"}}};
  auto call = provider.has("CA1", speech(5s)).answering(throttled(1s), whole());
  server.has(call);

  const auto began = std::chrono::steady_clock::now();
  auto person = server.play(call);
  person.until_the_end();

  EXPECT_GE(std::chrono::steady_clock::now() - began, 1s);
  EXPECT_THAT(person, Each(HeardExactly(call.audio)));
  EXPECT_EQ(server.settled("CA1"), "ready");
  EXPECT_EQ(server.get(recording("CA1"))["/run/attempt"], "1");
  EXPECT_EQ(call.requests(), 2);
}

// A byte now and then keeps a transfer from stalling, and not from its end.
TEST(Failing, ADripIsNoTransfer) {
  Provider provider;
  Server server{
      provider,
      {{"fetch.max_attempts", "2"}, {"fetch.stall_timeout", "\"20s\""}, {"fetch.attempt_timeout", "\"500ms\""}}};
  auto call = provider.has("CA1", speech(5s)).answering(drip());
  server.has(call);

  const auto got = server.get(play("CA1"));

  EXPECT_THAT(got, IsProblem(500, "fetch_failed"));
  EXPECT_THAT(got["/detail"], HasSubstr("timed_out"));
  EXPECT_EQ(call.requests(), 2);
  EXPECT_EQ(server.files("temporary"), 0);
}

// Whatever keeps it: at its deadline a run has failed, also in the middle of an attempt.
TEST(Failing, ARunHasFailedAtItsDeadline) {
  Provider provider;
  Server server{provider, {{"fetch.run_deadline", "\"300ms\""}}};
  auto call = provider.has("CA1", speech(5s)).answering(before_first_byte("go"));
  server.has(call);

  const auto got = server.get(play("CA1"));

  EXPECT_THAT(got, IsProblem(500, "fetch_failed"));
  EXPECT_THAT(got["/detail"], HasSubstr("overdue"));
  EXPECT_EQ(call.requests(), 1);
}

}  // namespace
}  // namespace onetake::story
