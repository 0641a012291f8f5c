#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "http/api.hpp"
#include "http/json.hpp"
#include "http/problem.hpp"

namespace onetake::http {

namespace json = boost::json;

Task<Answer> Api::put_recording(const Request& request, Asked asked) {
  auto said = registration_of(request.body);
  if (!said) co_return problem(said.error());
  if (const auto wanted = request.parameter("recording_sid")) {
    if (!said->recording_sid.empty() && said->recording_sid != *wanted)
      co_return problem({Fault::bad_body, "The body's recording_sid is another than the query's."});
    if (!wanted->empty() && !valid_call_sid(*wanted)) co_return problem({.fault = Fault::bad_call_sid});
    said->recording_sid = *wanted;
  }
  const auto tenant = asked.caller.tenant;
  if (const auto allowed = parts_.admits(tenant, *said); !allowed) co_return problem(allowed.error());

  const CallSid call_sid{asked.sid};
  auto put = co_await parts_.ledger.put(tenant, call_sid, *std::move(said), wall_now());
  co_await parts_.settler.settle_everywhere(tenant, call_sid, std::move(put.leftovers));
  freshen(put.recording);
  auto answer = json_answer(put.created ? 201 : 200, json::serialize(json_of(put.recording)));
  if (put.created) answer.add("Location", "/api/recordings/" + asked.sid);
  co_return answer;
}

Task<Answer> Api::get_recording(const Request& request, Asked asked) {
  auto key = key_of(request, asked.caller.tenant, asked.sid);
  if (!key) co_return problem(key.error());
  co_await let_settle(parts_.flights.find(*key));
  auto recording = co_await parts_.ledger.find(*std::move(key));
  if (!recording) co_return problem({.fault = Fault::recording_not_found});
  freshen(*recording);
  co_return json_answer(200, json::serialize(json_of(*recording)));
}

Task<Answer> Api::delete_recording(const Request& request, Asked asked) {
  auto key = key_of(request, asked.caller.tenant, asked.sid);
  if (!key) co_return problem(key.error());
  auto leftovers = co_await parts_.ledger.erase(key->tenant, key->call_sid, key->recording_sid, wall_now());
  if (leftovers.recordings.empty()) co_return problem({.fault = Fault::recording_not_found});
  co_await parts_.settler.settle_everywhere(key->tenant, key->call_sid, std::move(leftovers));
  Answer answer{.status = 204, .fields = {}, .body = {}};
  answer.add("Cache-Control", "no-store");
  co_return answer;
}

Task<Answer> Api::list_recordings(const Request& request, Asked asked) {
  const auto limit = limit_of(request);
  if (!limit) co_return problem(limit.error());
  ledger::ListQuery query{.tenant = asked.caller.tenant,
                          .limit = *limit,
                          .cursor = request.parameter("cursor").value_or(""),
                          .q = request.parameter("q").value_or(""),
                          .state = {},
                          .direction = request.parameter("direction").value_or(""),
                          .started_after = {},
                          .started_before = {},
                          .oldest_first = false};
  if (const auto state = request.parameter("state"); state && !state->empty()) {
    query.state = state_named(*state);
    if (!query.state) co_return problem({Fault::bad_request, "state is one of remote, fetching, ready, failed, gone."});
  }
  for (const auto& [name, time] :
       {std::pair{"started_after", &query.started_after}, std::pair{"started_before", &query.started_before}}) {
    const auto text = request.parameter(name);
    if (!text || text->empty()) continue;
    *time = parse_rfc3339(*text);
    if (!*time) co_return problem({Fault::bad_request, std::string{name} + " is an RFC 3339 time."});
  }
  if (const auto order = request.parameter("order"); order && !order->empty()) {
    if (*order != "asc" && *order != "desc")
      co_return problem({Fault::bad_request, "order is desc (newest first) or asc."});
    query.oldest_first = *order == "asc";
  }
  const auto wanted = query.state;
  auto page = co_await parts_.ledger.list(std::move(query));
  if (!page) co_return problem(page.error());
  json::array items;
  for (auto& recording : page->items) {
    freshen(recording);
    if (wanted && recording.state != *wanted) continue;
    items.push_back(json_of(recording));
  }
  const json::object body{
      {"items", std::move(items)},
      {"next_cursor", page->next_cursor.empty() ? json::value(nullptr) : json::value(page->next_cursor)}};
  co_return json_answer(200, json::serialize(body));
}

namespace {

/// What the body of a fetch asks for. Errors: `bad_body`.
result<ledger::AskedBy> asked_by(std::string_view text) {
  if (text.empty()) return ledger::AskedBy::fetch;
  boost::system::error_code error;
  const auto body = json::parse(json::string_view{text.data(), text.size()}, error);
  if (error || !body.is_object()) return failed(Fault::bad_body, "Send a JSON object, or nothing.");
  const auto* retry = body.get_object().if_contains("retry");
  if (retry == nullptr) return ledger::AskedBy::fetch;
  if (!retry->is_bool()) return failed(Fault::bad_body, "retry is true or false.");
  return retry->get_bool() ? ledger::AskedBy::retry : ledger::AskedBy::fetch;
}

}  // namespace

/// Makes it ready without playing it; begins anew after a failure where that is asked for.
Task<Answer> Api::fetch_recording(const Request& request, Asked asked) {
  auto key = key_of(request, asked.caller.tenant, asked.sid);
  if (!key) co_return problem(key.error());
  const auto by = asked_by(request.body);
  if (!by) co_return problem(by.error());
  const stream::Wait not_at_all;
  auto opened = co_await parts_.streams.open(*key, true, not_at_all, *by);
  if (auto* refused = std::get_if<stream::Refused>(&opened))
    co_return problem(refused->failure,
                      {.retry_after = refused->retry_after, .provider_status = refused->provider_status});
  const auto* const there = std::get_if<stream::Elsewhere>(&opened);
  const auto* const coming = std::get_if<stream::Arriving>(&opened);
  if (std::holds_alternative<std::shared_ptr<const stream::Ready>>(opened) || (there != nullptr && !there->pending) ||
      (coming != nullptr && coming->published)) {
    const auto recording = co_await parts_.ledger.find(*std::move(key));
    if (!recording) co_return problem({.fault = Fault::recording_not_found});
    co_return json_answer(200, json::serialize(json_of(*recording)));
  }
  const auto view = there != nullptr ? *there->pending
                    : std::holds_alternative<stream::Pending>(opened)
                        ? std::get<stream::Pending>(opened).view
                        : std::get<stream::Arriving>(opened).flight->view();
  auto run = view.run;
  run.received_bytes = view.received();
  run.total_bytes = view.total();
  auto answer = json_answer(202, json::serialize(json_of(run)));
  answer.add("Location", "/api/runs/" + run.id.str());
  answer.add("Retry-After", "1");
  co_return answer;
}

}  // namespace onetake::http
