// A provider that cannot keep up is sent less, and one that is down is left alone: by the account, not by the
// recording.

#include "story/story.hpp"

namespace onetake::story {
namespace {

// One recording's "too many requests" holds back all of that account's, until the moment that the provider said.
TEST(Gate, AThrottledAccountIsLeftAloneAsLongAsItSays) {
  Provider provider;
  Server server{provider};
  auto throttled_call = provider.has("CA1", speech(5s)).answering(throttled(1s), whole());
  auto other = provider.has("CA2", speech(5s));
  server.has(throttled_call);
  server.has(other);
  const auto began = std::chrono::steady_clock::now();
  auto first = server.play(throttled_call);
  server.until("onetake_provider_requests_total", "429", 1);

  auto second = server.play(other);
  second.until_the_end();
  const auto waited = std::chrono::steady_clock::now() - began;
  first.until_the_end();

  EXPECT_THAT(first, Each(HeardExactly(throttled_call.audio)));
  EXPECT_THAT(second, Each(HeardExactly(other.audio)));
  EXPECT_GE(waited, 1s);
  EXPECT_EQ(other.requests(), 1);
  EXPECT_EQ(server.metric("onetake_runs_total", "failed"), 0);
}

// After ten failures in a row the provider is asked nothing more, whoever presses Play; then one request finds out
// whether it is back, and everybody's recording comes.
TEST(Gate, ADeadProviderIsLeftAloneUntilOneRequestGetsThrough) {
  Provider provider;
  Server server{provider, {{"fetch.max_attempts", "1"}}};
  for (int n = 0; n < 10; ++n) {
    const auto call = provider.has("CA" + std::to_string(n), speech(5s)).answering(hang_up());
    server.has(call, "web");
    EXPECT_THAT(server.get(play(call.sid)), IsProblem(500, "fetch_failed"));
  }
  EXPECT_EQ(server.get("/readyz")["/providers_down/0"], "http");
  EXPECT_EQ(server.metric("onetake_provider_circuit_open", "http"), 1);

  auto late = provider.has("CA-late", speech(5s));
  server.has(late, "web");
  const auto pending = server.get(play(late.sid), {"Prefer: respond-async"});
  EXPECT_THAT(pending, Has(202));
  EXPECT_TRUE(Server::eventually([&] { return server.get(pending.field("Location"))["/reason"] == "retrying"; }));
  EXPECT_EQ(late.requests(), 0);

  auto people = server.play(late, 3);
  people.until_the_end();
  EXPECT_THAT(people, Each(HeardExactly(late.audio)));
  EXPECT_EQ(late.requests(), 1);
  EXPECT_EQ(server.settled(late.sid), "ready");
  EXPECT_EQ(server.get("/readyz")["/providers_down/0"], "");
  EXPECT_EQ(server.metric("onetake_provider_circuit_open", "http"), 0);
}

}  // namespace
}  // namespace onetake::story
