#include "provider/client.hpp"

#include <array>

#include "base/metrics.hpp"
#include "provider/answer.hpp"
#include "provider/media_receiver.hpp"

namespace onetake::provider {
namespace {

constexpr std::size_t max_document_bytes = 1_MiB;
constexpr std::size_t max_redirect_bytes = 64_KiB;

bool redirects(const Response& response) {
  constexpr std::array statuses{301, 302, 303, 307, 308};
  return std::ranges::find(statuses, response.status) != statuses.end() && !response.headers.find("location").empty();
}

/// Keeps a redirect's body from who waits for the answer. Read to its end, for then the connection can be used again.
class Hop final : public Receiver {
 public:
  explicit Hop(Receiver& inner) : inner_(inner) {}

  bool head(const Response& response) override {
    redirected_ = redirects(response);
    return redirected_ || inner_.head(response);
  }
  bool data(std::span<const std::byte> bytes) override {
    if (!redirected_) return inner_.data(bytes);
    dropped_ += bytes.size();
    return dropped_ <= max_redirect_bytes;
  }
  [[nodiscard]] bool redirected() const { return redirected_; }

 private:
  Receiver& inner_;
  bool redirected_ = false;
  std::size_t dropped_ = 0;
};

class Whole final : public Receiver {
 public:
  bool head(const Response&) override { return true; }
  bool data(std::span<const std::byte> bytes) override {
    if (body.size() + bytes.size() > max_document_bytes) return false;
    body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return true;
  }
  std::string body;
};

Transferred ended(Cause cause, std::string detail, int status = 0) {
  return {.response = {}, .declined = false, .setback = Setback{cause, std::move(detail), status}};
}

}  // namespace

Refused refused(const Response& response, std::string detail) {
  return {.setback = {cause_of(response.status).value(), std::move(detail), response.status},
          .retry_after = retry_after(response.headers, wall_now())};
}

Client::Client(Policy policy, const Limits& limits, Transfers& transfers)
    : policy_(std::move(policy)),
      limits_(limits),
      guard_(std::make_shared<AddressGuard>(limits.allow_addresses)),
      transfers_(transfers) {}

std::optional<std::string> Client::refuses(const Target& target) const {
  if (target.plain() && !limits_.allow_plain_http) return "is plain http, and fetch.allow_plain_http is false";
  if (auto why = guard_->refuses_host(target.host))
    return "lies at a host that sources may not lie at: " + *why + ", and not in fetch.allow_addresses";
  return std::nullopt;
}

void Client::count_media(const MediaAnswer& answer) const {
  if (answer.counted) return;
  metrics::add(metrics::Series::provider_requests,
               {policy_.type, answer.status == 0 ? "error" : std::to_string(answer.status)});
}

void Client::count_other(std::string_view kind) const {
  metrics::add(metrics::Series::provider_other_requests, {policy_.type, kind});
}

Task<Transferred> Client::get(Target target, Wish wish, const Ask& ask, Receiver& receiver) {
  if (auto why = refuses(target)) co_return ended(Cause::refused, "the source " + *why);
  bool trusted = true;
  for (int followed = 0;; ++followed) {
    Request request;
    request.url = target.url();
    request.headers = {"Accept: " + wish.accept};
    request.from = wish.from;
    request.if_range = wish.validator;
    request.connect_timeout = limits_.connect_timeout;
    request.stall_timeout = limits_.stall_timeout;
    request.deadline = ask.deadline;
    request.stop = ask.stop;
    request.guard = guard_;
    if (trusted) policy_.authenticate(request);

    Hop hop{receiver};
    auto got = co_await transfers_.perform(std::move(request), hop);
    if (!hop.redirected()) {
      if (got.setback) got.setback->detail = target.authority() + ": " + got.setback->detail;
      co_return got;
    }
    count_other("redirect");
    const int status = got.response.status;
    if (followed == max_redirects) co_return ended(Cause::unavailable, "more than 5 redirects", status);
    auto next = target.redirected(got.response.headers.find("location"));
    if (!next) co_return ended(Cause::refused, "was redirected to what " + next.error().detail, status);
    auto why = refuses(*next);
    if (!why) why = policy_.refuses_redirect(*next);
    if (why) co_return ended(Cause::refused, "was redirected to " + next->authority() + ", which " + *why, status);
    trusted = trusted && next->same_origin(target);
    target = std::move(*next);
  }
}

Task<MediaAnswer> Client::media(const Target& target, const Ask& ask, Sink& sink) {
  Bytes from = ask.validator.empty() ? 0 : ask.from;
  for (;;) {
    MediaReceiver receiver{policy_.type, limits_.max_recording_bytes, from, ask.validator, sink};
    Wish wish{.from = from, .validator = ask.validator, .accept = "*/*"};
    auto got = co_await get(target, std::move(wish), ask, receiver);
    const bool again = receiver.from_the_start();
    auto answer = receiver.answer(std::move(got));
    if (!again) co_return answer;
    count_media(answer);
    from = 0;
  }
}

Task<std::expected<Document, Refused>> Client::look_up(Target target, const Ask& ask) {
  Whole whole;
  Wish wish{.from = 0, .validator = {}, .accept = "application/json"};
  auto got = co_await get(std::move(target), std::move(wish), ask, whole);
  count_other("lookup");
  if (got.setback) co_return std::unexpected(Refused{std::move(*got.setback)});
  if (got.declined)
    co_return std::unexpected(Refused{{Cause::unavailable, "a look-up's answer is too long", got.response.status}});
  if (got.response.status != 200 && got.response.status != 404)
    co_return std::unexpected(refused(got.response, "a look-up was answered " + std::to_string(got.response.status)));
  co_return Document{got.response.status, std::move(whole.body)};
}

}  // namespace onetake::provider
