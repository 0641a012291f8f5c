#include "durable/requests.hpp"

#include <algorithm>

#include "base/backoff.hpp"
#include "base/loop.hpp"
#include "provider/answer.hpp"

namespace onetake::durable {
namespace {

constexpr std::size_t max_answer_bytes = 1_MiB;
constexpr milliseconds look_up_every{100};

class Keeping final : public provider::Receiver {
 public:
  bool head(const provider::Response&) override { return true; }
  bool data(std::span<const std::byte> bytes) override {
    if (body.size() + bytes.size() > max_answer_bytes) return false;
    body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return true;
  }
  std::string body;
};

/// The operator has named the endpoint: it may lie anywhere.
std::shared_ptr<const provider::AddressGuard> anywhere() {
  return std::make_shared<provider::AddressGuard>(
      std::vector{provider::Cidr::parse("0.0.0.0/0").value(), provider::Cidr::parse("::/0").value()});
}

}  // namespace

Requests::Requests(Settings settings, Tuning tuning, provider::Transfers& transfers)
    : settings_(std::move(settings)),
      tuning_(tuning),
      place_(settings_),
      keys_{.access_key_id = settings_.access_key_id,
            .secret_access_key = settings_.secret_access_key,
            .region = settings_.region},
      guard_(anywhere()),
      transfers_(transfers) {}

Task<Reply> Requests::once(Call call, Until until) {
  Keeping keeping;
  auto reply = co_await once(std::move(call), until, keeping);
  reply.body = std::move(keeping.body);
  if (reply.declined) reply.lost = Setback{Cause::unavailable, "sent an answer that is too long", reply.status()};
  co_return reply;
}

Task<Reply> Requests::once(Call call, Until until, provider::Receiver& receiver) {
  const auto target = place_.at(call.key, call.query);
  provider::Request request;
  request.method = call.method;
  request.url = target.url();
  request.headers = std::move(call.headers);
  request.connect_timeout = tuning_.connect_timeout;
  request.stall_timeout = tuning_.stall_timeout;
  request.deadline = until.deadline;
  request.stop = until.stop;
  request.guard = guard_;
  if (call.sha256.empty()) call.sha256 = provider::sha256_hex(call.body.bytes);
  request.body = std::move(call.body);
  provider::sign(request, target, keys_, call.sha256, wall_now());
  auto got = co_await transfers_.perform(std::move(request), receiver);
  Reply reply;
  reply.response = std::move(got.response);
  reply.lost = std::move(got.setback);
  reply.declined = got.declined;
  co_return reply;
}

Task<Answer<Reply>> Requests::perform(Call call, Until until) {
  for (int repetition = 1;; ++repetition) {
    auto reply = co_await once(call, until);
    auto verdict = judge(reply, settings_);
    const bool mute = call.method == provider::Method::head && !reply.lost && reply.status() == 404;
    if (verdict.then == Verdict::Then::done || mute) co_return std::move(reply);
    bool again = verdict.then == Verdict::Then::again;
    if (again) again = co_await pause(repetition, reply, until);
    if (!again) co_return std::unexpected(std::move(verdict.trouble));
  }
}

Task<bool> Requests::pause(int repetition, const Reply& before, Until until) {
  const auto asked = before.lost ? std::nullopt : provider::retry_after(before.response.headers, wall_now());
  const auto wait = backoff(repetition, tuning_.backoff_first, tuning_.backoff_most, asked, uniform());
  const auto end = in(wait);
  if (end >= until.deadline) co_return false;
  while (!until.stop.stop_requested()) {
    const auto left = std::chrono::ceil<milliseconds>(end - Monotonic::now());
    if (left <= milliseconds{0}) co_return true;
    co_await sleep_for(std::min(left, look_up_every));
  }
  co_return false;
}

}  // namespace onetake::durable
