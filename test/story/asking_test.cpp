// Before anything is heard: who may ask, what must be said, and what the answer is while there is nothing to hear.

#include "story/story.hpp"

namespace onetake::story {
namespace {

// A request that would start a fetch without a press is refused, and nothing is started.
TEST(Asking, ColdRecordingNeedsAPress) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s));
  server.has(call);

  for (const auto& got :
       {server.get(stream("CA1")), server.get(stream("CA1"), {"Prefer: respond-async"}),
        server.get(stream("CA1") + "?explicit_user_action=false"), server.get(stream("CA1") + "?explicit_user_action"),
        server.get(stream("CA1"), {"X-User-Action: load"}), server.get(play("CA1"), {"Sec-Purpose: prefetch"}),
        server.get(play("CA1"), {"Sec-Purpose: prefetch;prerender"}),
        server.get(stream("CA1"), {"X-User-Action: play", "Purpose: prefetch"})})
    EXPECT_THAT(got, IsProblem(400, "explicit_user_action_required"));
  EXPECT_THAT(server.head(stream("CA1")), Has(400));

  EXPECT_EQ(server.get(recording("CA1"))["/state"], "remote");
  EXPECT_EQ(server.get(recording("CA1"))["/run"], "null");
  EXPECT_EQ(server.get("/api/runs")["/items"], "[]");
  EXPECT_EQ(provider.counters().requests, 0);
  EXPECT_EQ(server.metric("onetake_run_admissions_total"), 0);
}

// The field says it as well as the query.
TEST(Asking, APressCanBeAField) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s));
  server.has(call);

  auto person = server.listen(server.request("GET", stream("CA1"), {"X-User-Action: play"}), 1, call.audio);
  person.until_the_end();

  EXPECT_THAT(person, Each(HeardExactly(call.audio)));
}

// Who asks without wanting to wait is told what goes on; the fetch is started by the first of them, once.
TEST(Asking, WithoutWaitingStartsTheFetchOnce) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s)).answering(hold_at(0.5, "half"));
  server.has(call);

  const auto first = server.head(play("CA1"));
  auto person = server.play(call);
  person.until_heard(call.audio.size() / 2 - 1);
  const auto second = server.get(stream("CA1"), {"Prefer: respond-async"});

  EXPECT_THAT(first, AllOf(Has(202), Says("Content-Type", "application/json"), Says("Cache-Control", "no-store"),
                           Says("Preference-Applied", "")));
  EXPECT_GE(std::stoi(first.field("Retry-After")), 1);
  EXPECT_THAT(second, AllOf(Has(202), Says("Preference-Applied", "respond-async"), Says("Cache-Control", "no-store"),
                            Says("Location", "/api/runs/" + second["/run_id"])));
  EXPECT_GE(std::stoi(second.field("Retry-After")), 1);
  EXPECT_EQ(first.field("Location"), second.field("Location"));
  EXPECT_EQ(second["/status"], "running");
  EXPECT_EQ(second["/received_bytes"],
            std::to_string(call.audio.size() / 2 - 1));  // the last byte is kept back until the end
  EXPECT_EQ(second["/total_bytes"], std::to_string(call.audio.size()));
  EXPECT_EQ(second["/reason"], "null");
  const auto run = server.get(second.field("Location"));
  EXPECT_THAT(run, Has(200));
  EXPECT_EQ(run["/id"], second["/run_id"]);
  EXPECT_EQ(run["/status"], "running");

  call.release("half");
  EXPECT_EQ(server.settled("CA1"), "ready");
  EXPECT_THAT(server.head(stream("CA1")), AllOf(Has(200), Says("Content-Length", std::to_string(call.audio.size()))));
  EXPECT_EQ(call.requests(), 1);
  EXPECT_EQ(server.metric("onetake_run_admissions_total", "created"), 1);
}

// A provider that keeps quiet is waited for, but not for ever: 202, and the next to ask gets the recording.
TEST(Asking, WaitingEndsAfterStreamWait) {
  Provider provider;
  Server server{provider, {{"server.stream_wait", "\"100ms\""}}};
  auto call = provider.has("CA1", speech(5s)).answering(before_first_byte("go"));
  server.has(call);

  const auto early = server.get(play("CA1"));
  const auto ranged = server.get(play("CA1"), {"Range: bytes=0-"});
  call.release("go");
  EXPECT_EQ(server.settled("CA1"), "ready");
  const auto late = server.get(stream("CA1"));

  for (const auto& got : {early, ranged}) {
    EXPECT_THAT(got, AllOf(Has(202), Says("Location", "/api/runs/" + got["/run_id"]), Says("Preference-Applied", "")));
    EXPECT_EQ(got["/status"], "running");
    EXPECT_EQ(got["/received_bytes"], "0");
    EXPECT_EQ(got["/total_bytes"], "null");
  }
  EXPECT_THAT(late, Has(200));
  EXPECT_TRUE(late.body == call.audio.bytes());
  EXPECT_EQ(call.requests(), 1);
}

// What a run waits for is told: here, that the provider is not ready.
TEST(Asking, IsToldWhatTheRunWaitsFor) {
  Provider provider;
  Server server{
      provider,
      {{"server.stream_wait", "\"50ms\""}, {"fetch.backoff_initial", "\"1h\""}, {"fetch.backoff_max", "\"1h\""}}};
  auto call = provider.has("CA1", speech(5s)).answering(throttled(7s));
  server.has(call);

  const auto got = server.get(play("CA1"));
  call.until(request(1).ends());
  server.until("onetake_runs", "queued", 1);
  const auto later = server.head(stream("CA1"));
  const auto told = server.get(stream("CA1"), {"Prefer: respond-async"});

  EXPECT_THAT(got, Has(202));
  EXPECT_GE(std::stoi(later.field("Retry-After")), 7);
  EXPECT_EQ(told["/status"], "queued");
  EXPECT_EQ(told["/reason"], "throttled");
}

// What nobody registered, what belongs to somebody else, and what was erased cannot be told apart.
TEST(Asking, UnknownForeignAndErasedAreNotFound) {
  Provider provider;
  Server server{provider};
  auto mine = provider.has("CA1", speech(5s));
  auto erased = provider.has("CA2", speech(5s));
  server.has(mine);
  server.has(erased);
  EXPECT_THAT(server.del(recording("CA2")), Has(204));

  const auto unknown = server.get(play("CA9"));
  const auto foreign = server.get(play("CA1"), {globex});
  const auto gone = server.get(play("CA2"));
  EXPECT_THAT(unknown, IsProblem(404, "recording_not_found"));
  EXPECT_EQ(foreign.body, unknown.body);
  EXPECT_EQ(gone.body, unknown.body);
  for (const auto* sid : {"CA2", "CA9"}) {
    EXPECT_THAT(server.head(play(sid)), Has(404));
    EXPECT_THAT(server.get(recording(sid)), IsProblem(404, "recording_not_found"));
    EXPECT_THAT(server.get(recording(sid) + "/events"), IsProblem(404, "recording_not_found"));
    EXPECT_THAT(server.post(recording(sid) + "/fetch"), IsProblem(404, "recording_not_found"));
    EXPECT_THAT(server.del(recording(sid)), IsProblem(404, "recording_not_found"));
  }
  for (const auto& path : {recording("CA1"), recording("CA1") + "/events"})
    EXPECT_THAT(server.get(path, {globex}), IsProblem(404, "recording_not_found"));
  EXPECT_THAT(server.post(recording("CA1") + "/fetch", {}, {globex}), IsProblem(404, "recording_not_found"));
  EXPECT_THAT(server.del(recording("CA1"), {globex}), IsProblem(404, "recording_not_found"));
  EXPECT_EQ(server.get(recording("CA1"))["/call_sid"], "CA1");
  EXPECT_EQ(provider.counters().requests, 0);
}

// Without a right key nobody learns anything, not even whether a call sid is one.
TEST(Asking, WantsToKnowWhoIsAsking) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s));
  server.has(call);

  for (const auto& who : {nobody, std::string{"Authorization: Bearer wrong"}, std::string{"Authorization: Bearer"},
                          std::string{"Authorization: Basic YWNtZTprZXk="}, std::string{"Authorization: acme-key"}})
    for (const auto& path : {play("CA1"), play("CA9"), play("!"), recording("CA1"), std::string{"/api/recordings"},
                             std::string{"/api/runs"}, recording("CA1") + "/events"})
      EXPECT_THAT(server.get(path, {who}), AllOf(IsProblem(401, "unauthorized"), Says("WWW-Authenticate", "Bearer")))
          << who << ' ' << path;
  EXPECT_THAT(server.put(recording("CA3"), "{}", {nobody}), IsProblem(401, "unauthorized"));
  EXPECT_THAT(server.get(play("CA1"), {"Authorization: bearer acme-key", "Prefer: respond-async"}), Has(202));
  EXPECT_THAT(server.get(recording("CA1"), {admin}), IsProblem(403, "forbidden"));
  EXPECT_THAT(server.get("/api/tenants"), IsProblem(403, "forbidden"));
  EXPECT_THAT(server.get("/api/tenants", {nobody}), IsProblem(401, "unauthorized"));
}

// What cannot be a call sid is said before anybody looks for it.
TEST(Asking, KnowsACallSidWhenItSeesOne) {
  Provider provider;
  Server server{provider};

  for (const auto& sid : {std::string{".hidden"}, std::string{"CA%201"}, std::string{"CA%2F1"}, std::string{"CA%00"},
                          std::string{"CA:1"}, std::string{"CA%zz"}, std::string(65, 'C'), std::string{"%D7%A0"}}) {
    EXPECT_THAT(server.get(play(sid)), IsProblem(400, "bad_call_sid")) << sid;
    EXPECT_THAT(server.put(recording(sid), "{}"), IsProblem(400, "bad_call_sid")) << sid;
    EXPECT_THAT(server.get(play(sid), {nobody}), IsProblem(401, "unauthorized")) << sid;
  }
  EXPECT_THAT(server.get(play("CA1") + "&recording_sid=.."), IsProblem(400, "bad_call_sid"));
  for (const auto& sid : {std::string(64, 'C'), std::string{"a.b_c-D.9"}, std::string{"-"}, std::string{"%43A1"}})
    EXPECT_THAT(server.get(play(sid)), IsProblem(404, "recording_not_found")) << sid;
}

// A call with two recordings: the call's name means the first, the recording's own sid any.
TEST(Asking, ACallMayHaveSeveralRecordings) {
  Provider provider;
  Server server{provider};
  auto first = provider.has("CA1", speech(3s, {.seed = 1}));
  auto second = provider.has("CA1", speech(3s, {.seed = 2}));
  server.has(first, "main", R"("recording_sid": ")" + first.recording_sid + '"');
  server.has(second, "main", R"("recording_sid": ")" + second.recording_sid + '"');

  auto plain = server.play(first);
  auto named =
      server.listen(server.request("GET", play("CA1") + "&recording_sid=" + second.recording_sid), 1, second.audio);
  plain.until_the_end();
  named.until_the_end();

  EXPECT_THAT(plain, Each(HeardExactly(first.audio)));
  EXPECT_THAT(named, Each(HeardExactly(second.audio)));
  EXPECT_THAT(server.get(play("CA1") + "&recording_sid=REnone"), IsProblem(404, "recording_not_found"));
  EXPECT_EQ(server.metric("onetake_run_admissions_total", "created"), 2);
  EXPECT_THAT(server.del(recording("CA1") + "?recording_sid=" + first.recording_sid), Has(204));
  EXPECT_EQ(server.get(recording("CA1"))["/recording_sid"], second.recording_sid);
  EXPECT_THAT(server.del(recording("CA1")), Has(204));
  EXPECT_THAT(server.get(recording("CA1")), Has(404));
}

}  // namespace
}  // namespace onetake::story
