#include <boost/json/serialize.hpp>

#include "http/api.hpp"
#include "http/json.hpp"
#include "http/problem.hpp"

namespace onetake::http {

namespace json = boost::json;

namespace {

void freshen_run(const run::Flights& flights, Run& run) {
  if (!active(run.status)) return;
  const auto flight = flights.find(run.recording);
  if (!flight || flight->run() != run.id) return;
  const auto view = flight->view();
  run.received_bytes = view.received();
  run.total_bytes = view.total();
}

}  // namespace

Task<Answer> Api::list_runs(const Request& request, Asked asked) {
  const auto limit = limit_of(request);
  if (!limit) co_return problem(limit.error());
  ledger::RunQuery query{.tenant = asked.caller.tenant,
                         .limit = *limit,
                         .cursor = request.parameter("cursor").value_or(""),
                         .call_sid = {},
                         .status = {}};
  if (const auto call_sid = request.parameter("call_sid"); call_sid && !call_sid->empty()) {
    if (!valid_call_sid(*call_sid)) co_return problem({.fault = Fault::bad_call_sid});
    query.call_sid = CallSid{*call_sid};
  }
  if (const auto status = request.parameter("status"); status && !status->empty()) {
    query.status = run_status_named(*status);
    if (!query.status)
      co_return problem({Fault::bad_request, "status is one of queued, running, completed, failed, cancelled."});
  }
  auto page = co_await parts_.ledger.runs(std::move(query));
  if (!page) co_return problem(page.error());
  json::array items;
  for (auto& run : page->items) {
    freshen_run(parts_.flights, run);
    items.push_back(json_of(run));
  }
  const json::object body{
      {"items", std::move(items)},
      {"next_cursor", page->next_cursor.empty() ? json::value(nullptr) : json::value(page->next_cursor)}};
  co_return json_answer(200, json::serialize(body));
}

Task<Answer> Api::get_run(const Request& /*request*/, Asked asked) {
  auto run = co_await parts_.ledger.run(asked.caller.tenant, RunId{asked.sid});
  if (!run) co_return problem({.fault = Fault::run_not_found});
  if (active(run->status)) {
    const bool ended = co_await let_settle(parts_.flights.find(run->recording));
    if (ended) run = co_await parts_.ledger.run(asked.caller.tenant, RunId{asked.sid});
    if (!run) co_return problem({.fault = Fault::run_not_found});
  }
  freshen_run(parts_.flights, *run);
  co_return json_answer(200, json::serialize(json_of(*run)));
}

Task<Answer> Api::cancel_run(const Request& /*request*/, Asked asked) {
  auto cancelled = co_await parts_.ledger.cancel(asked.caller.tenant, RunId{asked.sid}, wall_now());
  if (!cancelled.run) co_return problem({.fault = Fault::run_not_found});
  if (cancelled.leftovers.runs.empty())
    co_return problem({Fault::run_ended, "The run is " + std::string{name(cancelled.run->status)} + " already."});
  parts_.worker.cancel(cancelled.leftovers);
  co_return json_answer(202, json::serialize(json_of(*cancelled.run)));
}

}  // namespace onetake::http
