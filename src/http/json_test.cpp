#include "http/json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>
#include <limits>

namespace onetake::http {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using testing::StartsWith;

/// A body that is right but for `fields`.
result<Registration> said(const std::string& fields) {
  return registration_of(R"({"provider":"main","source_url":"https://media.example.com/1.wav")" + fields + "}");
}
std::string fault(const std::string& fields) {
  const auto read = said(fields);
  if (read) return "nothing is wrong";
  EXPECT_EQ(read.error().fault, Fault::bad_body);
  return read.error().detail;
}

TEST(RegistrationOf, ReadsEveryField) {
  const auto read =
      registration_of(R"({"provider":"main","source_url":"https://media.example.com/1.wav","source_key":"k",
      "recording_sid":"RE1","parent_call_sid":"CA0","from":"+97250","to":"+1","direction":"inbound",
      "started_at":"2026-11-22T11:30:00.5+02:00","duration_seconds":12.5,"channels":2,"format":"mulaw",
      "labels":{"agent":"Noa","queue":""},"whatever":[1,{"deep":null}]})");
  ASSERT_TRUE(read) << read.error().detail;
  Registration expected;
  expected.provider = "main";
  expected.source_url = "https://media.example.com/1.wav";
  expected.source_key = "k";
  expected.recording_sid = "RE1";
  expected.parent_call_sid = "CA0";
  expected.from = "+97250";
  expected.to = "+1";
  expected.direction = "inbound";
  expected.started_at = WallTime{milliseconds{1'795'339'800'500}};
  expected.duration_seconds = 12.5;
  expected.channels = 2;
  expected.format = "mulaw";
  expected.labels = {{"agent", "Noa"}, {"queue", ""}};
  EXPECT_EQ(*read, expected);
}

TEST(RegistrationOf, NullIsAsIfItWereNotThere) {
  const auto read = said(R"(,"from":null,"started_at":null,"duration_seconds":null,"channels":null,"labels":null)");
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(*read, *said(""));
  EXPECT_EQ(read->channels, std::nullopt);
}

TEST(RegistrationOf, WhatIsNoJsonObjectSaysSo) {
  for (const char* body : {"", "{", "[]", "\"x\"", "null", "{\"a\":1,}", "{\"a\":\"\xff\"}", "{} {}"}) {
    const auto read = registration_of(body);
    ASSERT_FALSE(read) << body;
    EXPECT_EQ(read.error().fault, Fault::bad_body);
    EXPECT_THAT(read.error().detail, HasSubstr("The body is not")) << body;
  }
  EXPECT_FALSE(registration_of(std::string(1000, '[')));
}

TEST(RegistrationOf, TheFieldThatIsWrongIsNamed) {
  for (const char* name : {"source_url", "source_key", "recording_sid", "parent_call_sid", "from", "to", "direction",
                           "started_at", "format"})
    for (const char* value : {"1", "true", "[]", "{}"})
      EXPECT_THAT(fault(std::string{",\""} + name + "\":" + value),
                  StartsWith(std::string{name} + ": must be a string"))
          << value;
  for (const char* name : {"duration_seconds", "channels"})
    for (const char* value : {"\"1\"", "true", "[]", "{}"})
      EXPECT_THAT(fault(std::string{",\""} + name + "\":" + value),
                  StartsWith(std::string{name} + ": must be a number"))
          << value;
  EXPECT_THAT(fault(R"(,"labels":[])"), StartsWith("labels: "));
  EXPECT_THAT(fault(R"(,"labels":{"a":1})"), StartsWith("labels: "));
  EXPECT_THAT(registration_of(R"({"provider":7})").error().detail, StartsWith("provider: must be a string"));
}

TEST(RegistrationOf, AProviderMustBeNamed) {
  EXPECT_THAT(registration_of("{}").error().detail, StartsWith("provider: is missing"));
  EXPECT_THAT(registration_of(R"({"provider":""})").error().detail, StartsWith("provider: is missing"));
}

TEST(RegistrationOf, TextHasABound) {
  const std::vector<std::pair<std::string, std::size_t>> bounds{
      {"source_url", 4096}, {"source_key", 1024}, {"recording_sid", 64}, {"parent_call_sid", 64},
      {"from", 256},        {"to", 256},          {"direction", 64},     {"format", 32}};
  for (const auto& [name, most] : bounds) {
    EXPECT_TRUE(said(",\"" + name + "\":\"" + std::string(most, 'x') + '"')) << name;
    EXPECT_EQ(fault(",\"" + name + "\":\"" + std::string(most + 1, 'x') + '"'), name + ": is too long");
  }
}

TEST(RegistrationOf, NoTextHasANul) {
  EXPECT_THAT(fault(R"(,"from":"a\u0000b")"), StartsWith("from: has a NUL"));
  EXPECT_THAT(fault(R"(,"labels":{"a":"b\u0000"})"), StartsWith("labels: have a NUL"));
  EXPECT_THAT(fault(R"(,"labels":{"a\u0000":"b"})"), StartsWith("labels: have a NUL"));
}

TEST(RegistrationOf, NumbersHaveARange) {
  EXPECT_EQ(said(R"(,"duration_seconds":0)")->duration_seconds, 0);
  EXPECT_EQ(said(R"(,"duration_seconds":31536000)")->duration_seconds, 31'536'000);
  for (const char* value : {"-0.1", "31536001", "1e400", "-1e400"})
    EXPECT_FALSE(said(std::string{",\"duration_seconds\":"} + value)) << value;
  EXPECT_EQ(said(R"(,"channels":1)")->channels, 1);
  EXPECT_EQ(said(R"(,"channels":2.0)")->channels, 2);
  EXPECT_EQ(said(R"(,"channels":64)")->channels, 64);
  for (const char* value : {"0", "-1", "65", "18446744073709551615"})
    EXPECT_THAT(fault(std::string{",\"channels\":"} + value), StartsWith("channels: is out of range")) << value;
  EXPECT_THAT(fault(R"(,"channels":1.5)"), StartsWith("channels: must be a whole number"));
}

TEST(RegistrationOf, ATimeIsRfc3339) {
  for (const char* value : {"yesterday", "2026-11-22", "2026-11-22T09:30:00", "1795339800"})
    EXPECT_THAT(fault(std::string{",\"started_at\":\""} + value + '"'),
                StartsWith("started_at: must be an RFC 3339 time"))
        << value;
  EXPECT_EQ(said(R"(,"started_at":"")")->started_at, std::nullopt);
}

TEST(RegistrationOf, LabelsHaveBounds) {
  std::string labels;
  for (int i = 0; i < 64; ++i) labels += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":\"v\"";
  EXPECT_EQ(said(",\"labels\":{" + labels + "}")->labels.size(), 64U);
  EXPECT_THAT(fault(",\"labels\":{" + labels + ",\"more\":\"v\"}"), StartsWith("labels: are more than 64"));
  EXPECT_TRUE(said(",\"labels\":{\"" + std::string(64, 'k') + "\":\"" + std::string(1024, 'v') + "\"}"));
  EXPECT_THAT(fault(",\"labels\":{\"" + std::string(65, 'k') + "\":\"v\"}"), StartsWith("labels: "));
  EXPECT_THAT(fault(",\"labels\":{\"k\":\"" + std::string(1025, 'v') + "\"}"), StartsWith("labels: "));
}

TEST(RegistrationOf, SidsHaveTheFormOfSids) {
  for (const char* name : {"recording_sid", "parent_call_sid"}) {
    const auto read = said(std::string{",\""} + name + R"(":"a b")");
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().fault, Fault::bad_call_sid);
    EXPECT_THAT(read.error().detail, StartsWith(name));
  }
}

// On the way out.

Run run() {
  Run run;
  run.id = RunId{"run"};
  run.call_sid = CallSid{"CA"};
  run.job_type = "fetch";
  run.cycle = 2;
  run.status = RunStatus::queued;
  run.attempt = 1;
  run.max_attempts = 5;
  run.reason = Reason::throttled;
  run.created_at = WallTime{milliseconds{1'795'339'800'000}};
  return run;
}

TEST(JsonOfRun, HasTheContractsFields) {
  const auto object = json_of(run());
  for (const char* name : {"id", "call_sid", "job_type", "cycle", "status", "attempt", "max_attempts", "received_bytes",
                           "total_bytes", "reason", "error", "last_error", "created_at", "started_at", "completed_at"})
    EXPECT_TRUE(object.contains(name)) << name;
  EXPECT_EQ(object.at("status"), "queued");
  EXPECT_EQ(object.at("reason"), "throttled");
  EXPECT_EQ(object.at("created_at"), "2026-11-22T09:30:00.000Z");
  EXPECT_TRUE(object.at("total_bytes").is_null());
  EXPECT_TRUE(object.at("error").is_null());
  EXPECT_TRUE(object.at("started_at").is_null());
}

TEST(JsonOfRun, OnlyWhatWaitsHasAReason) {
  auto made = run();
  for (const auto status : {RunStatus::running, RunStatus::completed, RunStatus::failed, RunStatus::cancelled}) {
    made.status = status;
    EXPECT_TRUE(json_of(made).at("reason").is_null());
  }
}

TEST(JsonOfRun, TellsTheNewestSetback) {
  auto made = run();
  made.setback = Setback{.cause = Cause::unavailable, .detail = "try later", .provider_status = 503};
  EXPECT_EQ(json_of(made).at("error"), "unavailable: try later");
  EXPECT_EQ(json_of(made).at("provider_status"), 503);
  made.setback = Setback{.cause = Cause::stalled, .detail = {}};
  EXPECT_EQ(json_of(made).at("error"), "stalled");
  EXPECT_TRUE(json_of(made).at("provider_status").is_null());
}

TEST(JsonOfRun, WhatCompletedHasNoErrorButTellsTheLast) {
  auto made = run();
  EXPECT_TRUE(json_of(made).at("last_error").is_null());
  made.setback = Setback{.cause = Cause::not_ready, .detail = "answered 404", .provider_status = 404};
  for (const auto status : {RunStatus::queued, RunStatus::running, RunStatus::failed, RunStatus::cancelled}) {
    made.status = status;
    EXPECT_EQ(json_of(made).at("error"), "not_ready: answered 404");
    EXPECT_EQ(json_of(made).at("last_error"), "not_ready: answered 404");
    EXPECT_EQ(json_of(made).at("provider_status"), 404);
  }
  made.status = RunStatus::completed;
  EXPECT_TRUE(json_of(made).at("error").is_null());
  EXPECT_TRUE(json_of(made).at("provider_status").is_null());
  EXPECT_EQ(json_of(made).at("last_error"), "not_ready: answered 404");
}

TEST(JsonOfRecording, HasTheContractsFields) {
  Recording recording;
  recording.id = RecordingId{"rec"};
  recording.call_sid = CallSid{"CA"};
  recording.registered.provider = "main";
  recording.registered.labels = {{"agent", "Noa"}};
  auto object = json_of(recording);
  EXPECT_EQ(object.at("id"), "rec");
  EXPECT_EQ(object.at("state"), "remote");
  EXPECT_TRUE(object.at("run").is_null());
  EXPECT_TRUE(object.at("media").is_null());
  EXPECT_TRUE(object.at("from").is_null());
  EXPECT_EQ(object.at("labels").as_object().at("agent"), "Noa");

  recording.state = State::ready;
  recording.run = run();
  recording.media = Media{.blob = "secret-name",
                          .bytes = 1000,
                          .sha256 = "ab",
                          .content_type = "audio/wav",
                          .duration_seconds = 12.0,
                          .channels = 2,
                          .codec = "",
                          .cycle = 1,
                          .version = 1,
                          .last_modified = {}};
  object = json_of(recording);
  EXPECT_EQ(object.at("run").as_object().at("id"), "run");
  const auto& media = object.at("media").as_object();
  EXPECT_EQ(media.at("bytes"), 1000);
  EXPECT_EQ(json::serialize(media.at("duration_seconds")), "12") << "no exponent";
  EXPECT_TRUE(media.at("codec").is_null());
  EXPECT_EQ(json::serialize(object).find("secret-name"), std::string::npos);
}

TEST(JsonOfRecording, ADurationIsANumberWhateverAContainerSays) {
  Recording recording;
  recording.media.emplace();
  const auto duration = [&](double seconds) {
    recording.media->duration_seconds = seconds;
    return json::serialize(json_of(recording).at("media").as_object().at("duration_seconds"));
  };
  EXPECT_EQ(duration(0), "0");
  EXPECT_EQ(std::stod(duration(0.25)), 0.25);
  EXPECT_EQ(std::stod(duration(1e300)), 1e300);
  EXPECT_EQ(duration(std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(duration(std::numeric_limits<double>::quiet_NaN()), "null");
}

TEST(JsonOfFlight, SaysWhatHasArrived) {
  run::Flight::View view;
  view.run = run();
  view.run.received_bytes = 7;
  view.run.total_bytes = 9;
  const auto pending = json_of(view);
  EXPECT_EQ(pending.at("run_id"), "run");
  EXPECT_EQ(pending.at("status"), "queued");
  EXPECT_EQ(pending.at("received_bytes"), 7);
  EXPECT_EQ(pending.at("total_bytes"), 9);
  EXPECT_EQ(pending.at("reason"), "throttled");
  const auto event = progress_of(view);
  EXPECT_EQ(event.at("attempt"), 1);
  EXPECT_EQ(event.at("received_bytes"), 7);
}

}  // namespace
}  // namespace onetake::http
