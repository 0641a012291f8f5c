#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "provider/client.hpp"
#include "provider/settings.hpp"
#include "provider/twilio_source.hpp"

namespace onetake::provider {

/// Twilio's recordings (REST API 2010-04-01, HTTP Basic): which one from `TwilioSource`, in which form by what Twilio
/// answers.
///
///   form                        next one when the answer is
///   --------------------------  -----------------------------------------------------------
///   .wav?RequestedChannels=2    error 16113 (recorded with one channel), or 404, 406, 415
///   .wav                        404, 406, 415
///   .mp3                        -
///
/// Each recording is asked for both channels first, unless it was registered with one: what another had says nothing of
/// it, and a .wav or an .mp3 there is of every one, so that nothing would ever lead back. One that was made with one
/// channel costs a short refusal more. What has been begun is gone on with from the same place in the same form, which
/// is what `Head::variant` names, or not at all: another would be other bytes.
/// 429, and error 20429 with any status, is throttling and says nothing about a form. Where every form is 404, the
/// recording is not ready.
class TwilioProvider final : public Provider {
 public:
  TwilioProvider(const Settings& settings, const Limits& limits, Transfers& transfers);
  TwilioProvider(const TwilioProvider&) = delete;
  TwilioProvider& operator=(const TwilioProvider&) = delete;

  [[nodiscard]] std::string_view type() const override { return "twilio"; }
  [[nodiscard]] result<void> admits(const Registration& registration) const override;
  Task<Outcome> fetch(Ask ask, Sink& sink) override;

  static std::optional<SettingsFault> check(const Settings& settings);

 private:
  [[nodiscard]] result<TwilioSource> source(const CallSid& call, const Registration& registration) const;
  struct Begun {
    Target recording;
    std::size_t form;  ///< its number
  };
  [[nodiscard]] std::optional<Begun> begun(std::string_view variant) const;
  Task<std::expected<Target, Refused>> find(std::vector<Target> lists, const Ask& ask);
  Task<Outcome> media(const Target& recording, std::vector<std::size_t> tried, const Ask& ask, Sink& sink);

  TwilioAccount account_;
  Client client_;
};

}  // namespace onetake::provider
