#include "base/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <stdexcept>
#include <thread>
#include <vector>

namespace onetake::metrics {
namespace {

using testing::HasSubstr;

// Contract section 6, and the series beside it. Each test runs in a process of its own, or adds to labels of its own.
TEST(Metrics, TextHasEverySeriesFromTheStart) {
  const auto page = text();
  for (const std::string declared :
       {"onetake_stream_requests_per_play histogram", "onetake_seek_requests_total counter",
        "onetake_duplicate_runs gauge", "onetake_runs_per_recording histogram", "onetake_prepare_seconds histogram",
        "onetake_lease_rescues_total counter", "onetake_stale_token_rejections_total counter",
        "onetake_http_connections gauge", "onetake_http_audio_bytes_sent_total counter", "onetake_cache_bytes gauge",
        "onetake_redis_up gauge", "onetake_ledger_up gauge", "onetake_durable_pending gauge",
        "onetake_durable_removed_total counter", "process_start_time_seconds gauge",
        "process_resident_memory_bytes gauge", "process_open_fds gauge", "process_max_fds gauge"})
    EXPECT_THAT(page, HasSubstr("# TYPE " + declared + '\n'));
}

TEST(Metrics, LabelledSeriesHaveTheContractsLabels) {
  add(Series::runs_ended, {"completed"});
  set(Series::runs_present, 3, {"queued"});
  for (const auto outcome : {"created", "joined_process", "exists_database", "blocked_redis"})
    add(Series::run_admissions, {outcome});
  add(Series::provider_requests, {"twilio", "200"});
  add(Series::provider_other_requests, {"twilio", "lookup"});
  observe(Series::first_byte_seconds, 0.003, {"live"});
  observe(Series::first_byte_seconds, 0.003, {"ready"});
  add(Series::http_requests, {"/healthz", "GET", "200"});
  add(Series::cache_opens, {"hit"});
  add(Series::received_bytes, {"http"}, 1000);
  add(Series::listeners, {"live"});
  set(Series::build_info, 1, {"0.1.0"});
  const auto page = text();
  for (const std::string line :
       {R"(onetake_runs_total{status="completed"} 1)", R"(onetake_runs{status="queued"} 3)",
        R"(onetake_run_admissions_total{outcome="created"} 1)",
        R"(onetake_run_admissions_total{outcome="joined_process"} 1)",
        R"(onetake_run_admissions_total{outcome="exists_database"} 1)",
        R"(onetake_run_admissions_total{outcome="blocked_redis"} 1)",
        R"(onetake_provider_requests_total{code="200",provider="twilio"} 1)",
        R"(onetake_provider_other_requests_total{kind="lookup",provider="twilio"} 1)",
        R"(onetake_first_byte_seconds_count{state="live"} 1)", R"(onetake_first_byte_seconds_count{state="ready"} 1)",
        R"(onetake_http_requests_total{code="200",method="GET",route="/healthz"} 1)",
        R"(onetake_cache_opens_total{outcome="hit"} 1)",
        R"(onetake_provider_received_bytes_total{provider="http"} 1000)", R"(onetake_listeners{state="live"} 1)",
        R"(onetake_build_info{version="0.1.0"} 1)"})
    EXPECT_THAT(page, HasSubstr(line + '\n'));
}

TEST(Metrics, GaugesGoUpAndDownCountersGrow) {
  add(Series::listeners, {"gauge"}, 5);
  add(Series::listeners, {"gauge"}, -2);
  add(Series::cache_opens, {"counter"});
  add(Series::cache_opens, {"counter"}, 2.5);
  set(Series::duplicate_runs, 7);
  const auto page = text();
  EXPECT_THAT(page, HasSubstr("onetake_listeners{state=\"gauge\"} 3\n"));
  EXPECT_THAT(page, HasSubstr("onetake_cache_opens_total{outcome=\"counter\"} 3.5\n"));
  EXPECT_THAT(page, HasSubstr("\nonetake_duplicate_runs 7\n"));
}

TEST(Metrics, HistogramsCountUpToEachBound) {
  observe(Series::first_byte_seconds, 0.0002, {"histogram"});
  observe(Series::first_byte_seconds, 0.04, {"histogram"});
  observe(Series::first_byte_seconds, 100, {"histogram"});
  const auto page = text();
  EXPECT_THAT(page, HasSubstr("onetake_first_byte_seconds_bucket{state=\"histogram\",le=\"0.00025\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("onetake_first_byte_seconds_bucket{state=\"histogram\",le=\"10\"} 2\n"));
  EXPECT_THAT(page, HasSubstr("onetake_first_byte_seconds_bucket{state=\"histogram\",le=\"+Inf\"} 3\n"));
}

TEST(Metrics, LabelValuesAreEscaped) {
  add(Series::cache_opens, {"a\"b\\c\nd"});
  EXPECT_THAT(text(), HasSubstr(R"(onetake_cache_opens_total{outcome="a\"b\\c\nd"} 1)"));
}

TEST(Metrics, LabelsThatShareTheirLettersAreTwo) {
  add(Series::provider_requests, {"ab", "c"});
  add(Series::provider_requests, {"a", "bc"}, 2);
  EXPECT_THAT(text(), HasSubstr("onetake_provider_requests_total{code=\"c\",provider=\"ab\"} 1\n"));
  EXPECT_THAT(text(), HasSubstr("onetake_provider_requests_total{code=\"bc\",provider=\"a\"} 2\n"));
}

TEST(Metrics, AnotherNumberOfLabelsIsAMistake) {
  EXPECT_THROW(add(Series::runs_ended), std::logic_error);
  EXPECT_THROW(add(Series::provider_requests, {"twilio"}), std::logic_error);
  EXPECT_THROW(add(Series::seek_requests, {"more"}), std::logic_error);
}

TEST(Metrics, ManyThreadsLoseNothing) {
  std::latch ready{4};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&ready] {
        ready.arrive_and_wait();
        for (int i = 0; i < 1000; ++i) add(Series::cache_opens, {"threads"});
      });
  }
  EXPECT_THAT(text(), HasSubstr("onetake_cache_opens_total{outcome=\"threads\"} 4000\n"));
}

}  // namespace
}  // namespace onetake::metrics
