#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "ledger/files.hpp"
#include "recording/recording.hpp"

/// How a recording and a run stand in a row: the same columns in either database.
///
/// A `Row` is read from left to right, as sqlite's `Statement` and postgres's `Rows` are.
namespace onetake::ledger {

/// Of a run `u`.
inline constexpr std::string_view run_columns =
    "u.id, u.recording_id, u.call_sid, u.job_type, u.cycle, u.status, u.attempt, u.max_attempts, "
    "u.received_bytes, u.total_bytes, u.reason, u.cause, u.error, u.provider_status, u.token, u.created_at, "
    "u.due_at, u.started_at, u.completed_at, u.urgency";

/// Of a recording `r`.
inline constexpr std::string_view recording_columns =
    "r.id, r.tenant, r.call_sid, r.provider, r.source_url, r.source_key, r.recording_key, r.parent_call_sid, "
    "r.from_party, r.to_party, r.direction, r.started_at, r.duration_seconds, r.channels, r.format, r.labels, "
    "r.registered_at, r.state, r.cycle, r.media_blob, r.media_bytes, r.media_sha256, r.media_content_type, "
    "r.media_duration_seconds, r.media_channels, r.media_codec, r.media_cycle, r.media_version, r.media_last_modified";

inline constexpr int media_columns = 10;

/// The newest run of a recording is the one of its cycle.
inline constexpr std::string_view newest_run =
    "LEFT JOIN run u ON u.tenant = r.tenant AND u.recording_id = r.id AND u.cycle = r.cycle ";

/// Labels are an object of strings.
std::string labels_json(const std::map<std::string, std::string>& labels);
std::map<std::string, std::string> read_labels(std::string_view json);

template <class Row>
std::optional<int> maybe_small(Row& row) {
  const auto value = row.maybe(&Row::integer);
  return value ? std::optional{static_cast<int>(*value)} : std::nullopt;
}

template <class Row>
int small(Row& row) {
  return static_cast<int>(row.integer());
}

template <class Row>
Registration read_registration(Row& row) {
  Registration r;
  r.provider = row.text();
  r.source_url = row.text();
  r.source_key = row.text();
  r.recording_sid = row.text();
  r.parent_call_sid = row.text();
  r.from = row.text();
  r.to = row.text();
  r.direction = row.text();
  r.started_at = row.maybe(&Row::time);
  r.duration_seconds = row.maybe(&Row::real);
  r.channels = maybe_small(row);
  r.format = row.text();
  r.labels = read_labels(row.view());
  return r;
}

template <class Row>
Media read_media(Row& row) {
  Media m;
  m.blob = row.text();
  m.bytes = static_cast<Bytes>(row.integer());
  m.sha256 = row.text();
  m.content_type = row.text();
  m.duration_seconds = row.maybe(&Row::real);
  m.channels = maybe_small(row);
  m.codec = row.text();
  m.cycle = small(row);
  m.version = small(row);
  m.last_modified = row.time();
  return m;
}

/// REQUIRES: the row is at the recording's id, its blob, bytes, sha256 and content type.
template <class Row>
Uncopied read_uncopied(Row& row) {
  Uncopied file;
  file.recording = RecordingId{row.text()};
  file.blob = row.text();
  file.bytes = static_cast<Bytes>(row.integer());
  file.sha256 = row.text();
  file.content_type = row.text();
  return file;
}

/// REQUIRES: the row is at `run_columns`.
template <class Row>
Run read_run(Row& row) {
  Run u;
  u.id = RunId{row.text()};
  u.recording = RecordingId{row.text()};
  u.call_sid = CallSid{row.text()};
  u.job_type = row.text();
  u.cycle = small(row);
  u.status = run_status_named(row.view()).value();
  u.attempt = small(row);
  u.max_attempts = small(row);
  u.received_bytes = static_cast<Bytes>(row.integer());
  if (const auto total = row.maybe(&Row::integer)) u.total_bytes = static_cast<Bytes>(*total);
  u.reason = reason_named(row.view()).value();
  if (const auto cause = row.maybe(&Row::text)) {
    // A cause that an older build does not know is still a cause.
    auto detail = row.text();
    u.setback = Setback{cause_named(*cause).value_or(Cause::internal), std::move(detail), small(row)};
  } else {
    row.skip(2);
  }
  u.token = row.integer();
  u.created_at = row.time();
  u.due_at = row.maybe(&Row::time);
  u.started_at = row.maybe(&Row::time);
  u.completed_at = row.maybe(&Row::time);
  u.urgency = static_cast<Urgency>(row.integer());
  return u;
}

/// REQUIRES: the row is at `recording_columns`, followed by `run_columns`, all NULL where it has no run.
template <class Row>
Recording read_recording(Row& row) {
  Recording r;
  r.id = RecordingId{row.text()};
  r.tenant = TenantId{row.text()};
  r.call_sid = CallSid{row.text()};
  r.registered = read_registration(row);
  r.registered_at = row.time();
  r.state = state_named(row.view()).value();
  r.cycle = small(row);
  if (row.at_null()) {
    row.skip(media_columns);
  } else {
    r.media = read_media(row);
  }
  if (!row.at_null()) r.run = read_run(row);
  return r;
}

}  // namespace onetake::ledger
