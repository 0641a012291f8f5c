#include "http/relay.hpp"

#include <array>
#include <utility>

#include "base/log.hpp"
#include "base/metrics.hpp"

namespace onetake::http {
namespace {

using metrics::Series;

/// What decides about the answer; whoever asks has been let in already.
constexpr std::array<std::pair<Field, std::string_view>, 8> passed_on{{
    {Field::range, "Range"},
    {Field::if_range, "If-Range"},
    {Field::if_match, "If-Match"},
    {Field::if_none_match, "If-None-Match"},
    {Field::if_modified_since, "If-Modified-Since"},
    {Field::if_unmodified_since, "If-Unmodified-Since"},
    {Field::prefer, "Prefer"},
    {Field::sec_purpose, "Sec-Purpose"},
}};

bool speaks_of_the_recording(int status) {
  return (status >= 200 && status < 300) || status == 304 || status == 412 || status == 416;
}

/// Why the next one is asked.
void say_why(const std::string& node, const std::expected<std::shared_ptr<Neighbour>, std::string>& answer) {
  const int status = answer ? (*answer)->status() : 0;
  if (status == 401)
    log::warn("node.pass_refused",
              "another node does not take this one's pass: their clocks may differ by a minute or more",
              {{"node", node}});
  else
    log::debug("http.relay_failed", "a node does not have what the ledger says it has, or cannot tell",
               {{"node", node}, {"status", status}, {"error", answer ? "" : answer.error()}});
}

}  // namespace

Relay::Question Relay::question(const Request& request, TenantId tenant) {
  Question question{
      .tenant = std::move(tenant), .method = std::string{request.method}, .target = std::string{request.target}};
  for (const auto& [field, name] : passed_on)
    if (const auto value = request.field(field); !value.empty())
      question.fields.append(name).append(": ").append(value).append("\r\n");
  return question;
}

Task<std::shared_ptr<Neighbour>> Relay::ask(Question question, std::vector<std::string> nodes) const {
  for (const auto& node : nodes) {
    // Each its own: those before may have taken as long as one is good for.
    const auto pass = pass_.issue(question.method, question.target, question.tenant, wall_now());
    Neighbour::Call call{.url = node,
                         .method = question.method,
                         .target = question.target,
                         .fields = "Onetake-Node: " + pass + "\r\n" + question.fields,
                         .head_in = question.head_in};
    auto answer = co_await Neighbour::ask(std::move(call));
    const bool passes = answer && speaks_of_the_recording((*answer)->status());
    metrics::add(Series::relayed, {passes ? "passed" : "failed"});
    if (!passes) {
      say_why(node, answer);
      continue;
    }
    co_return *std::move(answer);
  }
  co_return nullptr;
}

std::optional<TenantId> Relay::tenant_of(const Request& request, WallTime now) const {
  return pass_.tenant_of(request.field(Field::onetake_node), request.method, request.target, now);
}

}  // namespace onetake::http
