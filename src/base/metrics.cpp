#include "base/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <vector>

namespace onetake::metrics {
namespace {

enum class Kind { counter, gauge, histogram };

struct Row {
  Series series;
  Kind kind;
  const char* name;
  std::vector<std::string> labels;
  std::vector<double> buckets;
  const char* help;
};

const std::vector<double> small_counts{1, 2, 3, 4, 5, 10, 20, 50, 100};
const std::vector<double> waits{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800};
const std::vector<double> latencies{.0001, .00025, .0005, .001, .0025, .005, .01, .025,
                                    .05,   .1,     .25,   .5,   1,     2.5,  5,   10};

const std::vector<Row>& table() {
  using enum Series;
  static const std::vector<Row> rows{
      {stream_requests_per_play,
       Kind::histogram,
       "onetake_stream_requests_per_play",
       {},
       small_counts,
       "Stream requests that carried one play id, observed 60 s after its first."},
      {seek_requests, Kind::counter, "onetake_seek_requests_total", {}, {}, "GETs with a Range past the beginning."},
      {runs_ended, Kind::counter, "onetake_runs_total", {"status"}, {}, "Runs that ended."},
      {runs_present, Kind::gauge, "onetake_runs", {"status"}, {}, "Runs in the database."},
      {run_admissions,
       Kind::counter,
       "onetake_run_admissions_total",
       {"outcome"},
       {},
       "Runs created, and the duplicates that each layer stopped."},
      {duplicate_runs,
       Kind::gauge,
       "onetake_duplicate_runs",
       {},
       {},
       "Recordings with two runs queued or running, counted in the database."},
      {runs_per_recording,
       Kind::histogram,
       "onetake_runs_per_recording",
       {},
       small_counts,
       "Runs a recording and cycle."},
      {provider_requests,
       Kind::counter,
       "onetake_provider_requests_total",
       {"provider", "code"},
       {},
       "Media requests sent to providers."},
      {provider_other_requests,
       Kind::counter,
       "onetake_provider_other_requests_total",
       {"provider", "kind"},
       {},
       "Look-ups, redirects and format probes sent to providers."},
      {provider_circuit_open,
       Kind::gauge,
       "onetake_provider_circuit_open",
       {"provider"},
       {},
       "1 while a provider that failed repeatedly is left alone."},
      {prepare_seconds, Kind::histogram, "onetake_prepare_seconds", {}, waits, "Play on a cold recording to ready."},
      {first_byte_seconds,
       Kind::histogram,
       "onetake_first_byte_seconds",
       {"state"},
       latencies,
       "Request to first body byte."},
      {lease_rescues, Kind::counter, "onetake_lease_rescues_total", {}, {}, "Runs taken over from a lost lease."},
      {stale_token_rejections,
       Kind::counter,
       "onetake_stale_token_rejections_total",
       {},
       {},
       "Writes refused because a newer token holds the run."},
      {http_requests,
       Kind::counter,
       "onetake_http_requests_total",
       {"route", "method", "code"},
       {},
       "Requests answered."},
      {http_connections, Kind::gauge, "onetake_http_connections", {}, {}, "Open connections."},
      {http_bytes_sent, Kind::counter, "onetake_http_audio_bytes_sent_total", {}, {}, "Bytes of audio sent."},
      {relayed,
       Kind::counter,
       "onetake_relayed_requests_total",
       {"outcome"},
       {},
       "Requests for streams that another node was asked to answer: passed, or failed (the next node is asked)."},
      {redis_up,
       Kind::gauge,
       "onetake_redis_up",
       {},
       {},
       "1 while Redis is used; 0 while it is away, or there is none."},
      {ledger_up,
       Kind::gauge,
       "onetake_ledger_up",
       {},
       {},
       "1 where the database answered this page; 0: what is counted there is as of the last time that it did."},
      {cache_opens,
       Kind::counter,
       "onetake_cache_opens_total",
       {"outcome"},
       {},
       "Ready recordings found open (hit) or opened (miss)."},
      {cache_bytes, Kind::gauge, "onetake_cache_bytes", {}, {}, "Bytes of audio on this disk, or on their way there."},
      {cache_evictions, Kind::counter, "onetake_cache_evictions_total", {}, {}, "Recordings given up to make room."},
      {cache_quarantined,
       Kind::counter,
       "onetake_cache_quarantined_total",
       {"why"},
       {},
       "Published files that were not what they had been."},
      {cache_scrubbed_bytes,
       Kind::counter,
       "onetake_cache_scrubbed_bytes_total",
       {},
       {},
       "Bytes of published audio read again and compared."},
      {durable_copies,
       Kind::counter,
       "onetake_durable_copies_total",
       {"outcome"},
       {},
       "Durable copies: made, failed (they are tried again), or unwanted (the recording was erased or replaced "
       "meanwhile)."},
      {durable_pending,
       Kind::gauge,
       "onetake_durable_pending",
       {},
       {},
       "Recordings published here that wait for their durable copy, counted to 1,000 while the storage is down."},
      {durable_fills,
       Kind::counter,
       "onetake_durable_fills_total",
       {"outcome"},
       {},
       "Recordings brought back from their durable copy: filled, spoiled (it was not what it should be), failed, or "
       "unwanted."},
      {durable_removed, Kind::counter, "onetake_durable_removed_total", {}, {}, "Durable copies that were removed."},
      {received_bytes,
       Kind::counter,
       "onetake_provider_received_bytes_total",
       {"provider"},
       {},
       "Bytes of media received from providers."},
      {listeners, Kind::gauge, "onetake_listeners", {"state"}, {}, "Bodies being sent, ready or live."},
      {build_info, Kind::gauge, "onetake_build_info", {"version"}, {}, "Always 1."},
      {process_start_time, Kind::gauge, "process_start_time_seconds", {}, {}, "Start time since the epoch."},
      {process_cpu_seconds, Kind::gauge, "process_cpu_seconds_total", {}, {}, "User and system CPU time."},
      {process_resident_bytes, Kind::gauge, "process_resident_memory_bytes", {}, {}, "Resident memory."},
      {process_open_fds, Kind::gauge, "process_open_fds", {}, {}, "Open file descriptors."},
      {process_max_fds, Kind::gauge, "process_max_fds", {}, {}, "Most file descriptors allowed."},
  };
  return rows;
}

class Book {
  static const Row& row_of(Series series) { return table().at(static_cast<std::size_t>(series)); }

  static std::string key_of(Series series, Labels labels) {
    std::string key{static_cast<char>(series)};
    for (const auto label : labels) {
      key += label;
      key += '\0';
    }
    return key;
  }

  /// Families look their labels up in a map of maps; this remembers where each cell is.
  template <class Cells, class Families, class... Rest>
  auto& cell(Cells& cells, Families& families, Series series, Labels labels, const Rest&... rest) {
    const auto key = key_of(series, labels);
    {
      const std::shared_lock lock{mutex_};
      if (const auto found = cells.find(key); found != cells.end()) return *found->second;
    }
    const auto& names = row_of(series).labels;
    if (names.size() != labels.size()) throw std::logic_error(std::string{"labels of "} + row_of(series).name);
    std::map<std::string, std::string> named;
    auto value = labels.begin();
    for (const auto& name : names) named.emplace(name, *value++);
    const std::unique_lock lock{mutex_};
    auto& made = families.at(series)->Add(named, rest...);
    cells.emplace(key, &made);
    return made;
  }

 public:
  Book() {
    for (const auto& row : table()) {
      // Families without labels are shown from the start, at zero.
      switch (row.kind) {
        case Kind::counter:
          counters_[row.series] = &prometheus::BuildCounter().Name(row.name).Help(row.help).Register(registry_);
          if (row.labels.empty()) counters_[row.series]->Add({});
          break;
        case Kind::gauge:
          gauges_[row.series] = &prometheus::BuildGauge().Name(row.name).Help(row.help).Register(registry_);
          if (row.labels.empty()) gauges_[row.series]->Add({});
          break;
        case Kind::histogram:
          histograms_[row.series] = &prometheus::BuildHistogram().Name(row.name).Help(row.help).Register(registry_);
          if (row.labels.empty()) histograms_[row.series]->Add({}, row.buckets);
          break;
      }
    }
  }

  prometheus::Counter& counter(Series series, Labels labels) { return cell(counter_cells_, counters_, series, labels); }
  prometheus::Gauge& gauge(Series series, Labels labels) { return cell(gauge_cells_, gauges_, series, labels); }
  prometheus::Histogram& histogram(Series series, Labels labels) {
    return cell(histogram_cells_, histograms_, series, labels, row_of(series).buckets);
  }
  static Kind kind(Series series) { return row_of(series).kind; }

  std::string text() const { return prometheus::TextSerializer{}.Serialize(registry_.Collect()); }

 private:
  prometheus::Registry registry_;
  std::map<Series, prometheus::Family<prometheus::Counter>*> counters_;
  std::map<Series, prometheus::Family<prometheus::Gauge>*> gauges_;
  std::map<Series, prometheus::Family<prometheus::Histogram>*> histograms_;
  mutable std::shared_mutex mutex_;
  std::map<std::string, prometheus::Counter*, std::less<>> counter_cells_;
  std::map<std::string, prometheus::Gauge*, std::less<>> gauge_cells_;
  std::map<std::string, prometheus::Histogram*, std::less<>> histogram_cells_;
};

Book& book() {
  static Book made;
  return made;
}

}  // namespace

void add(Series series, Labels labels, double by) {
  if (Book::kind(series) == Kind::gauge) {
    book().gauge(series, labels).Increment(by);
  } else {
    book().counter(series, labels).Increment(by);
  }
}

void set(Series series, double value, Labels labels) { book().gauge(series, labels).Set(value); }

void observe(Series series, double value, Labels labels) { book().histogram(series, labels).Observe(value); }

Counter::Counter(Series series, Labels labels) : cell_(&book().counter(series, labels)) {}

void Counter::add(double by) const { cell_->Increment(by); }

Histogram::Histogram(Series series, Labels labels) : cell_(&book().histogram(series, labels)) {}

void Histogram::observe(double value) const { cell_->Observe(value); }

OneMore::OneMore(Series series, Labels labels) : cell_(&book().gauge(series, labels)) { cell_->Increment(); }

OneMore::~OneMore() { cell_->Decrement(); }

std::string text() { return book().text(); }

}  // namespace onetake::metrics
