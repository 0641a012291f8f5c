// Twilio: which address, which form, whose credentials, and what its refusals mean.

#include <csignal>

#include "story/story.hpp"

namespace onetake::story {
namespace {

std::vector<std::string> paths(const Call& call) {
  std::vector<std::string> paths;
  for (const auto& seen : call.seen()) paths.push_back(seen.path.substr(seen.path.rfind('/') + 1));
  return paths;
}

std::string heard(const Server& server, const Call& call) {
  auto person = server.play(call);
  person.until_the_end();
  EXPECT_THAT(person, Each(HeardExactly(call.audio))) << call.sid;
  return server.settled(call.sid);
}

// A two-party call is asked for with both channels, with the account's credentials, once.
TEST(Twilio, IsAskedForBothChannels) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s));
  server.has(call);

  EXPECT_EQ(heard(server, call), "ready");

  EXPECT_EQ(paths(call), std::vector{call.recording_sid + ".wav?RequestedChannels=2"});
  EXPECT_EQ(provider.counters().unauthorized, 0);
  EXPECT_EQ(server.get(recording("CA1"))["/media/channels"], "2");
  EXPECT_EQ(server.metric("onetake_provider_other_requests_total"), 0);
}

// A recording that was made with one channel is taken with one, at the price of a refusal; the next is asked for both
// again. Registered with one channel it is not even asked.
TEST(Twilio, AsksEachForBothChannels) {
  Provider provider;
  Server server{provider};
  auto first = provider.has("CA1", speech(5s, {.seed = 1, .channels = 1}));
  auto second = provider.has("CA2", speech(5s, {.seed = 2, .channels = 2}));
  auto third = provider.has("CA3", speech(5s, {.seed = 3, .channels = 1}));
  server.has(first);
  server.has(second);
  EXPECT_THAT(
      server.put(recording("CA3"), R"({"provider": "main", "channels": 1, "source_url": ")" + third.url() + "\"}"),
      Has(201));

  EXPECT_EQ(heard(server, first), "ready");
  EXPECT_EQ(provider.counters().refused, 1);
  EXPECT_EQ(heard(server, second), "ready");
  EXPECT_EQ(heard(server, third), "ready");

  EXPECT_EQ(provider.counters().refused, 1);
  EXPECT_EQ(paths(first), std::vector{first.recording_sid + ".wav"});
  EXPECT_EQ(paths(second), std::vector{second.recording_sid + ".wav?RequestedChannels=2"});
  EXPECT_EQ(paths(third), std::vector{third.recording_sid + ".wav"});
  EXPECT_EQ(server.get(recording("CA2"))["/media/channels"], "2");
  EXPECT_EQ(server.metric("onetake_provider_requests_total", "200"), 3);
  EXPECT_EQ(server.metric("onetake_provider_other_requests_total", "format"), 1);
  EXPECT_EQ(server.metric("onetake_runs_total", "completed"), 3);
}

// It breaks off, and meanwhile another one was there with one channel only: it goes on with both.
TEST(Twilio, GoesOnInTheFormThatItBegan) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(10s)).answering(cut_at(0.5).hold_at(0.25, "quarter"), the_rest());
  auto other = provider.has("CA2", speech(5s, {.seed = 2, .channels = 1}));
  server.has(call);
  server.has(other);

  auto person = server.play(call);
  call.until(held("quarter"));
  EXPECT_EQ(heard(server, other), "ready");
  call.release("quarter");
  person.until_the_end();

  EXPECT_THAT(person, Each(HeardExactly(call.audio)));
  EXPECT_EQ(server.settled("CA1"), "ready");
  EXPECT_THAT(paths(call), AllOf(testing::SizeIs(2), Each(call.recording_sid + ".wav?RequestedChannels=2")));
  EXPECT_EQ(call.bytes_sent(), call.audio.size());
}

// The same after a kill: the next life knows which form is half here.
TEST(Twilio, GoesOnInThatFormInANextLife) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(60s, {.seed = 1, .channels = 1})).answering(hold_at(0.5, "half"), the_rest());
  server.has(call);
  auto person = server.play(call);
  call.until(held("half"));
  person.until_heard(1000);

  server.signal(SIGKILL);
  server.wait();
  person.until_the_end();
  server.start();

  EXPECT_EQ(server.settled("CA1"), "ready");
  EXPECT_EQ(provider.counters().refused, 1);
  EXPECT_THAT(paths(call), AllOf(testing::SizeIs(2), Each(call.recording_sid + ".wav")));
  EXPECT_THAT(call.seen()[1].range, testing::StartsWith("bytes="));
  EXPECT_EQ(server.get(recording("CA1"))["/media/sha256"], call.audio.sha256());
}

// One that is there as MP3 only is taken as MP3, and called so.
TEST(Twilio, TakesMp3WhereThereIsNothingElse) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", mp3(10s));
  server.has(call);

  EXPECT_EQ(heard(server, call), "ready");

  EXPECT_EQ(paths(call), std::vector{call.recording_sid + ".mp3"});
  EXPECT_THAT(server.get(stream("CA1")), Says("Content-Type", "audio/mpeg"));
}

// "Too many requests" is waited for as long as the provider says, uses up no attempt, and is no missing format.
TEST(Twilio, WaitsWhenThrottled) {
  Provider provider;
  Server server{provider, {{"fetch.max_attempts", "1"}}};
  auto call = provider.has("CA1", speech(5s)).also_as(mp3(5s)).answering(throttled(1s), throttled(), whole());
  server.has(call);
  const auto began = std::chrono::steady_clock::now();

  EXPECT_EQ(heard(server, call), "ready");

  EXPECT_GE(std::chrono::steady_clock::now() - began, 1s);
  EXPECT_THAT(paths(call), AllOf(testing::SizeIs(3), Each(call.recording_sid + ".wav?RequestedChannels=2")));
  EXPECT_EQ(server.get(recording("CA1"))["/run/attempt"], "1");
  EXPECT_EQ(server.metric("onetake_provider_requests_total", "429"), 2);
  EXPECT_EQ(server.metric("onetake_runs_total"), 1);
}

// A recording that is not ready yet is waited for, and uses up no attempt.
TEST(Twilio, WaitsUntilItIsReady) {
  Provider provider;
  Server server{provider, {{"fetch.max_attempts", "1"}}};
  auto call = provider.has("CA1", speech(5s)).answering(not_ready().times(4), whole());  // two forms an attempt
  server.has(call);

  EXPECT_EQ(heard(server, call), "ready");

  EXPECT_EQ(call.requests(), 5);
  EXPECT_EQ(server.get(recording("CA1"))["/run/attempt"], "1");
  EXPECT_EQ(server.metric("onetake_runs_total", "completed"), 1);
}

// Wrong credentials are a matter for people: no second attempt.
TEST(Twilio, DoesNotAskAgainWithWrongCredentials) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s)).answering(unauthorized());
  server.has(call);

  const auto got = server.get(play("CA1"));

  EXPECT_THAT(got, IsProblem(500, "fetch_failed"));
  EXPECT_EQ(got["/provider_status"], "401");
  EXPECT_EQ(call.requests(), 1);
}

// The address may be written as Twilio writes it in callbacks, in lists, with an ending, or from the account on.
TEST(Twilio, UnderstandsItsAddresses) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA0", speech(1s));
  unsigned n = 0;

  for (const auto& address :
       {call.url(), call.url() + ".json", call.url() + ".wav", call.url() + ".mp3?RequestedChannels=1", call.url_path(),
        call.url_path() + ".json", "Recordings/" + call.recording_sid}) {
    const auto sid = "CB" + std::to_string(++n);
    EXPECT_THAT(server.put(recording(sid), R"({"provider": "main", "source_url": ")" + address + "\"}"), Has(201))
        << address;
    auto person = server.listen(server.request("GET", play(sid)), 1, call.audio);
    person.until_the_end();
    EXPECT_THAT(person, Each(HeardExactly(call.audio))) << address;
  }
  EXPECT_THAT(server.put(recording("CB9"), R"({"provider": "main", "recording_sid": ")" + call.recording_sid + "\"}"),
              Has(201));
  auto person = server.listen(server.request("GET", play("CB9")), 1, call.audio);
  person.until_the_end();

  EXPECT_THAT(person, Each(HeardExactly(call.audio)));
  EXPECT_THAT(paths(call), AllOf(testing::SizeIs(n + 1), Each(call.recording_sid + ".wav?RequestedChannels=2")));
  EXPECT_EQ(provider.counters().lookups, 0);
}

// Where only the call is known its recordings are looked up, until there is one.
TEST(Twilio, LooksUpTheCallsRecording) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s)).listed_after(2);
  EXPECT_THAT(server.put(recording("CA1"), R"({"provider": "main"})"), Has(201));

  EXPECT_EQ(heard(server, call), "ready");

  EXPECT_EQ(provider.counters().lookups, 3);
  EXPECT_EQ(call.requests(), 1);
  EXPECT_EQ(server.metric("onetake_provider_other_requests_total", "lookup"), 3);
  EXPECT_EQ(server.metric("onetake_provider_requests_total"), 1);
}

// A leg of a call has none of its own: its parent's is taken.
TEST(Twilio, LooksUpTheParentsRecording) {
  Provider provider;
  Server server{provider};
  auto parent = provider.has("CAparent", speech(5s));
  provider.knows("CAsilent");
  for (const auto* child : {"CAsilent", "CAunknown"}) {
    EXPECT_THAT(server.put(recording(child), R"({"provider": "main", "parent_call_sid": "CAparent"})"), Has(201));
    auto person = server.listen(server.request("GET", play(child)), 1, parent.audio);
    person.until_the_end();
    EXPECT_THAT(person, Each(HeardExactly(parent.audio))) << child;
  }

  EXPECT_EQ(parent.requests(), 2);
}

// A redirect is followed; the credentials stay at home.
TEST(Twilio, LeaksNoCredentials) {
  Provider provider;
  Provider elsewhere;
  Server server{provider};
  auto there = elsewhere.has("CA1", speech(5s));
  auto call = provider.has("CA1", there.audio).behind_redirect_to(there.signed_url());
  server.has(call);

  EXPECT_EQ(heard(server, call), "ready");

  EXPECT_EQ(provider.counters().redirects, 1);
  EXPECT_EQ(there.requests(), 1);
  EXPECT_EQ(elsewhere.counters().leaked, 0);
  EXPECT_EQ(server.metric("onetake_provider_other_requests_total", "redirect"), 1);
  EXPECT_EQ(server.metric("onetake_provider_requests_total"), 1);
}

// No more at a time than the provider allows: who is refused waits, and everybody hears the end.
TEST(Twilio, GetsThroughANarrowDoor) {
  Provider provider;
  provider.allows(2);
  Server server{provider};
  std::vector<Call> calls;
  std::vector<Listeners> people;
  for (unsigned i = 0; i < 10; ++i) {
    calls.push_back(provider.has("CA" + std::to_string(i), speech(2s, {.seed = i})));
    server.has(calls.back());
  }

  for (const auto& call : calls) people.push_back(server.play(call));
  for (auto& each : people) each.until_the_end();

  for (std::size_t i = 0; i < calls.size(); ++i) EXPECT_THAT(people[i], Each(HeardExactly(calls[i].audio)));
  EXPECT_LE(provider.counters().peak_active, 2);
  EXPECT_EQ(provider.counters().requests, 10);
}

}  // namespace
}  // namespace onetake::story
