// The provider dies in mid-body. Nobody takes a part for the whole.

#include "story/story.hpp"

namespace onetake::story {
namespace {

struct Way {
  const char* name;
  Answer answer;
  std::uint64_t requests_of_one_attempt = 2;  // who has sent half is asked for the rest at once
  std::uint64_t requests_of_three_attempts = 4;
};

void PrintTo(const Way& way, std::ostream* out) { *out << way.name; }

const std::vector<Way> ways{
    {"Length", cut_at(0.5)},
    {"Reset", reset_at(0.5)},
    {"Chunked", cut_at(0.5).chunked()},
    {"UntilClosed", cut_at(0.5).until_close(), 1, 3},  // whether it broke off is found at the end
    {"LengthTooLarge", whole().length_off_by(1000), 3,
     7},  // there is nothing to go on with: asked again from the start
};

class Breaking : public testing::TestWithParam<std::tuple<Way, int>> {};

// It dies every time, with one attempt and with three: listeners see the connection break, nothing is published, and
// nothing is left behind.
TEST_P(Breaking, NobodyTakesThePartForTheWhole) {
  const auto& [way, attempts] = GetParam();
  Provider provider;
  Server server{provider, {{"fetch.max_attempts", std::to_string(attempts)}}};
  auto call = provider.has("CA1", speech(10s)).answering(way.answer.hold_at(0.25, "quarter"));
  server.has(call);

  auto people = server.play(call, 20);
  people.until_heard(1);
  call.release("quarter");
  auto late = server.play(call, 20);
  people.until_the_end();
  late.until_the_end();

  EXPECT_THAT(people, Each(WasCutBefore(call.audio.size())));
  EXPECT_THAT(late, Each(AnyOf(WasCutBefore(call.audio.size()), IsAnswered(500))));
  EXPECT_EQ(server.settled("CA1"), "failed");
  EXPECT_EQ(server.get(recording("CA1"))["/state"], "failed");
  EXPECT_EQ(server.get(recording("CA1"))["/media"], "null");
  EXPECT_THAT(server.get(play("CA1")), IsProblem(500, "fetch_failed"));
  EXPECT_EQ(server.files("audio"), 0);
  EXPECT_EQ(server.files("temporary"), 0);
  EXPECT_EQ(server.metric("onetake_runs_total", "completed"), 0);
  EXPECT_EQ(server.metric("onetake_runs_total", "failed"), 1);
  EXPECT_EQ(call.requests(), attempts == 1 ? way.requests_of_one_attempt : way.requests_of_three_attempts);
}

INSTANTIATE_TEST_SUITE_P(Provider, Breaking, testing::Combine(testing::ValuesIn(ways), testing::Values(1, 3)),
                         [](const auto& each) {
                           return std::get<0>(each.param).name + std::to_string(std::get<1>(each.param)) + "Attempts";
                         });

// The provider dies at half: everyone keeps their connection and gets every byte, and no byte is fetched twice.
TEST(Resuming, NoByteTwice) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(10s)).answering(cut_at(0.5), the_rest().before_first_byte("go"));
  server.has(call);

  auto people = server.play(call, 20);
  call.until(held("go"));
  people.until_heard(call.audio.size() / 2 - 1);
  people.catch_up();
  EXPECT_THAT(people, Each(IsStillListening()));
  call.release("go");
  people.until_the_end();

  EXPECT_THAT(people, Each(HeardExactly(call.audio)));
  EXPECT_EQ(server.settled("CA1"), "ready");
  EXPECT_EQ(call.bytes_sent(), call.audio.size());
  EXPECT_EQ(call.seen().at(1).range, "bytes=" + std::to_string(call.audio.size() / 2) + "-");
  EXPECT_EQ(call.seen().at(1).if_range, call.audio.etag());
  EXPECT_EQ(server.metric("onetake_runs_total"), 1);
  EXPECT_EQ(server.metric("onetake_provider_requests_total", "206"), 1);
}

// It dies again and again, each time a little further on.
TEST(Resuming, AsOftenAsItTakes) {
  Provider provider;
  Server server{provider};
  auto call =
      provider.has("CA1", speech(10s)).answering(cut_at(0.2), reset_at(0.4), cut_at(0.6), cut_at(0.8), the_rest());
  server.has(call);

  auto people = server.play(call, 20);
  people.until_the_end();

  EXPECT_THAT(people, Each(HeardExactly(call.audio)));
  EXPECT_EQ(server.settled("CA1"), "ready");
  EXPECT_EQ(call.requests(), 5);
  EXPECT_EQ(call.bytes_sent(), call.audio.size());
  EXPECT_EQ(server.get(recording("CA1"))["/media/sha256"], call.audio.sha256());
}

class FromTheStart : public testing::TestWithParam<Way> {};

// Where it cannot go on it is asked from the start; what was heard is compared with what comes, and listeners hear on.
TEST_P(FromTheStart, ListenersHearOn) {
  Provider provider;
  Server server{provider};
  const auto& answer = GetParam().answer;
  auto call = provider.has("CA1", speech(10s)).answering(answer.cut_at(0.5), answer.before_first_byte("go"));
  server.has(call);

  auto people = server.play(call, 20);
  call.until(held("go"));
  people.until_heard(call.audio.size() / 2 - 1);
  people.catch_up();
  EXPECT_THAT(people, Each(IsStillListening()));
  call.release("go");
  people.until_the_end();

  EXPECT_THAT(people, Each(HeardExactly(call.audio)));
  EXPECT_EQ(server.settled("CA1"), "ready");
  EXPECT_EQ(call.bytes_sent(), call.audio.size() + call.audio.size() / 2);
  EXPECT_EQ(server.get(recording("CA1"))["/media/sha256"], call.audio.sha256());
  EXPECT_THAT(server.get(stream("CA1")).field("ETag"), people[0].field("ETag"));
  EXPECT_EQ(server.files("audio"), 1);
  EXPECT_EQ(server.files("temporary"), 0);
}

INSTANTIATE_TEST_SUITE_P(Provider, FromTheStart,
                         testing::Values(Way{"WithoutRanges", whole().without_ranges()},
                                         Way{"WithoutATag", whole().untagged()},
                                         Way{"WithAnotherTagEachTime", whole().tagged_anew()},
                                         Way{"Chunked", whole().chunked().without_ranges()},
                                         Way{"UntilClosed", whole().until_close()},
                                         Way{"WithAWeakTag", whole().tagged("W/\"1\"")}),
                         [](const auto& each) { return each.param.name; });

// Asked again it has another recording: whoever heard the first is cut, and the next Play hears the second, whole.
TEST(AnotherVersion, OfTheSameLengthCutsWhoHeardTheFirst) {
  Provider provider;
  Server server{provider};
  const auto first = speech(10s);
  const auto second = first.differing_from(100'000);
  auto call = provider.has("CA1", first).answering(cut_at(0.5), whole().of(second).before_first_byte("go"));
  server.has(call);

  auto people = server.play(call, 20);
  call.until(held("go"));
  people.until_heard(first.size() / 2 - 1);
  call.release("go");
  people.until_the_end();
  EXPECT_EQ(server.settled("CA1"), "ready");
  auto later = server.listen(server.request("GET", stream("CA1")), 1, second);
  later.until_the_end();

  EXPECT_THAT(people, Each(WasCutBefore(first.size())));
  EXPECT_THAT(later, Each(HeardExactly(second)));
  EXPECT_THAT(people[0].field("ETag"), testing::EndsWith("-1-1\""));
  EXPECT_THAT(later[0].field("ETag"), Not(testing::EndsWith("-1-1\"")));
  EXPECT_EQ(server.get(recording("CA1"))["/media/sha256"], second.sha256());
  EXPECT_EQ(server.files("audio"), 1);
  EXPECT_EQ(server.files("temporary"), 0);
  EXPECT_EQ(server.metric("onetake_runs_total"), 1);
}

// The same, and what both have in common is too long to be copied while others wait: the provider sends the rest alone.
TEST(AnotherVersion, ThatDiffersLateIsAskedForFromThere) {
  Provider provider;
  Server server{provider};
  const auto first = speech(120s);
  const auto second = first.differing_from(2'000'000);
  auto call = provider.has("CA1", first).answering(cut_at(0.75), whole().of(second).before_first_byte("go"));
  server.has(call);

  auto people = server.play(call, 5);
  call.until(held("go"));
  people.until_heard(first.size() / 2);
  call.release("go");
  people.until_the_end();
  EXPECT_EQ(server.settled("CA1"), "ready");
  auto later = server.listen(server.request("GET", stream("CA1")), 1, second);
  later.until_the_end();

  EXPECT_THAT(people, Each(WasCutBefore(first.size())));
  EXPECT_THAT(later, Each(HeardExactly(second)));
  EXPECT_EQ(server.get(recording("CA1"))["/media/sha256"], second.sha256());
  EXPECT_EQ(server.get(recording("CA1"))["/run/attempt"], "1");
  ASSERT_EQ(call.requests(), 3);
  EXPECT_EQ(call.seen()[2].range, "bytes=2000000-");
  EXPECT_EQ(call.seen()[2].if_range, second.etag());
  EXPECT_EQ(server.files("audio"), 1);
  EXPECT_EQ(server.files("temporary"), 0);
}

// The same with another length: the total that was promised is not true any more.
TEST(AnotherVersion, OfAnotherLengthCutsWhoHeardTheFirst) {
  Provider provider;
  Server server{provider};
  const auto second = speech(20s, {.seed = 7});
  auto call = provider.has("CA1", speech(10s)).answering(cut_at(0.5).hold_at(0.25, "quarter"), whole().of(second));
  server.has(call);

  auto people = server.play(call, 5);
  people.until_heard(1);  // or who comes a moment later hears the second alone
  call.release("quarter");
  people.until_the_end();
  EXPECT_EQ(server.settled("CA1"), "ready");
  auto later = server.listen(server.request("GET", stream("CA1")), 1, second);
  later.until_the_end();

  EXPECT_THAT(people, Each(WasCutBefore(call.audio.size())));
  EXPECT_THAT(later, Each(HeardExactly(second)));
}

}  // namespace
}  // namespace onetake::story
