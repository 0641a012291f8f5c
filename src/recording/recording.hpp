#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/units.hpp"
#include "recording/cause.hpp"
#include "recording/run_state.hpp"

namespace onetake {

/// How a request names a recording. Without a recording sid: the call's first registered.
struct Key {
  TenantId tenant;
  CallSid call_sid;
  std::optional<std::string> recording_sid;

  auto operator<=>(const Key&) const = default;
};

/// What a tenant said about a recording when it was registered.
struct Registration {
  std::string provider;    ///< the name in the tenant's configuration
  std::string source_url;  ///< or
  std::string source_key;  ///< for s3 and directory
  std::string recording_sid;
  std::string parent_call_sid;
  std::string from;
  std::string to;
  std::string direction;
  std::optional<WallTime> started_at;
  std::optional<double> duration_seconds;
  std::optional<int> channels;
  std::string format;
  std::map<std::string, std::string> labels;

  bool operator==(const Registration&) const = default;
  [[nodiscard]] bool same_source(const Registration& other) const {
    return provider == other.provider && source_url == other.source_url && source_key == other.source_key;
  }
};

/// Audio that is here, whole and verified. `blob` names the file; everything else is what answers say of it.
struct Media {
  std::string blob;
  Bytes bytes = 0;
  std::string sha256;  ///< lower case hex
  std::string content_type;
  std::optional<double> duration_seconds;
  std::optional<int> channels;
  std::string codec;  ///< "" when not known
  int cycle = 0;
  int version = 0;
  WallTime last_modified;

  bool operator==(const Media&) const = default;
};

/// One fetch, however many attempts it takes.
struct Run {
  RunId id;
  RecordingId recording;
  CallSid call_sid;
  std::string job_type;
  int cycle = 0;
  RunStatus status = RunStatus::queued;
  int attempt = 0;  ///< attempts begun that count; waiting for a recording to be ready uses none
  int max_attempts = 0;
  Bytes received_bytes = 0;
  std::optional<Bytes> total_bytes;
  Reason reason = Reason::queued;  ///< while queued
  Urgency urgency = Urgency::play;
  std::optional<Setback> setback;  ///< the newest attempt's, or what ended the run
  std::int64_t token = 0;          ///< grows with each claim; who writes names the one it holds
  WallTime created_at;
  std::optional<WallTime> due_at;  ///< queued: not to be claimed before
  std::optional<WallTime> started_at;
  std::optional<WallTime> completed_at;

  bool operator==(const Run&) const = default;
};

struct Recording {
  RecordingId id;
  TenantId tenant;
  CallSid call_sid;
  Registration registered;
  WallTime registered_at;
  State state = State::remote;
  int cycle = 0;  ///< of the newest run; 0 before the first
  std::optional<Run> run;
  std::optional<Media> media;
};

/// `gone` because the provider said 410: no run of what retention took has ended so.
bool gone_at_provider(const Recording& recording);

/// It counts from `started_at`, else from `registered_at`; a `max_age` of 0 keeps for ever.
bool past_retention(const Recording& recording, milliseconds max_age, WallTime now);

/// The strong validator, the same from the first live byte to the last from disk: "<id>-<cycle>-<version>", with
/// quotes.
std::string etag(const RecordingId& id, int cycle, int version);

}  // namespace onetake
