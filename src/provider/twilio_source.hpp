#pragma once

#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "provider/target.hpp"
#include "recording/recording.hpp"

namespace onetake::provider {

/// An account at Twilio, as far as URLs go.
struct TwilioAccount {
  Target base;  ///< of `base_url`; a path there is put before every other
  std::string sid;
};

/// Where a registration's recording is, or which list tells.
///
///   source_url                                              asks
///   ------------------------------------------------------  ----------------------------------------------------
///   https://<base_url>/2010-04-01/Accounts/AC/Recordings/RE  that recording; .json .wav .mp3 and a query mean nothing
///   /2010-04-01/Accounts/AC/Recordings/RE.json               the same
///   Recordings/RE                                            the same, of the configured account
///   …/Calls/CA/Recordings.json                               the call's list
///   "", with a recording_sid                                 that recording
///   "", without                                              the list of the call sid
struct TwilioSource {
  Target media;               ///< without an extension; where there are no lists
  std::vector<Target> lists;  ///< to be looked up in this order: the call's, then the parent's

  /// Errors: `source_not_allowed` for another origin or another resource, `bad_body` for what is no URL.
  static result<TwilioSource> of(const TwilioAccount& account, const CallSid& call, const Registration& registration);
};

/// A source's URL, without query and extension. `text` is absolute, from the root, or relative to the account.
result<Target> twilio_resource(const TwilioAccount& account, std::string_view text);

/// What a list of recordings says about the one that is meant.
struct TwilioPick {
  enum class State { found, none, pending, absent, deleted };
  State state = State::none;
  std::string uri;  ///< found: as Twilio writes it
};
/// `body` is the list's JSON; `recording_sid` "" takes the first that is completed. Nothing for what is no such list.
std::optional<TwilioPick> pick_recording(std::string_view body, std::string_view recording_sid);

}  // namespace onetake::provider
