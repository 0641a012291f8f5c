#include "http/problem.hpp"

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace onetake::http {
namespace {

struct Row {
  Fault fault;
  int status;
  std::string_view code;
  std::string_view title;
  std::string_view advice;  ///< the detail where none is given
};

constexpr std::array<Row, 28> table{{
    {Fault::bad_request, 400, "bad_request", "The request is not understood", "Check the request's syntax."},
    {Fault::bad_call_sid, 400, "bad_call_sid", "Not a call sid",
     "A call sid is 1 to 64 of A-Z a-z 0-9 _ . - and does not start with a dot; so is a recording sid."},
    {Fault::bad_body, 400, "bad_body", "The body is not understood", "Send a JSON object as the documentation has it."},
    {Fault::unauthorized, 401, "unauthorized", "Not authorized",
     "Send a tenant's API key as a bearer token, or use a signed URL that has not expired."},
    {Fault::forbidden, 403, "forbidden", "Not allowed", "This credential does not open this."},
    {Fault::misdirected, 421, "misdirected", "Wrong host",
     "Open the demo by a loopback name, such as http://127.0.0.1."},
    {Fault::recording_not_found, 404, "recording_not_found", "No such recording",
     "Register it first: PUT /api/recordings/{call_sid}."},
    {Fault::run_not_found, 404, "run_not_found", "No such run", "List the runs: GET /api/runs."},
    {Fault::run_ended, 409, "run_ended", "The run has ended", "There is nothing to cancel any more."},
    {Fault::route_not_found, 404, "route_not_found", "No such page", "The API begins at /api/recordings."},
    {Fault::method_not_allowed, 405, "method_not_allowed", "Method not allowed", "The Allow field names the methods."},
    {Fault::not_implemented, 501, "not_implemented", "Not available in this version", "A later version has it."},
    {Fault::explicit_user_action_required, 400, "explicit_user_action_required", "Press Play first",
     "This would start a fetch. Add explicit_user_action=true to the query, or the field X-User-Action: play."},
    {Fault::recording_gone, 410, "recording_gone", "The recording is gone", "Nothing can bring it back from here."},
    {Fault::source_not_allowed, 422, "source_not_allowed", "This source may not be fetched from",
     "Use a source that the tenant's provider is configured for."},
    {Fault::fetch_failed, 500, "fetch_failed", "The recording could not be fetched",
     "Try again later, or POST /api/recordings/{call_sid}/fetch with {\"retry\": true}."},
    {Fault::too_many_retries, 429, "too_many_retries", "Tried again too often",
     "A recording is retried at most 3 times in 10 minutes. Retry-After says when it may be again."},
    {Fault::no_worker, 500, "no_worker", "Nobody works on the queue", "Start a server with role all or worker."},
    {Fault::no_space, 503, "no_space", "No room for this recording", "Free disk space or raise cache.max_bytes."},
    {Fault::precondition_failed, 412, "precondition_failed", "The recording has changed",
     "Ask again without the precondition."},
    {Fault::range_not_satisfiable, 416, "range_not_satisfiable", "Past the end",
     "The Content-Range field has the recording's length."},
    {Fault::payload_too_large, 413, "payload_too_large", "The body is too large", "Send at most 64 KiB."},
    {Fault::unsupported_media_type, 415, "unsupported_media_type", "Not this kind of body", "Send application/json."},
    {Fault::header_too_large, 431, "header_too_large", "The request's head is too large",
     "Send at most 16 KiB of fields."},
    {Fault::request_timeout, 408, "request_timeout", "The request took too long", "Send it in one go."},
    {Fault::draining, 503, "draining", "The server is stopping", "Ask another node, or again in a moment."},
    {Fault::unavailable, 503, "unavailable", "The database, another node or the storage does not answer",
     "Ask again in a moment."},
    {Fault::internal, 500, "internal", "Something broke here", "The server's log says what. Try again."},
}};

const Row& row_of(Fault fault) {
  const auto* const row = std::ranges::find(table, fault, &Row::fault);
  return row == table.end() ? table.back() : *row;
}

}  // namespace

std::string_view code_of(Fault fault) { return row_of(fault).code; }

Answer problem(const Failure& failure, const About& about) {
  const Row& row = row_of(failure.fault);
  boost::json::object body{{"type", "/problems/" + std::string{row.code}},
                           {"title", row.title},
                           {"status", row.status},
                           {"detail", failure.detail.empty() ? row.advice : std::string_view{failure.detail}},
                           {"code", row.code}};
  if (about.provider_status != 0) body["provider_status"] = about.provider_status;
  Answer answer{.status = row.status, .fields = {}, .body = boost::json::serialize(body)};
  answer.add("Content-Type", "application/problem+json");
  answer.add("Cache-Control", "no-store");
  if (row.status == 401) answer.add("WWW-Authenticate", "Bearer");
  if (about.retry_after) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*about.retry_after).count();
    answer.add("Retry-After", std::to_string(std::max<std::int64_t>(seconds, 0)));
  }
  return answer;
}

std::string errors_page() {
  std::string page =
      "# Errors\n\n"
      "Every error is `application/problem+json` (RFC 9457). `code` is stable, `title` and `detail` are for people: "
      "`detail` says\nwhat it was about, or what to do. This page is printed from the table in "
      "`src/http/problem.cpp`.\n\n"
      "| status | code | title | what to do |\n| --- | --- | --- | --- |\n";
  for (const auto& row : table) {
    page += "| " + std::to_string(row.status) + " | `";
    page.append(row.code).append("` | ").append(row.title).append(" | ").append(row.advice).append(" |\n");
  }
  return page;
}

}  // namespace onetake::http
