#pragma once

#include <atomic>
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
/// The form that worked is asked for first the next time. 429, and error 20429 with any status, is throttling and says
/// nothing about a form. Where every form is 404, the recording is not ready.
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
  [[nodiscard]] std::vector<std::size_t> order(const Registration& registration) const;
  Task<std::expected<Target, Refused>> find(std::vector<Target> lists, const Ask& ask);
  Task<Outcome> media(const Target& recording, const Ask& ask, Sink& sink);

  TwilioAccount account_;
  Client client_;
  std::atomic<std::size_t> worked_ = 0;  ///< a form's number
};

}  // namespace onetake::provider
