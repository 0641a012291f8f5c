#include <boost/json/serialize.hpp>

#include "http/api.hpp"
#include "http/json.hpp"
#include "http/problem.hpp"

namespace onetake::http {

namespace json = boost::json;
using ledger::Found;

namespace {

/// How often progress is told, and how often a recording that nobody has pressed Play on is looked at.
constexpr milliseconds beat{250};
constexpr milliseconds look_again{2'000};
/// Proxies end what is silent for longer.
constexpr milliseconds keep_alive{15'000};

std::string event(std::string_view name, const json::object& data) {
  std::string text = "event: ";
  return text.append(name).append("\ndata: ").append(json::serialize(data)).append("\n\n");
}

json::object failure(Fault fault, std::string_view detail, int provider_status) {
  json::object data{{"code", code_of(fault)}, {"detail", detail}};
  if (provider_status != 0) data["provider_status"] = provider_status;
  return data;
}

std::string failed_event(const std::optional<Setback>& setback) {
  const auto refused = stream::refused(setback.value_or(Setback{.cause = Cause::internal, .detail = {}}), {});
  return event("failed", failure(refused.failure.fault, refused.failure.detail, refused.provider_status));
}

/// One run, from now to its end. False: the client is gone.
Task<bool> send_run(Out& out, std::shared_ptr<run::Flight> flight) {
  std::string told;
  auto quiet_since = Monotonic::now();
  for (auto view = flight->view();; view = co_await flight->changed(view.change, in(beat))) {
    if (auto text = event("run", progress_of(view)); text != told) {
      if (!co_await out.send(text, false)) co_return false;
      told = std::move(text);
      quiet_since = Monotonic::now();
    } else if (Monotonic::now() - quiet_since > keep_alive) {
      if (!co_await out.send(":\n\n", false)) co_return false;
      quiet_since = Monotonic::now();
    }
    if (view.ended) co_return true;
  }
}

/// Nothing: it is ready, or begun anew, and the ledger knows which.
Task<std::optional<End>> follow_run(Out& out, std::shared_ptr<run::Flight> flight) {
  const bool told = co_await send_run(out, flight);
  if (!told) co_return End::cut;
  const auto run = flight->view().run;
  if (run.status != RunStatus::failed) co_return std::nullopt;
  co_await out.send(failed_event(run.setback), false);
  co_return End::clean;
}

}  // namespace

Task<Answer> Api::events(const Request& request, Asked asked) {
  auto key = key_of(request, asked.caller.tenant, asked.sid);
  if (!key) co_return problem(key.error());
  if (!co_await parts_.ledger.find(*key)) co_return problem({.fault = Fault::recording_not_found});
  Answer answer;
  answer.add("Content-Type", "text/event-stream");
  answer.add("Cache-Control", "no-store");
  answer.add("X-Accel-Buffering", "no");  // nginx would hold events back
  answer.body =
      Streamed{.length = {}, .write = [this, key = *std::move(key)](Out& out) { return send_events(out, key); }};
  co_return answer;
}

/// Until the recording is ready or has failed. One that is cold is waited for: a page opens this beside the Play
/// itself.
Task<End> Api::send_events(Out& out, Key key) {
  if (!co_await out.send(":\n\n", false)) co_return End::cut;  // the browser knows at once that it is connected
  auto quiet_since = Monotonic::now();
  while (!draining_) {
    auto joined = co_await parts_.join.play(key, false);
    switch (joined.found) {
      case Found::nothing:
        co_await out.send(event("failed", failure(Fault::recording_not_found, "The recording was erased.", 0)), false);
        co_return End::clean;
      case Found::gone:
        co_await out.send(event("failed", failure(Fault::recording_gone, "The recording is gone.", 0)), false);
        co_return End::clean;
      case Found::ready:
        co_await out.send(event("ready", json_of(joined.recording)), false);
        co_return End::clean;
      case Found::too_many_retries:  // told to who retries; who watches sees the failure
      case Found::cooling_down:
        co_await out.send(failed_event(joined.recording.run->setback), false);
        co_return End::clean;
      case Found::fetching:
      case Found::created: {
        const auto over = co_await follow_run(out, joined.flight);
        if (over) co_return *over;
        break;
      }
      case Found::cold: {
        const auto flight = co_await parts_.flights.opened(key, in(look_again));
        if (flight) {
          const auto over = co_await follow_run(out, flight);
          if (over) co_return *over;
          quiet_since = Monotonic::now();
        } else if (Monotonic::now() - quiet_since > keep_alive) {
          if (!co_await out.send(":\n\n", false)) co_return End::cut;
          quiet_since = Monotonic::now();
        }
        break;
      }
    }
  }
  co_return End::clean;
}

}  // namespace onetake::http
