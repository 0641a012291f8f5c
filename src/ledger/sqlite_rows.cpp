#include "ledger/sqlite_rows.hpp"

#include <boost/json.hpp>

namespace onetake::ledger {
namespace {

#define RUN_COLUMNS                                                                                         \
  "u.id, u.recording_id, u.call_sid, u.job_type, u.cycle, u.status, u.attempt, u.max_attempts, "            \
  "u.received_bytes, u.total_bytes, u.reason, u.cause, u.error, u.provider_status, u.token, u.created_at, " \
  "u.due_at, u.started_at, u.completed_at, u.urgency"

#define RECORDING_COLUMNS                                                                                     \
  "r.id, r.tenant, r.call_sid, r.provider, r.source_url, r.source_key, r.recording_key, r.parent_call_sid, "  \
  "r.from_party, r.to_party, r.direction, r.started_at, r.duration_seconds, r.channels, r.format, r.labels, " \
  "r.registered_at, r.state, r.cycle, r.media_blob, r.media_bytes, r.media_sha256, r.media_content_type, "    \
  "r.media_duration_seconds, r.media_channels, r.media_codec, r.media_cycle, r.media_version, r.media_last_modified"

constexpr int media_columns = 10;

int small(std::int64_t value) { return static_cast<int>(value); }

std::optional<int> maybe_small(Statement& row) {
  const auto value = row.maybe(&Statement::integer);
  return value ? std::optional{small(*value)} : std::nullopt;
}

std::map<std::string, std::string> read_labels(std::string_view json) {
  std::map<std::string, std::string> labels;
  if (json == "{}") return labels;
  const auto parsed = boost::json::parse({json.data(), json.size()});
  for (const auto& [key, value] : parsed.as_object()) labels.emplace(key, value.as_string());
  return labels;
}

Registration read_registration(Statement& row) {
  Registration r;
  r.provider = row.text();
  r.source_url = row.text();
  r.source_key = row.text();
  r.recording_sid = row.text();
  r.parent_call_sid = row.text();
  r.from = row.text();
  r.to = row.text();
  r.direction = row.text();
  r.started_at = row.maybe(&Statement::time);
  r.duration_seconds = row.maybe(&Statement::real);
  r.channels = maybe_small(row);
  r.format = row.text();
  r.labels = read_labels(row.view());
  return r;
}

Media read_media(Statement& row) {
  Media m;
  m.blob = row.text();
  m.bytes = static_cast<Bytes>(row.integer());
  m.sha256 = row.text();
  m.content_type = row.text();
  m.duration_seconds = row.maybe(&Statement::real);
  m.channels = maybe_small(row);
  m.codec = row.text();
  m.cycle = small(row.integer());
  m.version = small(row.integer());
  m.last_modified = row.time();
  return m;
}

}  // namespace

#define NEWEST_RUN "LEFT JOIN run u ON u.tenant = r.tenant AND u.recording_id = r.id AND u.cycle = r.cycle "

const std::string select_recording = "SELECT " RECORDING_COLUMNS ", " RUN_COLUMNS " FROM recording r " NEWEST_RUN;
const std::string select_recording_by_rowid =
    "SELECT " RECORDING_COLUMNS ", " RUN_COLUMNS " FROM recording r NOT INDEXED " NEWEST_RUN;
const std::string select_run = "SELECT " RUN_COLUMNS " FROM run u ";
const std::string select_run_by_recording =  // in SQLite a CROSS JOIN keeps its order
    "SELECT " RUN_COLUMNS " FROM recording r CROSS JOIN run u ON u.tenant = r.tenant AND u.recording_id = r.id ";

Run read_run(Statement& row) {
  Run u;
  u.id = RunId{row.text()};
  u.recording = RecordingId{row.text()};
  u.call_sid = CallSid{row.text()};
  u.job_type = row.text();
  u.cycle = small(row.integer());
  u.status = run_status_named(row.view()).value();
  u.attempt = small(row.integer());
  u.max_attempts = small(row.integer());
  u.received_bytes = static_cast<Bytes>(row.integer());
  if (const auto total = row.maybe(&Statement::integer)) u.total_bytes = static_cast<Bytes>(*total);
  u.reason = reason_named(row.view()).value();
  if (const auto cause = row.maybe(&Statement::text)) {
    // A cause that an older build does not know is still a cause.
    u.setback = Setback{cause_named(*cause).value_or(Cause::internal), row.text(), small(row.integer())};
  } else {
    row.skip(2);
  }
  u.token = row.integer();
  u.created_at = row.time();
  u.due_at = row.maybe(&Statement::time);
  u.started_at = row.maybe(&Statement::time);
  u.completed_at = row.maybe(&Statement::time);
  u.urgency = static_cast<Urgency>(row.integer());
  return u;
}

Recording read_recording(Statement& row) {
  Recording r;
  r.id = RecordingId{row.text()};
  r.tenant = TenantId{row.text()};
  r.call_sid = CallSid{row.text()};
  r.registered = read_registration(row);
  r.registered_at = row.time();
  r.state = state_named(row.view()).value();
  r.cycle = small(row.integer());
  if (row.at_null()) {
    row.skip(media_columns);
  } else {
    r.media = read_media(row);
  }
  if (!row.at_null()) r.run = read_run(row);
  return r;
}

std::string labels_json(const std::map<std::string, std::string>& labels) {
  boost::json::object object;
  for (const auto& [key, value] : labels) object.emplace(key, value);
  return boost::json::serialize(object);
}

}  // namespace onetake::ledger
