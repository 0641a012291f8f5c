#include "provider/twilio_provider.hpp"

#include <array>

namespace onetake::provider {
namespace {

struct Form {
  std::string_view extension;
  std::string_view query;
};
constexpr std::array forms{Form{".wav", "?RequestedChannels=2"}, Form{".wav", ""}, Form{".mp3", ""}};
constexpr std::size_t two_channels = 0;
constexpr std::size_t plain_wav = 1;
constexpr std::size_t mp3 = 2;

/// The forms to be tried, in this order.
std::vector<std::size_t> forms_of(const Registration& registration) {
  std::vector<std::size_t> tried;
  if (registration.format != "mp3") {
    if (registration.channels != 1) tried.push_back(two_channels);
    tried.push_back(plain_wav);
  }
  if (registration.format != "wav") tried.push_back(mp3);
  return tried;
}

Target in_form(Target recording, std::size_t form) {
  recording.path += forms.at(form).extension;
  recording.query = forms.at(form).query;
  return recording;
}

/// Says with the head which variant it is.
class Named final : public Sink {
 public:
  Named(std::string variant, Sink& sink) : variant_(std::move(variant)), sink_(sink) {}

  bool begin(const Head& head) override {
    auto said = head;
    said.variant = variant_;
    return sink_.begin(said);
  }
  bool data(std::span<const std::byte> bytes) override { return sink_.data(bytes); }

 private:
  std::string variant_;
  Sink& sink_;
};

constexpr int one_channel_only = 16113;
constexpr int too_many_requests = 20429;

std::string base_of(const Settings& settings) {
  return settings.base_url.empty() ? "https://api.twilio.com" : settings.base_url;
}

TwilioAccount account(const Settings& settings) {
  return {.base = Target::parse(base_of(settings)).value(), .sid = settings.account_sid};
}

Policy policy(const Settings& settings) {
  return {.type = "twilio",
          .authenticate = [basic = Request::Basic{settings.account_sid, settings.auth_token}](
                              Request& request) { request.basic = basic; },
          .refuses_redirect = [](const Target&) { return std::nullopt; }};
}

bool says_other_form(const MediaAnswer& answer) {
  if (answer.status == 401 || answer.status == 403 || answer.status == 410) return false;
  return answer.error_code == one_channel_only || answer.status == 404 || answer.status == 406 || answer.status == 415;
}

Refused refusal(Cause cause, std::string detail) { return {.setback = {cause, std::move(detail), 0}}; }

}  // namespace

TwilioProvider::TwilioProvider(const Settings& settings, const Limits& limits, Transfers& transfers)
    : account_(account(settings)), client_(policy(settings), limits, transfers) {}

std::optional<SettingsFault> TwilioProvider::check(const Settings& settings) {
  const auto base = Target::parse(base_of(settings));
  if (!base) return SettingsFault{"base_url", base.error().detail};
  if (!base->query.empty()) return SettingsFault{"base_url", "has a query"};
  if (settings.account_sid.empty()) return SettingsFault{"account_sid", "is needed"};
  if (!valid_call_sid(settings.account_sid)) return SettingsFault{"account_sid", "is not the sid of an account"};
  if (settings.auth_token.empty()) return SettingsFault{"auth_token", "is needed"};
  return std::nullopt;
}

result<TwilioSource> TwilioProvider::source(const CallSid& call, const Registration& registration) const {
  auto made = TwilioSource::of(account_, call, registration);
  if (!made) return made;
  if (auto why = client_.refuses(account_.base))
    return failed(Fault::source_not_allowed, "the provider's base_url " + *why);
  return made;
}

result<void> TwilioProvider::admits(const Registration& registration) const {
  // The call sid is checked where it comes in, and stands only in a URL of our own making.
  if (auto made = source(CallSid{"any"}, registration); !made) return std::unexpected(std::move(made.error()));
  return {};
}

Task<Outcome> TwilioProvider::fetch(Ask ask, Sink& sink) {
  auto place = source(ask.recording.call_sid, ask.recording.registered);
  if (!place) co_return std::unexpected(refusal(Cause::refused, place.error().detail));
  if (auto known = begun(ask.variant)) {
    std::vector<std::size_t> same{known->form};
    co_return co_await media(known->recording, std::move(same), ask, sink);
  }
  auto recording = std::move(place->media);
  if (!place->lists.empty()) {
    auto found = co_await find(std::move(place->lists), ask);
    if (!found) co_return std::unexpected(std::move(found.error()));
    recording = std::move(*found);
  }
  auto tried = forms_of(ask.recording.registered);
  co_return co_await media(recording, std::move(tried), ask, sink);
}

/// Nothing for what is none, or does not lie at this account's address any more.
std::optional<TwilioProvider::Begun> TwilioProvider::begun(std::string_view variant) const {
  const auto recording = twilio_resource(account_, variant);
  if (!recording) return std::nullopt;
  for (std::size_t form = 0; form < forms.size(); ++form)
    if (in_form(*recording, form).url() == variant) return Begun{.recording = *recording, .form = form};
  return std::nullopt;
}

Task<std::expected<Target, Refused>> TwilioProvider::find(std::vector<Target> lists, const Ask& ask) {
  using State = TwilioPick::State;
  for (auto& list : lists) {
    auto document = co_await client_.look_up(std::move(list), ask);
    if (!document) co_return std::unexpected(std::move(document.error()));
    if (document->status == 404) continue;  // no such call: its parent may have the recording
    const auto pick = pick_recording(document->body, ask.recording.registered.recording_sid);
    if (!pick) co_return std::unexpected(refusal(Cause::unavailable, "a look-up's answer is no list of recordings"));
    if (pick->state == State::none) continue;
    if (pick->state == State::pending)
      co_return std::unexpected(refusal(Cause::not_ready, "the recording is being processed"));
    if (pick->state == State::absent)
      co_return std::unexpected(refusal(Cause::missing, "the provider kept no recording: too short, silent or failed"));
    if (pick->state == State::deleted) co_return std::unexpected(refusal(Cause::gone, "the recording was deleted"));
    auto found = twilio_resource(account_, pick->uri);
    if (!found) co_return std::unexpected(refusal(Cause::refused, "a look-up led elsewhere"));
    co_return std::move(*found);
  }
  co_return std::unexpected(refusal(Cause::not_ready, "the call has no recording yet"));
}

Task<Outcome> TwilioProvider::media(const Target& recording, std::vector<std::size_t> tried, const Ask& ask,
                                    Sink& sink) {
  std::optional<Refused> not_found;
  for (auto form = tried.begin();; ++form) {
    const auto target = in_form(recording, *form);
    Named named{target.url(), sink};
    auto answer = co_await client_.media(target, ask, named);
    if (answer.outcome || answer.counted) co_return std::move(answer.outcome);
    auto& refused = answer.outcome.error();
    if (answer.error_code == too_many_requests) refused.setback.cause = Cause::throttled;
    const bool last = std::next(form) == tried.end();
    const bool other = refused.setback.cause != Cause::throttled && says_other_form(answer);
    if (answer.status == 404 && other) not_found = refused;
    if (other && !last) {
      client_.count_other("format");
      continue;
    }
    client_.count_media(answer);
    // A recording that is not ready may be refused in some forms and be missing in others.
    if (other && not_found) co_return std::unexpected(std::move(*not_found));
    co_return std::move(answer.outcome);
  }
}

}  // namespace onetake::provider
