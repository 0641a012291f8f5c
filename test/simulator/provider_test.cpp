#include "simulator/provider.hpp"

#include <gmock/gmock.h>

#include <thread>

#include "simulator/visitor.hpp"

namespace onetake::simulator {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string basic =
    "Authorization: Basic "
    "QUM1Y2ExYWIxZTVjYTFhYjFlNWNhMWFiMWU1Y2ExYWIxZTowYjVlNTVlZDBiNWU1NWVkMGI1ZTU1ZWQwYjVlNTVlZA==";

class Twilio : public testing::Test {
 protected:
  Visitor::Got ask(const std::string& target, const std::vector<std::string>& headers = {basic}) const {
    return get(provider.port(), target, headers);
  }
  std::string account() const { return "/2010-04-01/Accounts/" + provider.account_sid(); }

  Provider provider;
};

TEST_F(Twilio, ServesARecording) {
  const auto call = provider.has("CA1", speech(1s));
  for (const auto& target : {call.url() + ".wav", call.url(), call.url() + ".wav?RequestedChannels=2"}) {
    const auto got = ask(target);
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, call.audio.bytes());
    EXPECT_EQ(got.header("Content-Length"), std::to_string(call.audio.size()));
    EXPECT_EQ(got.header("Content-Type"), "audio/x-wav");
    EXPECT_EQ(got.header("ETag"), call.audio.etag());
  }
  EXPECT_EQ(call.requests(), 3U);
  EXPECT_EQ(call.bytes_sent(), 3 * call.audio.size());
  call.until(request(3).ends());
  EXPECT_EQ(call.counters().active, 0U);
  EXPECT_EQ(call.counters().aborted, 0U);
  EXPECT_EQ(call.seen().back().path, call.url_path() + ".wav?RequestedChannels=2");
  EXPECT_EQ(call.seen().back().status, 200);
}

TEST_F(Twilio, WantsCredentials) {
  const auto call = provider.has("CA1", speech(1s));
  for (const auto& headers :
       {std::vector<std::string>{}, {"Authorization: Basic bm9wZTpub3Bl"}, {"Authorization: Bearer x"}}) {
    const auto got = ask(call.url() + ".wav", headers);
    EXPECT_EQ(got.status, 401);
    EXPECT_THAT(got.body, HasSubstr("\"code\": 20003"));
    EXPECT_THAT(got.header("WWW-Authenticate"), StartsWith("Basic"));
  }
  EXPECT_EQ(ask("/2010-04-01/Accounts/ACother/Recordings/" + call.recording_sid + ".wav").status, 401);
  EXPECT_EQ(call.counters().unauthorized, 4U);
  EXPECT_EQ(call.requests(), 0U);
}

TEST_F(Twilio, SaysWhatIsNotThere) {
  const auto call = provider.has("CA1", speech(1s));
  EXPECT_THAT(ask(account() + "/Recordings/REnone.wav").body, HasSubstr("\"code\": 20404"));
  EXPECT_EQ(ask(account() + "/Recordings/REnone.json").status, 404);
  EXPECT_EQ(ask(account() + "/Calls/CAnone/Recordings.json").status, 404);
  EXPECT_EQ(ask("/else").status, 404);
  EXPECT_EQ(call.counters().refused, 0U);
  EXPECT_EQ(ask(call.url() + ".mp3").status, 404);
  EXPECT_EQ(call.counters().refused, 1U);

  call.also_as(mp3(1s));
  const auto got = ask(call.url() + ".mp3");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, mp3(1s).bytes());
  EXPECT_EQ(got.header("Content-Type"), "audio/mpeg");
}

TEST_F(Twilio, HasNoSecondChannelOfAMonoRecording) {
  const auto call = provider.has("CA1", speech(1s, {.channels = 1}));
  const auto got = ask(call.url() + ".wav?RequestedChannels=2");
  EXPECT_EQ(got.status, 400);
  EXPECT_THAT(got.body, HasSubstr("\"code\": 16113"));
  EXPECT_EQ(ask(call.url() + ".wav").status, 200);
  EXPECT_EQ(call.counters().refused, 1U);
  EXPECT_EQ(call.requests(), 1U);
}

TEST_F(Twilio, DescribesAndListsRecordings) {
  const auto first = provider.has("CA1", speech(90s));
  const auto second = provider.has("CA1", speech(2s));
  provider.knows("CA2");

  const auto one = ask(first.url() + ".json");
  EXPECT_EQ(one.status, 200);
  EXPECT_THAT(one.body, HasSubstr(R"("sid": ")" + first.recording_sid + '"'));
  EXPECT_THAT(one.body, HasSubstr(R"("call_sid": "CA1")"));
  EXPECT_THAT(one.body, HasSubstr(R"("duration": "90")"));
  EXPECT_THAT(one.body, HasSubstr(R"("media_url": ")" + first.url() + '"'));

  const auto list = ask(account() + "/Calls/CA1/Recordings.json");
  EXPECT_EQ(list.status, 200);
  EXPECT_THAT(list.body, HasSubstr(first.recording_sid));
  EXPECT_THAT(list.body, HasSubstr(second.recording_sid));
  EXPECT_THAT(ask(account() + "/Calls/CA2/Recordings.json").body, HasSubstr(R"("recordings": [])"));
  EXPECT_EQ(first.counters().lookups, 2U);
  EXPECT_EQ(second.counters().lookups, 1U);
  EXPECT_EQ(provider.counters().lookups, 3U);
}

TEST_F(Twilio, ListsARecordingLate) {
  const auto call = provider.has("CA1", speech(1s)).listed_after(2);
  const std::string list = account() + "/Calls/CA1/Recordings.json";
  EXPECT_THAT(ask(list).body, Not(HasSubstr(call.recording_sid)));
  EXPECT_EQ(ask(call.url() + ".json").status, 404);
  EXPECT_THAT(ask(list).body, HasSubstr(call.recording_sid));
}

TEST(Files, ArePlainOrBehindABearer) {
  Provider provider;
  const auto call = provider.has("CA1", speech(1s));
  EXPECT_EQ(get(provider.port(), "/media/CA1").body, call.audio.bytes());
  EXPECT_EQ(get(provider.port(), "/media/CA1.wav").status, 200);
  EXPECT_EQ(get(provider.port(), "/media/" + call.recording_sid).status, 200);
  EXPECT_EQ(get(provider.port(), "/media/CA1.ogg").status, 404);
  EXPECT_EQ(get(provider.port(), "/media/CA2").status, 404);

  call.behind_bearer("open sesame");
  EXPECT_EQ(get(provider.port(), "/media/CA1").status, 401);
  EXPECT_EQ(get(provider.port(), "/media/CA1", {"Authorization: Bearer open sesame"}).status, 200);
  EXPECT_EQ(call.counters().unauthorized, 1U);
}

TEST(Redirects, LeadToASignedAddressAndCountLeakedCredentials) {
  Provider provider;
  const auto call = provider.has("CA1", speech(1s)).behind_redirect();
  const auto redirect = get(provider.port(), call.url() + ".wav", {basic});
  EXPECT_EQ(redirect.status, 302);
  EXPECT_EQ(redirect.header("Location"), call.signed_url());
  EXPECT_EQ(call.requests(), 0U);
  EXPECT_EQ(call.counters().redirects, 1U);

  EXPECT_EQ(get(provider.port(), call.signed_url()).body, call.audio.bytes());
  EXPECT_EQ(get(provider.port(), "/signed/CA1?sig=1").status, 403);
  EXPECT_EQ(call.counters().leaked, 0U);
  EXPECT_EQ(get(provider.port(), call.signed_url(), {basic}).status, 200) << "told, not hidden";
  EXPECT_EQ(call.counters().leaked, 1U);
  EXPECT_EQ(call.requests(), 2U);
}

TEST(Redirects, LeadToAnotherHost) {
  Provider here;
  Provider there;
  const auto stored = there.has("CA1", speech(1s));
  const auto call = here.has("CA1", speech(1s)).behind_redirect_to(stored.signed_url());
  EXPECT_EQ(get(here.port(), call.media_url()).header("Location"), stored.signed_url());
  call.answering(redirect("http://elsewhere.example/"));
  EXPECT_NE(here.port(), there.port());
}

TEST(Script, GoesFromAnswerToAnswerAndRepeatsTheLast) {
  Provider provider;
  const auto call = provider.has("CA1", speech(1s)).answering(times(2, not_ready()), throttled(3s), whole());
  std::vector<int> statuses;
  statuses.reserve(5);
  for (int i = 0; i < 5; ++i) statuses.push_back(get(provider.port(), "/media/CA1").status);
  EXPECT_THAT(statuses, ElementsAre(404, 404, 429, 200, 200));
  EXPECT_EQ(call.requests(), 5U);
  EXPECT_THAT(call.seen(), ElementsAre(Field(&Seen::status, 404), Field(&Seen::status, 404), Field(&Seen::status, 429),
                                       Field(&Seen::status, 200), Field(&Seen::status, 200)));
  EXPECT_EQ(call.bytes_sent(), 2 * call.audio.size() + 2 * status(404).content_->size() + status(429).content_->size());
}

TEST(Script, IsReadyAfterAWhile) {
  Provider provider;
  provider.has("CA1", speech(1s)).answering(not_ready().during(0ms), whole());
  EXPECT_EQ(get(provider.port(), "/media/CA1").status, 200);
  provider.has("CA2", speech(1s)).answering(not_ready().during(1h), whole());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get(provider.port(), "/media/CA2").status, 404);
}

TEST(Script, MayBeUsualForAll) {
  Provider provider;
  provider.has("CA1", speech(1s));
  provider.usually(gone());
  EXPECT_EQ(get(provider.port(), "/media/CA1").status, 410);
  provider.has("CA2", speech(1s)).answering(whole());
  EXPECT_EQ(get(provider.port(), "/media/CA2").status, 200);
}

TEST(Script, SaysHowManyAtOnce) {
  Provider provider;
  const auto call = provider.has("CA1", speech(1s)).answering(before_first_byte("go"));
  provider.allows(1);
  Visitor first{provider.port()};
  first.ask("/media/CA1");
  call.until(held("go"));
  const auto second = get(provider.port(), "/media/CA1");
  EXPECT_EQ(second.status, 429);
  EXPECT_THAT(second.body, HasSubstr("\"code\": 20429"));
  call.release("go");
  EXPECT_EQ(first.answer().status, 200);
  EXPECT_EQ(call.counters().throttled, 1U);
}

TEST(Moments, ComeWithoutSleeping) {
  Provider provider;
  const auto call = provider.has("CA1", speech(10s)).answering(before_first_byte("go").hold_at(0.5, "half"));
  Visitor visitor{provider.port()};
  visitor.ask("/media/CA1");
  call.until(request(1).begins());
  call.until(held("go"));
  EXPECT_FALSE(visitor.has_something());
  call.release("go");
  call.until(held("half"));
  EXPECT_EQ(call.bytes_sent(), call.audio.size() / 2);
  auto got = visitor.head();
  EXPECT_EQ(visitor.some(call.audio.size() / 2), call.audio.bytes(0, call.audio.size() / 2));
  EXPECT_FALSE(visitor.has_something());
  EXPECT_THAT(describe(call.counters()), HasSubstr("1 held at \"half\""));
  call.release("half");
  call.until(request(1).ends());
  call.until(sent(call.audio.size()));
  provider.until(active(0));
  EXPECT_EQ(visitor.some(call.audio.size() / 2), call.audio.bytes(call.audio.size() / 2));
}

TEST(Moments, SayWhatDidNotCome) {
  Provider provider;
  const auto call = provider.has("CA1", speech(1s));
  get(provider.port(), "/media/CA1");
  try {
    call.until(request(2).begins(), 1ms);
    FAIL();
  } catch (const Overdue& overdue) {
    EXPECT_THAT(overdue.what(), StartsWith("CA1: waited 1 ms for request 2 to begin; requests 1, "));
  }
  EXPECT_THROW(provider.until(held("go"), 1ms), Overdue);
  Counters counters;
  EXPECT_EQ(describe(counters), "nothing happened");
  counters.requests = 1;
  counters.held["half"] = 2;
  EXPECT_EQ(describe(counters), "requests 1, 2 held at \"half\"");
}

TEST(Moments, ClientsThatLeaveAreNoticedWhereverTheyStand) {
  Provider provider;
  const auto call =
      provider.has("CA1", speech(10s)).answering(before_first_byte("never"), stall_at(100), after(1h), drip(), whole());
  for (std::uint64_t n = 1; n <= 4; ++n) {
    {
      Visitor visitor{provider.port()};
      visitor.ask("/media/CA1");
      call.until(request(n).begins());
      call.until(active(1));
    }
    call.until(aborted(n));
    EXPECT_EQ(call.counters().active, 0U);
  }
  EXPECT_EQ(call.counters().held.size(), 0U);
  EXPECT_EQ(get(provider.port(), "/media/CA1").body, call.audio.bytes());
}

TEST(Provider, EndsWithConnectionsInEveryState) {
  std::vector<Visitor> visitors;
  {
    Provider provider;
    const auto call = provider.has("CA1", wav(100'000'000))
                          .answering(before_first_byte("never"), stall_at(0.5), after(1h), drip(), whole());
    for (int i = 0; i < 5; ++i) {
      visitors.emplace_back(provider.port());
      visitors.back().ask("/media/CA1");
      call.until(request(static_cast<std::uint64_t>(i) + 1).begins());
    }
    visitors.emplace_back(provider.port());  // says nothing
  }
  for (auto& visitor : visitors) EXPECT_NE(visitor.answer().end, Visitor::End::whole);
}

TEST(Provider, KeepsConnectionsAndAnswersHead) {
  Provider provider;
  const auto call = provider.has("CA1", speech(1s));
  Visitor visitor{provider.port()};
  for (int i = 0; i < 3; ++i) {
    visitor.ask("/media/CA1");
    EXPECT_EQ(visitor.answer().body, call.audio.bytes());
  }
  visitor.ask("/media/CA1", {}, "HEAD");
  EXPECT_EQ(visitor.answer().header("Content-Length"), std::to_string(call.audio.size()));
  visitor.ask("/media/CA1", {"Connection: close"});
  EXPECT_EQ(visitor.answer().body, call.audio.bytes());
  EXPECT_EQ(visitor.until_closed(), "");

  Visitor rude{provider.port()};
  rude.ask("/media/CA1", {}, "POST");
  EXPECT_EQ(rude.answer().status, 405);
}

TEST(Provider, ManyAtOnce) {
  Provider provider;
  const auto call = provider.has("CA1", speech(2s)).answering(before_first_byte("go"));
  std::vector<Visitor> visitors;
  for (int i = 0; i < 300; ++i) {
    visitors.emplace_back(provider.port());
    visitors.back().ask("/media/CA1");
  }
  call.until(active(300));
  call.release("go");
  for (auto& visitor : visitors) EXPECT_TRUE(visitor.answer().body == call.audio.bytes());
  EXPECT_EQ(call.counters().peak_active, 300U);
  EXPECT_EQ(call.bytes_sent(), 300 * call.audio.size());
}

}  // namespace
}  // namespace onetake::simulator
