#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

/// What operators watch: contract section 6. One table in metrics.cpp has name, kind, labels, buckets and help of each.
namespace onetake::metrics {

enum class Series {
  stream_requests_per_play,
  seek_requests,
  runs_ended,
  runs_present,
  run_admissions,
  duplicate_runs,
  runs_per_recording,
  provider_requests,
  provider_other_requests,
  provider_circuit_open,
  prepare_seconds,
  first_byte_seconds,
  lease_rescues,
  stale_token_rejections,
  http_requests,
  http_connections,
  http_bytes_sent,
  relayed,
  redis_up,
  ledger_up,
  cache_opens,
  cache_bytes,
  cache_evictions,
  cache_quarantined,
  cache_scrubbed_bytes,
  durable_copies,
  durable_pending,
  durable_fills,
  durable_removed,
  received_bytes,
  listeners,
  build_info,
  process_start_time,
  process_cpu_seconds,
  process_resident_bytes,
  process_open_fds,
  process_max_fds,
};

/// Label values in the order of the table's label names.
using Labels = std::initializer_list<std::string_view>;

/// Any thread. Counters and gauges: adds; a series that is a histogram: use `observe`.
void add(Series series, Labels labels = {}, double by = 1);
void set(Series series, double value, Labels labels = {});
void observe(Series series, double value, Labels labels = {});

/// One cell of a counter, its labels looked up once: for what counts with every request. Any thread; no state of its
/// own.
class Counter {
 public:
  explicit Counter(Series series, Labels labels = {});
  void add(double by = 1) const;

 private:
  prometheus::Counter* cell_;
};

/// As `Counter`, of a histogram.
class Histogram {
 public:
  explicit Histogram(Series series, Labels labels = {});
  void observe(double value) const;

 private:
  prometheus::Histogram* cell_;
};

/// One more of a gauge for as long as it lives. Any thread.
class OneMore {
 public:
  explicit OneMore(Series series, Labels labels = {});
  ~OneMore();
  OneMore(const OneMore&) = delete;
  OneMore& operator=(const OneMore&) = delete;

 private:
  prometheus::Gauge* cell_;
};

/// Prometheus text exposition format 0.0.4.
std::string text();

}  // namespace onetake::metrics
