#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "http/api.hpp"
#include "http/assets.hpp"
#include "http/problem.hpp"

namespace onetake::http {

using metrics::Series;

namespace {

Answer plain(int status, std::string text) {
  Answer answer{.status = status, .fields = {}, .body = std::move(text)};
  answer.add("Content-Type", "text/plain; charset=utf-8");
  answer.add("Cache-Control", "no-store");
  return answer;
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

void observe_process() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  metrics::set(Series::process_cpu_seconds, seconds(usage.ru_utime) + seconds(usage.ru_stime));

  Bytes pages = 0;
  std::ifstream statm{"/proc/self/statm"};
  statm >> pages >> pages;
  metrics::set(Series::process_resident_bytes,
               static_cast<double>(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE)));

  std::error_code ignored;
  const std::filesystem::directory_iterator open{"/proc/self/fd", ignored};
  // One of them is the iterator's own.
  metrics::set(Series::process_open_fds, static_cast<double>(std::distance(begin(open), end(open)) - 1));
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  metrics::set(Series::process_max_fds, static_cast<double>(limit.rlim_cur));
}

void observe_ledger(const ledger::Counts& counts) {
  for (const auto status :
       {RunStatus::queued, RunStatus::running, RunStatus::completed, RunStatus::failed, RunStatus::cancelled}) {
    const auto found = counts.runs.find(status);
    metrics::set(Series::runs_present, found == counts.runs.end() ? 0 : static_cast<double>(found->second),
                 {name(status)});
  }
  metrics::set(Series::duplicate_runs, static_cast<double>(counts.duplicate_runs));
}

/// Whoever watches asks often, and has patience of its own: what the database does not say within this is left out.
constexpr milliseconds database_patience{2'000};

/// Nothing: it is down, or hangs.
template <class T>
Task<std::optional<T>> from_database(Inquiry<T>& inquiry, LastCall& last_call, Task<T> question) {
  try {
    auto said = co_await inquiry.ask(last_call, std::move(question), in(database_patience));
    if (!said) log::warn("ledger.unavailable", "the database does not answer", {});
    co_return said;
  } catch (const std::exception& error) {
    log::warn("ledger.unavailable", "the database cannot be asked", {{"error", error.what()}});
    co_return std::nullopt;
  }
}

}  // namespace

Task<Answer> Api::health(const Request& /*request*/, Asked /*asked*/) { co_return plain(200, "ok\n"); }

Task<Answer> Api::readiness(const Request& /*request*/, Asked /*asked*/) {
  if (draining_) co_return problem({.fault = Fault::draining});
  auto question = parts_.ledger.next_due(wall_now());
  const auto said = co_await from_database(next_due_, last_call_, std::move(question));
  if (!said)
    co_return problem({.fault = Fault::unavailable, .detail = "The database does not answer."},
                      {.retry_after = milliseconds{1'000}});
  boost::json::array down;
  for (const auto& [type, open] : parts_.worker.gates().circuits())
    if (open) down.emplace_back(type);
  const boost::json::object body{{"status", "ready"}, {"providers_down", std::move(down)}};
  co_return json_answer(200, boost::json::serialize(body));
}

Task<Answer> Api::metrics_text(const Request& /*request*/, Asked /*asked*/) {
  auto question = parts_.ledger.counts();
  const auto counts = co_await from_database(counts_, last_call_, std::move(question));
  metrics::set(Series::ledger_up, counts ? 1 : 0);
  if (counts) observe_ledger(*counts);
  metrics::set(Series::cache_bytes, static_cast<double>(parts_.cached()));
  observe_process();
  for (const auto& [type, open] : parts_.worker.gates().circuits())
    metrics::set(Series::provider_circuit_open, open ? 1 : 0, {type});
  plays_.settle(Monotonic::now());
  auto answer = plain(200, metrics::text());
  answer.fields.clear();
  answer.add("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  answer.add("Cache-Control", "no-store");
  co_return answer;
}

/// The console's way in: an API key is exchanged for a cookie, which an audio element carries too.
Task<Answer> Api::log_in(const Request& /*request*/, Asked asked) {
  const auto cookie = parts_.access.log_in(asked.caller, wall_now());
  if (!cookie) co_return problem(cookie.error());
  Answer answer{.status = 204, .fields = {}, .body = {}};
  answer.add("Set-Cookie", *cookie);
  answer.add("Cache-Control", "no-store");
  co_return answer;
}

Task<Answer> Api::log_out(const Request& /*request*/, Asked /*asked*/) {
  Answer answer{.status = 204, .fields = {}, .body = {}};
  answer.add("Set-Cookie", parts_.access.log_out());
  answer.add("Cache-Control", "no-store");
  co_return answer;
}

Task<Answer> Api::not_built(const Request& /*request*/, Asked /*asked*/) {
  co_return problem({.fault = Fault::not_implemented});
}

/// The console: its files by name, and its first page for whatever else a browser opens, for the paths are its own.
Answer Api::page(const Request& request) const {
  if (!request.is_get() && !request.is_head()) {
    auto answer = problem({.fault = Fault::method_not_allowed});
    answer.add("Allow", "GET, HEAD");
    return answer;
  }
  const auto welcome = parts_.access.welcome({.method = request.method,
                                              .path = request.path,
                                              .host = request.field(Field::host),
                                              .fetch_dest = request.field(Field::sec_fetch_dest),
                                              .fetch_mode = request.field(Field::sec_fetch_mode)},
                                             wall_now());
  if (!welcome) return problem(welcome.error());

  const auto assets = console_assets();
  const auto named = [&](std::string_view path) { return std::ranges::find(assets, path, &Asset::path); };
  auto asset = named(request.path);
  const bool hashed = asset != assets.end() && request.path.starts_with("/assets/");
  if (asset == assets.end()) {
    if (request.path.find('.') != std::string_view::npos) return problem({.fault = Fault::route_not_found});
    asset = named("/index.html");
  }
  Answer answer;
  if (lists_token(request.field(Field::if_none_match), asset->etag)) {
    answer.status = 304;
  } else {
    answer.body = asset->bytes;
    answer.add("Content-Type", asset->content_type);
  }
  answer.add("ETag", asset->etag);
  answer.add("Cache-Control", hashed ? "public, max-age=31536000, immutable" : "no-cache");
  answer.add(
      "Content-Security-Policy",
      "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; style-src 'self'; frame-ancestors 'none'; "
      "base-uri 'none'; form-action 'self'");
  answer.add("X-Content-Type-Options", "nosniff");
  answer.add("X-Frame-Options", "DENY");
  answer.add("Referrer-Policy", "no-referrer");
  if (!welcome->empty()) answer.add("Set-Cookie", *welcome);
  return answer;
}

}  // namespace onetake::http
