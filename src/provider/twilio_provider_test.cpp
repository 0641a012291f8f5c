#include "provider/twilio_provider.hpp"

#include <gmock/gmock.h>

#include "provider/harness_test.hpp"
#include "provider/scripted_server_test.hpp"

namespace onetake::provider::test {
namespace {

using testing::ElementsAre;

const std::string account_path = "/2010-04-01/Accounts/AC1";
const std::string recording = account_path + "/Recordings/RE1";
const std::string stereo = recording + ".wav?RequestedChannels=2";
const std::string wav = recording + ".wav";
const std::string mp3 = recording + ".mp3";

class Twilio : public testing::Test {
 protected:
  Twilio()
      : server([this](const Seen& seen, Peer& peer) {
          const auto found = answers.find(seen.target);
          peer.send(found == answers.end() ? answer("404 Not Found", R"({"code": 20404})") : found->second);
        }) {
    provider = make(
        {.name = "main", .type = "twilio", .base_url = server.url(""), .account_sid = "AC1", .auth_token = "token"},
        loopback_limits(), harness.transfers());
  }

  Outcome fetch(const Registration& registration) {
    Ask ask = asking("");
    ask.recording.registered = registration;
    return harness.run(provider->fetch(std::move(ask), sink));
  }
  /// The rest, behind what `begun` told the beginning of; with its validator where it had one.
  Outcome go_on(const Registration& registration, const Head& begun, Bytes from) {
    Ask ask = asking("");
    ask.recording.registered = registration;
    ask.from = begun.validator.empty() ? 0 : from;
    ask.validator = begun.validator;
    ask.variant = begun.variant;
    return harness.run(provider->fetch(std::move(ask), sink));
  }
  Outcome fetch() { return fetch(registered()); }
  static Registration registered(std::string url = "Recordings/RE1") {
    Registration made;
    made.source_url = std::move(url);
    return made;
  }
  static std::string list(const std::string& items) { return answer("200 OK", R"({"recordings": [)" + items + "]}"); }
  static std::optional<Cause> cause(const Outcome& outcome) {
    return outcome ? std::nullopt : std::optional{outcome.error().setback.cause};
  }
  static double other(const char* kind) {
    return counted("onetake_provider_other_requests_total", "kind=\"" + std::string{kind} + R"(",provider="twilio")");
  }

  std::map<std::string, std::string> answers;  ///< changed between fetches only
  ScriptedServer server;
  Harness harness;
  KeepingSink sink;
  std::shared_ptr<Provider> provider;
};

TEST_F(Twilio, IsAskedForTwoChannelsFirst) {
  answers[stereo] = answer("200 OK", "two");
  EXPECT_TRUE(fetch());
  EXPECT_EQ(sink.bytes, "two");
  EXPECT_THAT(server.targets(), ElementsAre(stereo));
}

TEST_F(Twilio, RecordedWithOneChannelGivesThePlainWav) {
  for (const char* body : {R"({"code": 16113})", "<TwilioResponse><RestException><Code>16113</Code></RestException>"}) {
    answers[stereo] = answer("400 Bad Request", body);
    answers[wav] = answer("200 OK", "one");
    const auto formats = other("format");
    const auto before = counted("onetake_provider_requests_total", R"(code="200",provider="twilio")");
    EXPECT_TRUE(fetch());
    EXPECT_EQ(sink.bytes, "one");
    EXPECT_EQ(counted("onetake_provider_requests_total", R"(code="200",provider="twilio")") - before, 1);
    EXPECT_EQ(other("format") - formats, 1);
  }
  EXPECT_THAT(server.targets(), ElementsAre(stereo, wav, stereo, wav));
}

// A .wav of one channel there is of every recording: who once asked for it first would never hear two again.
TEST_F(Twilio, WhatOneRecordingHadSaysNothingOfAnother) {
  answers[stereo] = answer("400 Bad Request", R"({"code": 16113})");
  answers[wav] = answer("200 OK", "one");
  EXPECT_TRUE(fetch());
  const auto another = account_path + "/Recordings/RE2.wav";
  answers[another + "?RequestedChannels=2"] = answer("200 OK", "two");
  answers[another] = answer("200 OK", "mixed");
  const auto formats = other("format");
  EXPECT_TRUE(fetch(registered("Recordings/RE2")));
  EXPECT_EQ(sink.bytes, "two");
  EXPECT_EQ(other("format") - formats, 0);
  EXPECT_THAT(server.targets(), ElementsAre(stereo, wav, another + "?RequestedChannels=2"));
}

TEST_F(Twilio, GoesOnToMp3) {
  answers[stereo] = answer("406 Not Acceptable", "");
  answers[wav] = answer("415 Unsupported Media Type", "");
  answers[mp3] = answer("200 OK", "mp3");
  EXPECT_TRUE(fetch());
  EXPECT_THAT(server.targets(), ElementsAre(stereo, wav, mp3));
}

// Another form would be other bytes under another validator.
TEST_F(Twilio, WhatHasBegunGoesOnInItsForm) {
  answers[stereo] = answer("200 OK", "two channels", "ETag: \"2\"\r\n");
  ASSERT_TRUE(fetch());
  const auto two = sink.heads.back();
  answers.erase(stereo);
  answers[wav] = answer("200 OK", "one", "ETag: \"1\"\r\n");
  ASSERT_TRUE(fetch());
  const auto one = sink.heads.back();
  EXPECT_NE(one.variant, two.variant);

  const auto before = server.targets().size();
  answers[stereo] = answer("206 Partial Content", "channels", "ETag: \"2\"\r\nContent-Range: bytes 4-11/12\r\n");
  EXPECT_TRUE(go_on(registered(), two, 4));
  EXPECT_EQ(sink.heads.back().offset, 4U);
  EXPECT_EQ(sink.heads.back().variant, two.variant);
  answers[wav] = answer("206 Partial Content", "ne", "ETag: \"1\"\r\nContent-Range: bytes 1-2/3\r\n");
  EXPECT_TRUE(go_on(registered(), one, 1));
  EXPECT_EQ(sink.heads.back().variant, one.variant);
  auto asked = server.targets();
  asked.erase(asked.begin(), asked.begin() + static_cast<std::ptrdiff_t>(before));
  EXPECT_THAT(asked, ElementsAre(stereo, wav)) << "and none beside";
}

// Also without a validator: what comes is compared then. And not even where the form is not to be had at the moment.
TEST_F(Twilio, WhatHasBegunGoesOnInItsFormOrNotAtAll) {
  answers[stereo] = answer("200 OK", "two");
  ASSERT_TRUE(fetch());
  const auto begun = sink.heads.back();
  ASSERT_EQ(begun.validator, "");
  answers[stereo] = answer("404 Not Found", R"({"code": 20404})");
  answers[wav] = answer("200 OK", "one");
  EXPECT_EQ(cause(go_on(registered(), begun, 2)), Cause::not_ready);
  EXPECT_EQ(sink.begins, 1);
  EXPECT_THAT(server.targets(), ElementsAre(stereo, stereo));
}

// By now the call's list may begin with a later recording.
TEST_F(Twilio, WhatWasLookedUpGoesOnWithoutAnotherLook) {
  const auto calls = account_path + "/Calls/CA1/Recordings.json";
  answers[calls] = list(R"({"sid": "RE1", "status": "completed", "uri": ")" + recording + R"(.json"})");
  answers[stereo] = answer("200 OK", "two", "ETag: \"2\"\r\n");
  ASSERT_TRUE(fetch(registered("")));
  answers[calls] = list(R"({"sid": "RE2", "status": "completed"})");
  answers[stereo] = answer("206 Partial Content", "o", "ETag: \"2\"\r\nContent-Range: bytes 2-2/3\r\n");
  EXPECT_TRUE(go_on(registered(""), sink.heads.back(), 2));
  EXPECT_THAT(server.targets(), ElementsAre(calls, stereo, stereo));
}

TEST_F(Twilio, AVariantThatIsNoneOfThisAccountIsNotAskedFor) {
  answers[stereo] = answer("200 OK", "two");
  for (const auto& variant :
       {std::string{"nonsense"}, "https://evil.example.com" + stereo, server.url("/elsewhere.wav"),
        server.url(recording), server.url(recording + ".json"), server.url(wav + "?RequestedChannels=1")}) {
    Head begun;
    begun.variant = variant;
    EXPECT_TRUE(go_on(registered(), begun, 0)) << variant;
  }
  EXPECT_THAT(server.targets(), testing::Each(stereo));
}

TEST_F(Twilio, IsAskedInTheRegisteredForm) {
  const auto tried = [this](std::string format, std::optional<int> channels) {
    auto registration = registered();
    registration.format = std::move(format);
    registration.channels = channels;
    const auto before = server.targets().size();
    EXPECT_EQ(cause(fetch(registration)), Cause::not_ready);
    auto all = server.targets();
    all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(before));
    return all;
  };
  EXPECT_THAT(tried("", {}), ElementsAre(stereo, wav, mp3));
  EXPECT_THAT(tried("", 2), ElementsAre(stereo, wav, mp3));
  EXPECT_THAT(tried("mp3", {}), ElementsAre(mp3));
  EXPECT_THAT(tried("wav", {}), ElementsAre(stereo, wav));
  EXPECT_THAT(tried("", 1), ElementsAre(wav, mp3));
  EXPECT_THAT(tried("wav", 1), ElementsAre(wav));
}

TEST_F(Twilio, IsNotReadyWhenNoFormIsThere) {
  const auto formats = other("format");
  const auto before = counted("onetake_provider_requests_total", R"(code="404",provider="twilio")");
  const auto outcome = fetch();
  ASSERT_EQ(cause(outcome), Cause::not_ready);
  EXPECT_EQ(outcome.error().setback.provider_status, 404);
  EXPECT_EQ(other("format") - formats, 2);
  EXPECT_EQ(counted("onetake_provider_requests_total", R"(code="404",provider="twilio")") - before, 1);
  answers[mp3] = answer("406 Not Acceptable", "");
  EXPECT_EQ(cause(fetch()), Cause::not_ready) << "missing in one form, refused in another";
}

TEST_F(Twilio, ThatThrottlesIsNotAskedForAnotherForm) {
  for (const auto& throttled : {answer("429 Too Many Requests", R"({"code": 20429})", "Retry-After: 3\r\n"),
                                answer("400 Bad Request", R"({"code": 20429})", "Retry-After: 3\r\n"),
                                answer("404 Not Found", R"({"code": 20429})", "Retry-After: 3\r\n"),
                                answer("429 Too Many Requests", R"({"code": 16113})", "Retry-After: 3\r\n")}) {
    answers[stereo] = throttled;
    const auto before = server.targets().size();
    const auto outcome = fetch();
    ASSERT_EQ(cause(outcome), Cause::throttled) << throttled;
    EXPECT_EQ(outcome.error().retry_after, std::chrono::seconds{3});
    EXPECT_EQ(server.targets().size() - before, 1) << throttled;
  }
}

TEST_F(Twilio, ThrottledInTheMiddleIsThrottled) {
  answers[wav] = answer("429 Too Many Requests", "");
  EXPECT_EQ(cause(fetch()), Cause::throttled);
  EXPECT_THAT(server.targets(), ElementsAre(stereo, wav));
}

TEST_F(Twilio, RefusesOtherRequestsAtOnce) {
  answers[stereo] = answer("400 Bad Request", R"({"code": 20001})");
  EXPECT_EQ(cause(fetch()), Cause::unavailable);
  answers[stereo] = answer("403 Forbidden", R"({"code": 16113})");
  EXPECT_EQ(cause(fetch()), Cause::forbidden);
  EXPECT_THAT(server.targets(), ElementsAre(stereo, stereo));
}

TEST_F(Twilio, UnderstandsEverySpellingOfASource) {
  answers[stereo] = answer("200 OK", "two");
  for (const auto& url : {std::string{"Recordings/RE1"}, std::string{"Recordings/RE1.json"}, recording,
                          recording + ".json", recording + ".wav", recording + ".mp3?RequestedChannels=1",
                          server.url(recording), server.url(recording + ".json"), server.url(stereo)}) {
    EXPECT_TRUE(provider->admits(registered(url))) << url;
    EXPECT_TRUE(fetch(registered(url))) << url;
  }
  EXPECT_THAT(server.targets(), testing::Each(stereo));
}

TEST_F(Twilio, AdmitsNothingElse) {
  for (const auto& url :
       {std::string{"https://api.example.com"} + recording, std::string{"ftp://127.0.0.1"} + recording, server.url("/"),
        server.url(account_path + "/Messages/MM1"), server.url(account_path + "/Recordings/"),
        server.url(account_path + "/Recordings/RE1/AddOnResults"), server.url(account_path + "/Recordings/../Messages"),
        server.url(account_path + "/Recordings/%2e%2e"), std::string{"//evil.example.com/Recordings/RE1"},
        std::string{"Recordings/../../x/Recordings/RE1"}, std::string{"@evil.example.com/Recordings/RE1/x"}})
    EXPECT_EQ(provider->admits(registered(url)).error().fault, Fault::source_not_allowed) << url;
  auto keyed = registered();
  keyed.source_key = "k";
  EXPECT_EQ(provider->admits(keyed).error().fault, Fault::bad_body);
  EXPECT_TRUE(provider->admits(registered("")));
}

TEST_F(Twilio, LooksTheCallUp) {
  answers[account_path + "/Calls/CA1/Recordings.json"] =
      list(R"({"sid": "RE0", "status": "processing", "uri": ")" + account_path + R"(/Recordings/RE0.json"},)" +
           R"({"sid": "RE1", "status": "completed", "uri": ")" + recording + R"(.json"})");
  answers[stereo] = answer("200 OK", "two");
  const auto lookups = other("lookup");
  EXPECT_TRUE(fetch(registered("")));
  EXPECT_TRUE(fetch(registered("Calls/CA1/Recordings.json")));
  EXPECT_TRUE(fetch(registered(server.url(account_path + "/Calls/CA1/Recordings.json"))));
  EXPECT_EQ(other("lookup") - lookups, 3);
  EXPECT_EQ(sink.begins, 3);
  EXPECT_EQ(server.seen().at(0).field("authorization"), "Basic QUMxOnRva2Vu");

  auto picked = registered("Calls/CA1/Recordings.json");
  picked.recording_sid = "RE0";
  EXPECT_EQ(cause(fetch(picked)), Cause::not_ready);
  picked.recording_sid = "RE9";
  EXPECT_EQ(cause(fetch(picked)), Cause::not_ready);
}

TEST_F(Twilio, AsksForARegisteredRecordingDirectly) {
  answers[stereo] = answer("200 OK", "two");
  auto registration = registered("");
  registration.recording_sid = "RE1";
  EXPECT_TRUE(fetch(registration));
  EXPECT_THAT(server.targets(), ElementsAre(stereo));
}

TEST_F(Twilio, TriesTheParentCall) {
  auto registration = registered("");
  registration.parent_call_sid = "CA0";
  answers[account_path + "/Calls/CA0/Recordings.json"] = list(R"({"sid": "RE1", "status": "completed"})");
  answers[stereo] = answer("200 OK", "two");
  EXPECT_TRUE(fetch(registration)) << "the call's own list is not there";
  answers[account_path + "/Calls/CA1/Recordings.json"] = list("");
  EXPECT_TRUE(fetch(registration)) << "the call's own list is empty";
  answers[account_path + "/Calls/CA0/Recordings.json"] = list("");
  EXPECT_EQ(cause(fetch(registration)), Cause::not_ready);
  registration.parent_call_sid = "";
  EXPECT_EQ(cause(fetch(registration)), Cause::not_ready);
}

TEST_F(Twilio, SaysWhyThereIsNoRecording) {
  const auto path = account_path + "/Calls/CA1/Recordings.json";
  struct Row {
    std::string answer;
    Cause cause;
  };
  for (const auto& row :
       {Row{list(R"({"sid": "RE1", "status": "absent"})"), Cause::missing},
        Row{list(R"({"sid": "RE1", "status": "absent"}, {"sid": "RE2", "status": "in-progress"})"), Cause::not_ready},
        Row{list(R"({"sid": "RE1", "status": "deleted"})"), Cause::gone},
        Row{list(R"({"sid": "RE1", "status": "completed", "uri": "https://evil.example.com/Recordings/RE1"})"),
            Cause::refused},
        Row{answer("200 OK", "<html>"), Cause::unavailable},
        Row{answer("200 OK", R"({"recordings": 1})"), Cause::unavailable},
        Row{answer("401 Unauthorized", ""), Cause::unauthorized}, Row{answer("429 Too Many", ""), Cause::throttled},
        Row{answer("503 Unavailable", ""), Cause::unavailable}}) {
    answers[path] = row.answer;
    EXPECT_EQ(cause(fetch(registered(""))), row.cause) << row.answer;
  }
}

TEST_F(Twilio, KeepsABasePath) {
  provider = make({.name = "main",
                   .type = "twilio",
                   .base_url = server.url("/proxy/"),
                   .account_sid = "AC1",
                   .auth_token = "token"},
                  loopback_limits(), harness.transfers());
  answers["/proxy" + stereo] = answer("200 OK", "two");
  EXPECT_TRUE(fetch(registered("Recordings/RE1")));
  EXPECT_TRUE(fetch(registered(recording)));
  EXPECT_TRUE(fetch(registered(server.url("/proxy" + recording))));
  EXPECT_EQ(provider->admits(registered(server.url(recording))).error().fault, Fault::source_not_allowed);
}

}  // namespace
}  // namespace onetake::provider::test
