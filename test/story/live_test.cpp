// A recording that is arriving: heard from the first byte on, by everyone, from one fetch.

#include "story/story.hpp"

namespace onetake::story {
namespace {

// A press on a cold recording starts the one fetch, and is heard while the provider still sends.
TEST(Live, IsHeardWhileItArrives) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.25, "quarter"));
  server.has(call);

  auto person = server.play(call);
  person.until_heard(call.audio.size() / 4 - 1);
  EXPECT_THAT(person, Each(IsStillListening()));
  call.release("quarter");
  person.until_the_end();

  EXPECT_THAT(person, Each(HeardExactly(call.audio)));
  EXPECT_EQ(server.settled("CA1"), "ready");
  EXPECT_EQ(call.requests(), 1);
  EXPECT_EQ(server.metric("onetake_runs_total", "completed"), 1);
  EXPECT_EQ(server.metric("onetake_provider_requests_total", "200"), 1);
}

// The answer to a live recording says what the answer to the ready one will: nobody can tell them apart.
TEST(Live, LooksLikeReady) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half"));
  server.has(call);

  auto person = server.play(call);
  person.until_heard(1);
  call.release("half");
  person.until_the_end();
  EXPECT_EQ(server.settled("CA1"), "ready");

  const auto ready = server.get(stream("CA1"));
  const auto head = server.head(stream("CA1"));
  for (const auto* name :
       {"ETag", "Last-Modified", "Content-Type", "Content-Length", "Accept-Ranges", "Cache-Control", "Vary"}) {
    EXPECT_NE(ready.field(name), "") << name;
    EXPECT_EQ(person[0].field(name), ready.field(name)) << name;
    EXPECT_EQ(head.field(name), ready.field(name)) << name;
  }
  // What the live answer's validators stand for is what is there now.
  EXPECT_THAT(server.get(stream("CA1"), {"If-None-Match: " + person[0].field("ETag")}), Has(304));
}

// Who comes later joins, needs no press, and hears it from the beginning.
TEST(Live, IsJoinedByWhoComesLater) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half"));
  server.has(call);

  auto first = server.play(call);
  first.until_heard(1000);
  auto later = server.listen(server.request("GET", stream("CA1"), {"Sec-Purpose: prefetch"}), 5, call.audio);
  later.until_heard(call.audio.size() / 2 - 1);
  EXPECT_THAT(later, Each(IsStillListening()));
  call.release("half");
  first.until_the_end();
  later.until_the_end();

  EXPECT_THAT(first, Each(HeardExactly(call.audio)));
  EXPECT_THAT(later, Each(HeardExactly(call.audio)));
  EXPECT_EQ(call.requests(), 1);
  EXPECT_EQ(server.metric("onetake_run_admissions_total", "created"), 1);
}

// A range of what is arriving is answered at once, with the final total; the bytes come when they are there.
TEST(Live, AnswersARangeFarAheadAtOnce) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.25, "quarter"));
  server.has(call);
  const auto size = call.audio.size();
  const auto total = std::to_string(size);

  auto start = server.play(call, 1, {"Range: bytes=0-"});
  start.until_heard(1);
  EXPECT_THAT(start[0],
              AllOf(IsAnswered(206), Says("Content-Range", "bytes 0-" + std::to_string(size - 1) + '/' + total)))
      << start[0];
  auto ahead = server.play(call, 1, {"Range: bytes=240000-249999"});
  auto suffix = server.play(call, 1, {"Range: bytes=-1000"});
  for (auto* each : {&ahead, &suffix}) each->until([](const Listener& l) { return l.status() != 0; });
  EXPECT_EQ(ahead[0].status(), 206);
  EXPECT_EQ(ahead[0].heard(), 0);
  EXPECT_EQ(ahead[0].field("Content-Range"), "bytes 240000-249999/" + total);
  EXPECT_EQ(ahead[0].field("Content-Length"), "10000");
  EXPECT_EQ(suffix[0].field("Content-Range"),
            "bytes " + std::to_string(size - 1000) + '-' + std::to_string(size - 1) + '/' + total);
  EXPECT_EQ(suffix[0].heard(), 0);
  call.release("quarter");
  for (auto* each : {&start, &ahead, &suffix}) each->until_the_end();

  EXPECT_THAT(start, Each(HeardFrom(0, size)));
  EXPECT_THAT(ahead, Each(HeardFrom(240'000, 10'000)));
  EXPECT_THAT(suffix, Each(HeardFrom(size - 1000, 1000)));
  EXPECT_EQ(call.requests(), 1);
  EXPECT_EQ(server.metric("onetake_seek_requests_total"), 2);
}

// Conditions and impossible ranges are answered live as when ready.
TEST(Live, AnswersConditionsAsWhenReady) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half"));
  server.has(call);
  auto person = server.play(call);
  person.until_heard(1);
  const auto etag = person[0].field("ETag");
  const auto date = person[0].field("Last-Modified");
  const auto total = std::to_string(call.audio.size());

  EXPECT_THAT(server.get(stream("CA1"), {"Range: bytes=" + total + "-"}),
              AllOf(IsProblem(416, "range_not_satisfiable"), Says("Content-Range", "bytes */" + total)));
  EXPECT_THAT(server.get(stream("CA1"), {"If-None-Match: " + etag}), AllOf(Has(304), Says("ETag", etag)));
  EXPECT_THAT(server.get(stream("CA1"), {"If-Modified-Since: " + date}), Has(304));
  EXPECT_THAT(server.get(stream("CA1"), {"If-Match: \"x\""}), IsProblem(412, "precondition_failed"));
  EXPECT_THAT(server.get(stream("CA1"), {"Range: bytes=10-19", "If-Range: " + etag}),
              AllOf(Has(206), Says("Content-Range", "bytes 10-19/" + total)));
  const auto as_if_none = [&](const Fields& fields) {
    auto other = server.play(call, 1, fields);
    other.until_heard(1000);
    EXPECT_EQ(other[0].status(), 200) << fields.front();
    EXPECT_EQ(other[0].field("Content-Length"), total);
    EXPECT_THAT(other, Each(IsStillListening()));
  };
  as_if_none({"Range: bytes=10-19", "If-Range: \"x\""});
  as_if_none({"Range: bytes=10-19, 30-39"});
}

// Conditions of a cold recording wait until there is something to compare with.
TEST(Live, AnswersConditionsOfAColdRecordingOnceItHasATag) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s)).answering(before_first_byte("go"));
  server.has(call);

  auto person = server.listen(server.request("GET", play("CA1"), {"If-None-Match: *"}), 1, call.audio);
  call.until(held("go"));
  person.catch_up();
  EXPECT_EQ(person[0].status(), 0);
  call.release("go");
  person.until_the_end();

  EXPECT_EQ(person[0].status(), 304);
  EXPECT_EQ(server.settled("CA1"), "ready");
}

// However many press Play at once: one run, one request, and every byte right for everyone.
TEST(Live, AThousandPressesAreOneFetch) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(30s)).answering(before_first_byte("go"));
  server.has(call);

  auto people = server.play(call, 1000);
  server.until("onetake_run_admissions_total", "joined_process", 999);
  call.release("go");
  people.until_the_end();

  EXPECT_THAT(people, Each(HeardExactly(call.audio)));
  EXPECT_EQ(server.settled("CA1"), "ready");
  EXPECT_EQ(call.requests(), 1);
  EXPECT_EQ(call.bytes_sent(), call.audio.size());
  EXPECT_EQ(server.metric("onetake_run_admissions_total", "created"), 1);
  EXPECT_EQ(server.metric("onetake_runs_total", "completed"), 1);
  EXPECT_EQ(server.metric("onetake_runs_total"), 1);
  EXPECT_EQ(server.metric("onetake_duplicate_runs"), 0);
  EXPECT_EQ(server.metric("onetake_runs_per_recording"), 1);
}

// Those who only ask and those who listen share the fetch.
// Between the last byte and the database's word lie a sync and a commit: whoever asks then is not told an older truth.
TEST(Live, WhoHasHeardItAllFindsItReady) {
  Provider provider;
  const Server server{provider};
  for (int n = 0; n < 5; ++n) {
    const auto call = provider.has("CA" + std::to_string(n), speech(1s));
    server.has(call);
    EXPECT_TRUE(server.get(play(call.sid)).body == call.audio.bytes());
    if (n == 0) {
      EXPECT_THAT(server.head(stream(call.sid)), Has(200));
    } else if (n == 1) {
      EXPECT_THAT(server.get(stream(call.sid), {"Prefer: respond-async"}), Has(200));
    } else if (n == 2) {
      EXPECT_THAT(server.post(recording(call.sid) + "/fetch"), Has(200));
    } else if (n == 3) {
      EXPECT_EQ(server.get(recording(call.sid))["/state"], "ready");
    } else {
      const auto run = server.get("/api/runs?call_sid=" + call.sid)["/items/0/id"];
      EXPECT_EQ(server.get("/api/runs/" + run)["/status"], "completed");
    }
  }
}

TEST(Live, AskersAndListenersShareTheFetch) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s)).answering(before_first_byte("go"));
  server.has(call);

  auto askers = server.listen(server.request("HEAD", play("CA1")), 20, call.audio);
  auto people = server.play(call, 20);
  askers.until_the_end();
  call.until(held("go"));
  call.release("go");
  people.until_the_end();

  EXPECT_THAT(askers, Each(IsAnswered(202)));
  EXPECT_THAT(people, Each(HeardExactly(call.audio)));
  EXPECT_EQ(call.requests(), 1);
  EXPECT_EQ(server.metric("onetake_run_admissions_total", "created"), 1);
}

// Many recordings at once each have their own fetch, and nobody hears another's.
TEST(Live, FiftyRecordingsDoNotMix) {
  Provider provider;
  Server server{provider};
  std::vector<Call> calls;
  for (unsigned i = 0; i < 50; ++i) {
    calls.push_back(provider.has("CA" + std::to_string(i), speech(5s, {.seed = i})));
    server.has(calls.back());
  }

  std::vector<Listeners> people;
  for (const auto& call : calls) people.push_back(server.play(call, 2));
  for (auto& each : people) each.until_the_end();

  for (std::size_t i = 0; i < calls.size(); ++i) {
    EXPECT_THAT(people[i], Each(HeardExactly(calls[i].audio)));
    EXPECT_EQ(calls[i].requests(), 1);
  }
}

// A body that has begun and gets no byte for listener_patience is cut; the fetch goes on without it.
TEST(Live, AListenerDoesNotWaitForEver) {
  Provider provider;
  Server server{provider, {{"server.listener_patience", "\"200ms\""}}};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half"));
  server.has(call);

  auto people = server.play(call, 5);
  people.until_the_end();
  EXPECT_EQ(call.counters().active, 1);
  call.release("half");

  EXPECT_THAT(people, Each(WasCutBefore(call.audio.size())));
  EXPECT_EQ(server.settled("CA1"), "ready");
  EXPECT_EQ(call.requests(), 1);
}

// Where all places are taken a Play is queued, says so, and has its turn.
TEST(Live, WaitsForItsTurn) {
  Provider provider;
  Server server{provider, {{"fetch.max_concurrent", "1"}, {"server.stream_wait", "\"100ms\""}}};
  auto first = provider.has("CA1", speech(5s)).answering(hold_at(0.5, "half"));
  auto second = provider.has("CA2", speech(5s));
  server.has(first);
  server.has(second);
  auto person = server.play(first);
  person.until_heard(1000);

  const auto queued = server.get(play("CA2"));
  EXPECT_EQ(second.requests(), 0);
  first.release("half");
  person.until_the_end();
  EXPECT_EQ(server.settled("CA2"), "ready");

  EXPECT_THAT(queued, Has(202));
  EXPECT_EQ(queued["/status"], "queued");
  EXPECT_EQ(queued["/reason"], "queued");
  EXPECT_THAT(person, Each(HeardExactly(first.audio)));
  EXPECT_TRUE(server.get(stream("CA2")).body == second.audio.bytes());
  EXPECT_EQ(provider.counters().peak_active, 1);
}

// A listener who leaves does not end the fetch: the others hear on, and the recording becomes ready.
TEST(Live, OutlivesItsListeners) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half"));
  server.has(call);

  {
    auto leaving = server.play(call, 3);
    leaving.until_heard(1000);
  }
  call.release("half");

  EXPECT_EQ(server.settled("CA1"), "ready");
  EXPECT_EQ(call.requests(), 1);
  EXPECT_EQ(server.get(stream("CA1")).body, call.audio.bytes());
}

}  // namespace
}  // namespace onetake::story
