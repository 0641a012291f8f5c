#include "http/api.hpp"

#include <algorithm>
#include <charconv>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "http/problem.hpp"

namespace onetake::http {

using metrics::Series;
using tenant::Area;

enum class Access : std::uint8_t { open, tenant, listening, admin };

struct Api::Route {
  std::string_view method;
  std::string_view pattern;  ///< "*" stands for one segment
  Access access;
  Handler handler;
};

const std::vector<Api::Route>& Api::routes() {
  static const std::vector<Route> table{
      // Looked through from the top: what is asked for most stands first.
      {"GET", "/api/recordings/*/stream", Access::listening, &Api::stream},
      {"GET", "/api/recordings", Access::tenant, &Api::list_recordings},
      {"PUT", "/api/recordings/*", Access::tenant, &Api::put_recording},
      {"GET", "/api/recordings/*", Access::tenant, &Api::get_recording},
      {"DELETE", "/api/recordings/*", Access::tenant, &Api::delete_recording},
      {"GET", "/api/recordings/*/peaks", Access::listening, &Api::not_built},
      {"GET", "/api/recordings/*/events", Access::listening, &Api::events},
      {"POST", "/api/recordings/*/fetch", Access::tenant, &Api::fetch_recording},
      {"GET", "/api/runs", Access::tenant, &Api::list_runs},
      {"GET", "/api/runs/*", Access::tenant, &Api::get_run},
      {"POST", "/api/runs/*/cancel", Access::tenant, &Api::cancel_run},
      {"POST", "/api/session", Access::tenant, &Api::log_in},
      {"DELETE", "/api/session", Access::open, &Api::log_out},
      {"GET", "/api/tenants", Access::admin, &Api::not_built},
      {"GET", "/api/tenants/*", Access::admin, &Api::not_built},
      {"PUT", "/api/tenants/*", Access::admin, &Api::not_built},
      {"DELETE", "/api/tenants/*", Access::admin, &Api::not_built},
      {"POST", "/webhooks/*/*", Access::open, &Api::not_built},
      {"GET", "/api/openapi.json", Access::open, &Api::not_built},
      {"GET", "/healthz", Access::open, &Api::health},
      {"GET", "/readyz", Access::open, &Api::readiness},
      {"GET", "/metrics", Access::open, &Api::metrics_text},
  };
  return table;
}

namespace {

/// Does the path fit the pattern? `parameter` is what stands for the first "*".
bool fits(std::string_view pattern, std::string_view path, std::string_view& parameter) {
  bool first = true;
  for (;;) {
    const auto star = pattern.find('*');
    if (star == std::string_view::npos) return pattern == path;
    if (path.substr(0, star) != pattern.substr(0, star)) return false;
    path.remove_prefix(star);
    pattern.remove_prefix(star + 1);
    const auto segment = path.substr(0, path.find('/'));
    if (segment.empty()) return false;
    if (std::exchange(first, false)) parameter = segment;
    path.remove_prefix(segment.size());
  }
}

/// Any token is a method: a client's own must not become series that the memory keeps.
std::string_view known_method(std::string_view method) {
  for (const std::string_view known : {"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"})
    if (method == known) return known;
  return "other";
}

/// HEAD is answered wherever GET is: the session sends no body.
bool takes(std::string_view route_method, std::string_view method) {
  return route_method == method || (route_method == "GET" && method == "HEAD");
}

/// In the line that the answer has already, where it has one: not everybody puts two of them together.
void vary_by_origin(Answer& answer) {
  constexpr std::string_view name = "Vary: ";
  auto at = answer.fields.starts_with(name) ? 0 : answer.fields.find("\r\nVary: ");
  if (at == std::string::npos) return answer.add("Vary", "Origin");
  at = answer.fields.find(name, at) + name.size();
  const auto end = answer.fields.find("\r\n", at);
  if (!lists_token(std::string_view{answer.fields}.substr(at, end - at), "Origin"))
    answer.fields.insert(end, ", Origin");
}

/// A thread looks the labels of a kind of answer up once; the kinds that it gives most stand in front.
void count(std::string_view route, std::string_view method, int status) {
  struct Kind {
    std::string_view route;
    std::string_view method;
    int status;
    metrics::Counter cell;
  };
  thread_local std::vector<Kind> kinds;
  method = known_method(method);
  auto kind = std::ranges::find_if(kinds, [&](const Kind& each) {  // of literals, the same address is the same text
    return each.status == status && each.route.data() == route.data() && each.method.data() == method.data();
  });
  if (kind == kinds.end())
    kind = kinds.insert(kind, {route, method, status,
                               metrics::Counter{Series::http_requests, {route, method, std::to_string(status)}}});
  kind->cell.add();
  if (kind != kinds.begin()) std::swap(*kind, *std::prev(kind));
}

/// What it takes to tell those who wait, before they are cut.
constexpr milliseconds last_words{250};

}  // namespace

Api::Api(Parts parts, Config config) : parts_(std::move(parts)), config_(std::move(config)) {}

void Api::close(Deadline cut) {
  closing_ = true;
  if (cut != never) last_call_.at(cut - last_words);
}

Task<Answer> Api::answer(const Request& request) {
  std::string_view route = "other";
  Answer answer;
  try {
    answer = co_await dispatch(request, route);
  } catch (const std::exception& error) {
    log::error("http.failed", "a request ended in an exception", {{"route", route}, {"error", error.what()}});
    answer = problem({.fault = Fault::unavailable}, {.retry_after = milliseconds{1'000}});
  }
  finish(request, route, answer);
  co_return answer;
}

std::optional<Answer> Api::at_once(const Request& request) {
  try {
    std::string_view parameter;
    const Route* const route = route_of(request, parameter);
    if (route == nullptr || route->handler != &Api::stream) return std::nullopt;
    auto asked = admit(*route, request, parameter);
    if (!asked) return std::nullopt;
    const auto cookie = asked->caller.renewed_cookie;
    auto answer = from_shelf(request, *std::move(asked));
    if (!answer) return std::nullopt;
    if (!cookie.empty()) answer->add("Set-Cookie", cookie);
    finish(request, route->pattern, *answer);
    return answer;
  } catch (const std::exception&) {
    return std::nullopt;  // `answer` meets it again, and says so
  }
}

void Api::finish(const Request& request, std::string_view route, Answer& answer) const {
  add_cors(request, answer);
  count(route, request.method, answer.status);
}

Answer Api::refuse(Fault fault) { return problem({.fault = fault}); }

const Api::Route* Api::route_of(const Request& request, std::string_view& parameter) {
  for (const auto& route : routes())
    if (takes(route.method, request.method) && fits(route.pattern, request.path, parameter)) return &route;
  return nullptr;
}

Task<Answer> Api::dispatch(const Request& request, std::string_view& route_name) {
  std::string_view parameter;
  if (const Route* const found = route_of(request, parameter)) {
    route_name = found->pattern;
    auto asked = admit(*found, request, parameter);
    if (!asked) co_return problem(asked.error());
    auto cookie = std::move(asked->caller.renewed_cookie);
    auto answer = co_await (this->*found->handler)(request, *std::move(asked));
    if (!cookie.empty()) answer.add("Set-Cookie", cookie);
    co_return answer;
  }
  std::string allow;
  for (const auto& route : routes()) {
    if (!fits(route.pattern, request.path, parameter)) continue;
    allow.append(allow.empty() ? "" : ", ").append(route.method);
    if (route.method == "GET") allow += ", HEAD";
  }
  if (!allow.empty()) {
    if (request.method == "OPTIONS") co_return preflight(request, allow);
    auto answer = problem({.fault = Fault::method_not_allowed});
    answer.add("Allow", allow);
    co_return answer;
  }
  if (request.path.starts_with("/api/") || request.path.starts_with("/webhooks/"))
    co_return problem({.fault = Fault::route_not_found});
  route_name = "console";
  co_return page(request);
}

/// On whose behalf another node asks for a stream.
std::optional<TenantId> Api::passed_on(const Route& route, const Request& request) const {
  if (parts_.relay == nullptr || request.field(Field::onetake_node).empty() || route.handler != &Api::stream)
    return std::nullopt;
  return parts_.relay->tenant_of(request, wall_now());
}

result<Api::Asked> Api::admit(const Route& route, const Request& request, std::string_view parameter) const {
  Asked asked;
  if (const auto tenant = passed_on(route, request)) {
    asked.caller = {.by = tenant::By::signed_url, .tenant = *tenant};
    asked.by_node = true;
  } else if (route.access == Access::open) {
    if (const auto host = parts_.access.host(request.field(Field::host)); !host) return std::unexpected(host.error());
  } else {
    const auto area = route.access == Access::admin       ? Area::tenants
                      : route.access == Access::listening ? Area::listening
                                                          : Area::api;
    auto caller = parts_.access.authenticate({.area = area,
                                              .method = request.method,
                                              .path = request.path,
                                              .query = request.query,
                                              .authorization = request.field(Field::authorization),
                                              .cookie = request.field(Field::cookie),
                                              .host = request.field(Field::host),
                                              .origin = request.field(Field::origin)},
                                             wall_now());
    if (!caller) return std::unexpected(caller.error());
    asked.caller = *std::move(caller);
  }
  if (!parameter.empty()) {
    auto decoded = percent_decoded(parameter, false);
    if (!decoded || !valid_call_sid(*decoded)) return failed(Fault::bad_call_sid);
    asked.sid = *std::move(decoded);
  }
  return asked;
}

Answer Api::preflight(const Request& request, std::string_view allow) const {
  Answer answer{.status = 204, .fields = {}, .body = {}};
  answer.add("Allow", allow);
  if (!request.field(Field::access_control_request_method).empty()) {
    answer.add("Access-Control-Allow-Methods", allow);
    answer.add("Access-Control-Allow-Headers",
               "Authorization, Content-Type, If-Match, If-None-Match, If-Range, Prefer, Range, X-User-Action");
    answer.add("Access-Control-Max-Age", "600");
  }
  return answer;
}

/// Only origins that the operator named; cookies never cross origins.
void Api::add_cors(const Request& request, Answer& answer) const {
  if (config_.cors_origins.empty()) return;
  vary_by_origin(answer);
  const auto origin = request.field(Field::origin);
  if (origin.empty() || std::ranges::find(config_.cors_origins, origin) == config_.cors_origins.end()) return;
  answer.add("Access-Control-Allow-Origin", origin);
  answer.add("Access-Control-Expose-Headers",
             "Accept-Ranges, Content-Range, ETag, Last-Modified, Location, Preference-Applied, Retry-After");
}

Answer json_answer(int status, const std::string& body) {
  Answer answer{.status = status, .fields = {}, .body = body};
  answer.add("Content-Type", "application/json");
  answer.add("Cache-Control", "no-store");
  return answer;
}

result<Key> key_of(const Request& request, TenantId tenant, std::string call_sid) {
  Key key{.tenant = std::move(tenant),
          .call_sid = CallSid{std::move(call_sid)},
          .recording_sid = request.parameter("recording_sid")};
  // An empty one picks the recording that was registered without a sid.
  if (key.recording_sid && !key.recording_sid->empty() && !valid_call_sid(*key.recording_sid))
    return failed(Fault::bad_call_sid, "recording_sid is not a sid.");
  return key;
}

bool is_explicit(const Request& request) {
  if (lists_token(request.field(Field::sec_purpose), "prefetch")) return false;
  return request.parameter("explicit_user_action") == "true" || request.field(Field::x_user_action) == "play";
}

result<int> limit_of(const Request& request) {
  const auto text = request.parameter("limit");
  if (!text) return 50;
  int limit = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), limit);
  if (error != std::errc{} || end != text->data() + text->size() || limit < 1)
    return failed(Fault::bad_request, "limit is a number from 1 to 500.");
  return std::min(limit, 500);
}

Task<bool> Api::let_settle(std::shared_ptr<run::Flight> flight) const {
  if (!flight || !flight->view().whole()) co_return false;
  const auto view = co_await flight->settled(in(run::settling));
  co_return view.ended;
}

void Api::freshen(Recording& recording) const {
  if (past_retention(recording, config_.retention, wall_now())) {
    recording.state = State::gone;
    recording.media.reset();
  }
  if (!recording.run || !active(recording.run->status)) return;
  const auto flight = parts_.flights.find(recording.id);
  if (!flight || flight->run() != recording.run->id) return;
  const auto view = flight->view();
  recording.run->received_bytes = view.received();
  recording.run->total_bytes = view.total();
}

}  // namespace onetake::http
