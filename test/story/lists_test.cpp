// What is there, and what is going on: recordings, runs, a fetch without a listener, and the numbers.

#include <algorithm>
#include <map>
#include <sstream>

#include "story/story.hpp"

namespace onetake::story {
namespace {

using testing::ElementsAre;

/// One field of every item on a page.
std::vector<std::string> items(const Got& page, const std::string& field) {
  std::vector<std::string> found;
  for (int i = 0; !page["/items/" + std::to_string(i)].empty(); ++i)
    found.push_back(page["/items/" + std::to_string(i) + '/' + field]);
  return found;
}

/// The same over all pages of so many.
std::vector<std::string> all_items(const Server& server, const std::string& path, int limit, const std::string& field) {
  std::vector<std::string> found;
  std::string cursor;
  do {
    const auto page = server.get(path + (path.find('?') == std::string::npos ? "?" : "&") +
                                 "limit=" + std::to_string(limit) + cursor);
    EXPECT_THAT(page, Has(200));
    for (auto& item : items(page, field)) found.push_back(std::move(item));
    cursor = page["/next_cursor"] == "null" ? "" : "&cursor=" + page["/next_cursor"];
  } while (!cursor.empty());
  return found;
}

// A fetch that nobody listens to: started once, told of, and then ready.
TEST(Fetch, MakesItReady) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s)).answering(before_first_byte("go"));
  server.has(call);

  const auto first = server.post(recording("CA1") + "/fetch");
  const auto second = server.post(recording("CA1") + "/fetch", "{}");
  call.until(held("go"));
  call.release("go");
  EXPECT_EQ(server.settled("CA1"), "ready");
  const auto ready = server.post(recording("CA1") + "/fetch");

  EXPECT_THAT(first, AllOf(Has(202), Says("Location", "/api/runs/" + first["/id"])));
  EXPECT_EQ(first["/cycle"], "1");
  EXPECT_EQ(second["/id"], first["/id"]);
  EXPECT_THAT(ready, Has(200));
  EXPECT_EQ(ready["/state"], "ready");
  EXPECT_EQ(call.requests(), 1);
  EXPECT_THAT(server.post(recording("CA1") + "/fetch", "nonsense"), IsProblem(400, "bad_body"));
}

// While a failure cools down, a fetch is refused as a Play is.
TEST(Fetch, IsRefusedWhileCoolingDown) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s)).answering(forbidden());
  server.has(call);
  EXPECT_EQ(server.fetched("CA1"), "failed");

  const auto got = server.post(recording("CA1") + "/fetch");

  EXPECT_THAT(got, IsProblem(500, "fetch_failed"));
  EXPECT_NE(got.field("Retry-After"), "");
  EXPECT_EQ(got["/provider_status"], "403");
  EXPECT_EQ(call.requests(), 1);
}

// Recordings come newest first or oldest first, in pages that neither repeat nor miss one.
TEST(Lists, RecordingsComeInPages) {
  Provider provider;
  Server server{provider};
  std::vector<std::string> sids;
  for (int i = 0; i < 25; ++i) {
    sids.push_back("CA" + std::to_string(100 + i));
    EXPECT_THAT(server.put(recording(sids.back()), R"({"provider": "main", "started_at": "2026-11-0)" +
                                                       std::to_string(1 + i % 9) + R"(T09:00:00Z"})"),
                Has(201));
  }

  const auto newest = all_items(server, "/api/recordings", 4, "call_sid");
  auto oldest = all_items(server, "/api/recordings?order=asc", 7, "call_sid");
  const auto times = all_items(server, "/api/recordings", 50, "started_at");

  EXPECT_THAT(newest, testing::UnorderedElementsAreArray(sids));
  std::ranges::reverse(oldest);
  EXPECT_EQ(oldest, newest);
  EXPECT_TRUE(std::ranges::is_sorted(times, std::greater{}));
  EXPECT_THAT(items(server.get("/api/recordings?limit=25"), "call_sid"), testing::SizeIs(25));
  EXPECT_EQ(server.get("/api/recordings?limit=25")["/next_cursor"], "null");
  EXPECT_EQ(server.get("/api/recordings", {globex})["/items"], "[]");
}

// A list is narrowed by what was registered and by state.
TEST(Lists, RecordingsAreFound) {
  Provider provider;
  Server server{provider};
  auto ready = provider.has("CA1", speech(1s));
  auto failed = provider.has("CA2", speech(1s)).answering(forbidden());
  auto cold = provider.has("XA3", speech(1s));
  auto arriving = provider.has("XA4", speech(1s)).answering(hold_at(0.5, "half"));
  server.has(ready, "main",
             R"("from": "+15550100", "to": "+15550200", "direction": "inbound", "started_at": "2026-11-01T00:00:00Z")");
  server.has(failed, "main",
             R"("from": "+15550101", "to": "+4930100", "direction": "outbound", "started_at": "2026-11-02T00:00:00Z")");
  server.has(cold, "main",
             R"("from": "50% off_", "to": "+15550100", "direction": "inbound", "started_at": "2026-11-03T00:00:00Z")");
  server.has(arriving, "main", R"("started_at": "2026-11-04T00:00:00Z")");
  EXPECT_EQ(server.fetched("CA1"), "ready");
  EXPECT_EQ(server.fetched("CA2"), "failed");
  auto person = server.play(arriving);
  person.until_heard(arriving.audio.size() / 2 - 1);
  const auto found = [&](const std::string& query) {
    return items(server.get("/api/recordings?" + query), "call_sid");
  };

  EXPECT_THAT(found(""), ElementsAre("XA4", "XA3", "CA2", "CA1"));
  EXPECT_THAT(found("q=CA"), ElementsAre("CA2", "CA1"));
  EXPECT_THAT(found("q=%2B155501"), ElementsAre("XA3", "CA2", "CA1"));
  EXPECT_THAT(found("q=%2B4930"), ElementsAre("CA2"));
  EXPECT_THAT(found("q=ca"), IsEmpty());
  EXPECT_THAT(found("q=50%25%20off_"), ElementsAre("XA3"));
  EXPECT_THAT(found("q=%25"), IsEmpty());
  EXPECT_THAT(found("q='"), IsEmpty());
  EXPECT_THAT(found("state=ready"), ElementsAre("CA1"));
  EXPECT_THAT(found("state=failed"), ElementsAre("CA2"));
  EXPECT_THAT(found("state=remote"), ElementsAre("XA3"));
  EXPECT_THAT(found("state=fetching"), ElementsAre("XA4"));
  EXPECT_THAT(found("state=gone"), IsEmpty());
  EXPECT_THAT(found("direction=inbound"), ElementsAre("XA3", "CA1"));
  EXPECT_THAT(found("started_after=2026-11-02T00:00:00Z&started_before=2026-11-04T00:00:00Z"),
              ElementsAre("XA3", "CA2"));
  EXPECT_THAT(found("q=CA&state=ready&direction=inbound"), ElementsAre("CA1"));
  for (const auto* wrong :
       {"state=lost", "limit=0", "limit=x", "limit=-1", "order=up", "started_after=now", "cursor=nonsense"})
    EXPECT_THAT(server.get(std::string{"/api/recordings?"} + wrong), IsProblem(400, "bad_request")) << wrong;
  // What is arriving is shown as it is now, not as it was when the database was told last.
  const auto item = server.get("/api/recordings?q=XA4");
  EXPECT_EQ(item["/items/0/run/status"], "running");
  EXPECT_EQ(item["/items/0/run/received_bytes"], std::to_string(arriving.audio.size() / 2 - 1));
  EXPECT_EQ(item["/items/0/run/total_bytes"], std::to_string(arriving.audio.size()));
}

// Runs: of a call, of a status, in pages, and one by its id. Somebody else's are not there.
TEST(Lists, RunsAreFound) {
  Provider provider;
  Server server{provider, {{"fetch.failure_cooldown", "\"0s\""}, {"fetch.max_attempts", "1"}}};
  auto again = provider.has("CA1", speech(1s)).answering(server_error(), server_error(), whole());
  auto once = provider.has("CA2", speech(1s));
  auto arriving = provider.has("CA3", speech(1s)).answering(hold_at(0.5, "half"));
  for (const auto& call : {again, once, arriving}) server.has(call);
  for (int i = 0; i < 2; ++i) EXPECT_THAT(server.get(play("CA1")), IsProblem(500, "fetch_failed"));
  EXPECT_EQ(server.fetched("CA1"), "ready");
  EXPECT_EQ(server.fetched("CA2"), "ready");
  EXPECT_THAT(server.post(recording("CA3") + "/fetch"), Has(202));
  arriving.until(held("half"));
  const auto found = [&](const std::string& query, const std::string& field) {
    return items(server.get("/api/runs?" + query), field);
  };

  EXPECT_THAT(found("", "call_sid"), ElementsAre("CA3", "CA2", "CA1", "CA1", "CA1"));
  EXPECT_THAT(found("call_sid=CA1", "cycle"), ElementsAre("3", "2", "1"));
  EXPECT_THAT(found("call_sid=CA1", "status"), ElementsAre("completed", "failed", "failed"));
  EXPECT_THAT(found("status=failed", "cycle"), ElementsAre("2", "1"));
  EXPECT_THAT(found("status=running", "call_sid"), ElementsAre("CA3"));
  EXPECT_THAT(found("status=queued", "call_sid"), IsEmpty());
  EXPECT_THAT(found("call_sid=CA2&status=failed", "call_sid"), IsEmpty());
  EXPECT_EQ(all_items(server, "/api/runs", 2, "id"), found("", "id"));
  EXPECT_THAT(server.get("/api/runs?status=lost"), IsProblem(400, "bad_request"));
  EXPECT_THAT(server.get("/api/runs?cursor=x"), IsProblem(400, "bad_request"));
  EXPECT_EQ(server.get("/api/runs", {globex})["/items"], "[]");

  const auto failed_id = found("status=failed", "id").front();
  const auto one = server.get("/api/runs/" + failed_id);
  EXPECT_THAT(one, Has(200));
  EXPECT_EQ(one["/call_sid"], "CA1");
  EXPECT_EQ(one["/job_type"], "fetch");
  EXPECT_EQ(one["/attempt"], "1");
  EXPECT_EQ(one["/max_attempts"], "1");
  EXPECT_THAT(one["/error"], StartsWith("unavailable"));
  EXPECT_EQ(one["/reason"], "null");
  for (const auto* time : {"/created_at", "/started_at", "/completed_at"})
    EXPECT_THAT(one[time], testing::MatchesRegex("20[0-9-]{8}T[0-9:.]{12}Z")) << time;
  EXPECT_THAT(server.get("/api/runs/" + failed_id, {globex}), IsProblem(404, "run_not_found"));
  EXPECT_THAT(server.get("/api/runs/nobody"), IsProblem(404, "run_not_found"));
}

// The log tells of each run, one JSON object a line, and of nothing that is secret.
TEST(Log, TellsOfRunsAndNoSecret) {
  Provider provider;
  Server server{provider, {{"fetch.max_attempts", "2"}, {"log.level", "\"debug\""}}};
  auto good = provider.has("CA1", speech(1s)).answering(server_error(), whole());
  auto bad = provider.has("CA2", speech(1s)).behind_redirect().answering(forbidden());
  server.has(good);
  server.has(bad, "web");
  EXPECT_EQ(server.fetched("CA1"), "ready");
  EXPECT_EQ(server.fetched("CA2"), "failed");

  EXPECT_EQ(server.stop(), 0);
  const auto log = server.log();
  server.start();

  std::map<std::string, int> events;
  std::istringstream lines{log};
  for (Got line; std::getline(lines, line.body);) ++events[line["/event"]];
  EXPECT_EQ(events["run.created"], 2);
  EXPECT_EQ(events["run.claimed"], 3);
  EXPECT_EQ(events["run.retry"], 1);
  EXPECT_EQ(events["run.completed"], 1);
  EXPECT_EQ(events["run.failed"], 1);
  EXPECT_EQ(events[""], 0) << log;
  for (const auto& secret :
       {provider.auth_token(), std::string{"acme-key"}, std::string{"sig="}, std::string{"a secret of"}})
    EXPECT_THAT(log, Not(HasSubstr(secret)));
}

// The numbers that operators watch are there from the start.
TEST(Metrics, AreThereFromTheStart) {
  Provider provider;
  Server server{provider};

  const auto text = server.get("/metrics", {nobody});

  EXPECT_THAT(text, AllOf(Has(200), Says("Content-Type", "text/plain; version=0.0.4; charset=utf-8")));
  for (const auto* name :
       {"onetake_stream_requests_per_play", "onetake_seek_requests_total", "onetake_runs", "onetake_duplicate_runs",
        "onetake_runs_per_recording", "onetake_prepare_seconds", "onetake_lease_rescues_total",
        "onetake_stale_token_rejections_total", "onetake_http_connections", "onetake_cache_bytes",
        "process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"})
    EXPECT_THAT(text.body, HasSubstr(std::string{"# TYPE "} + name + ' ')) << name;
}

// Play after play: what was served live and what from the disk can be told apart, and everything adds up.
TEST(Metrics, AddUp) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s));
  server.has(call);

  server.play(call).until_the_end();
  EXPECT_EQ(server.settled("CA1"), "ready");
  for (int i = 0; i < 3; ++i) server.play(call).until_the_end();

  EXPECT_EQ(server.metric("onetake_first_byte_seconds", "live"), 1);
  EXPECT_EQ(server.metric("onetake_first_byte_seconds", "ready"), 3);
  EXPECT_EQ(server.metric("onetake_prepare_seconds"), 1);
  EXPECT_EQ(server.metric("onetake_runs", "completed"), 1);
  EXPECT_EQ(server.metric("onetake_runs", "running"), 0);
  EXPECT_EQ(server.metric("onetake_cache_bytes"), static_cast<double>(call.audio.size()));
  EXPECT_EQ(server.metric("onetake_provider_received_bytes_total"), static_cast<double>(call.audio.size()));
  EXPECT_EQ(server.metric("onetake_http_audio_bytes_sent_total"), 4.0 * static_cast<double>(call.audio.size()));
  EXPECT_EQ(server.metric("onetake_stale_token_rejections_total"), 0);
}

// What has gone out, and not what was asked for: of two ranges, of an answer to HEAD, to somebody who goes.
TEST(Metrics, BytesAreCountedAsTheyGoOut) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", wav(64'000'000));
  server.has(call);
  ASSERT_EQ(server.fetched("CA1"), "ready");
  const auto sent = [&] { return server.metric("onetake_http_audio_bytes_sent_total"); };
  const auto before = sent();

  EXPECT_THAT(server.head(stream("CA1")), Has(200));
  EXPECT_EQ(sent(), before);
  EXPECT_EQ(server.metric("onetake_first_byte_seconds", "ready"), 0);
  EXPECT_THAT(server.get(stream("CA1"), {"Range: bytes=0-999,5000-5999"}), Has(206));
  EXPECT_EQ(sent(), before + 2000);
  {
    auto somebody = server.play(call, 1, {}, Pace::slow);
    somebody.until_heard(1000);
    EXPECT_EQ(server.metric("onetake_listeners", "ready"), 1);
  }
  EXPECT_TRUE(Server::eventually([&] { return server.metric("onetake_listeners", "ready") == 0; }));
  EXPECT_LT(sent(), before + 32'000'000);
}

}  // namespace
}  // namespace onetake::story
