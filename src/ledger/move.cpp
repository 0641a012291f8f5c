#include "ledger/move.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "ledger/invariants.hpp"
#include "ledger/migrations.hpp"
#include "ledger/postgres_migrations.hpp"
#include "ledger/postgres_session.hpp"
#include "ledger/sqlite_source.hpp"
#include "ledger/utf8.hpp"

namespace onetake::ledger {
namespace {

/// Sent at a time.
constexpr std::size_t chunk_bytes = 64 << 10;
/// Of one COPY, whose checks the server keeps in mind until its end.
constexpr int rows_a_copy = 20'000;
/// For each COPY, and for running nodes to let go of the tables.
constexpr milliseconds patience{600'000};

// As they are called in both databases.

constexpr std::string_view recording_columns =
    "id, tenant, call_sid, recording_key, provider, source_url, source_key, parent_call_sid, from_party, to_party, "
    "direction, started_at, duration_seconds, channels, format, labels, registered_at, state, cycle, media_blob, "
    "media_bytes, media_sha256, media_content_type, media_duration_seconds, media_channels, media_codec, media_cycle, "
    "media_version, media_last_modified, media_durable";
constexpr std::string_view run_columns_that_stay =
    "id, tenant, recording_id, call_sid, job_type, cycle, max_attempts, received_bytes, total_bytes, cause, error, "
    "provider_status, token, created_at, started_at, completed_at, asked_by, urgency";
constexpr std::string_view tombstone_columns = "tenant, call_sid_hmac, recording_hmac, erased_at";

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const auto part : parts) text += part;
  return text;
}

/// PostgreSQL takes well-formed text only; a provider's words may have come to SQLite as they were.
std::string well_formed(std::string_view text) {
  std::string made{text};
  std::ranges::replace_if(made, [](char c) { return c == '\0' || static_cast<unsigned char>(c) >= 0x80; }, '?');
  return made;
}

void append_escaped(std::string& line, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '\\':
        line += "\\\\";
        break;
      case '\t':
        line += "\\t";
        break;
      case '\n':
        line += "\\n";
        break;
      case '\r':
        line += "\\r";
        break;
      default:
        line += c;
    }
  }
}

/// A cell as COPY's text format has it; https://www.postgresql.org/docs/current/sql-copy.html, "Text Format".
void append_cell(std::string& line, sqlite3_stmt* row, int column) {
  switch (sqlite3_column_type(row, column)) {
    case SQLITE_NULL:
      line += "\\N";
      break;
    case SQLITE_FLOAT: {  // SQLite's own text has fifteen digits
      std::array<char, 32> digits{};
      const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), sqlite3_column_double(row, column));
      line.append(digits.data(), end.ptr);
      break;
    }
    default: {
      const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(row, column));
      const std::string_view text{bytes, static_cast<std::size_t>(sqlite3_column_bytes(row, column))};
      append_escaped(line, is_text(text) ? text : std::string_view{well_formed(text)});
    }
  }
}

void append_row(std::string& lines, sqlite3_stmt* row) {
  for (int column = 0; column < sqlite3_column_count(row); ++column) {
    if (column > 0) lines += '\t';
    append_cell(lines, row, column);
  }
  lines += '\n';
}

/// All that `select` finds in the source goes `into` the target: "table (columns)". Tells how many rows.
std::int64_t copy(const SqliteSource& source, const std::string& select, pg::Connection& target,
                  const std::string& into) {
  auto rows = source.select(select);
  std::int64_t count = 0;
  for (bool more = rows.step(); more;) {
    int left = rows_a_copy;
    target.copy_in("COPY " + into + " FROM STDIN", [&](std::string& chunk) {
      for (; more && left > 0 && chunk.size() < chunk_bytes; more = rows.step(), --left, ++count)
        append_row(chunk, rows.handle());
    });
  }
  return count;
}

std::int64_t copy_recordings(const SqliteSource& source, pg::Connection& target) {
  return copy(source, joined({"SELECT ", recording_columns, " FROM recording"}), target,
              joined({"recording (", recording_columns, ")"}));
}

std::int64_t copy_runs(const SqliteSource& source, pg::Connection& target, WallTime now) {
  constexpr std::string_view queued_again =
      ", iif(status = 'running', 'queued', status), iif(status = 'running', max(attempt - 1, 0), attempt), "
      "iif(status = 'running', 'retrying', reason), iif(status = 'running', ";
  const auto due = std::to_string(now.time_since_epoch().count());
  return copy(source, joined({"SELECT ", run_columns_that_stay, queued_again, due, ", due_at) FROM run"}), target,
              joined({"run (", run_columns_that_stay, ", status, attempt, reason, due_at)"}));
}

std::int64_t copy_files(const SqliteSource& source, pg::Connection& target, const std::string& node) {
  copy(source, "SELECT " + quoted(node) + ", blob, announced FROM loose_file", target,
       "loose_file (node, blob, announced)");
  copy(source, "SELECT blob, due_at, removing FROM loose_object", target, "loose_object (blob, due_at, removing)");
  return copy(source,
              "SELECT " + quoted(node) +
                  ", id, media_blob, coalesce(played_at, 0) FROM recording "
                  "WHERE media_blob IS NOT NULL AND media_here = 1",
              target, "copy (node, recording_id, blob, played_at)");
}

std::int64_t copy_tombstones(const SqliteSource& source, pg::Connection& target) {
  auto secret = source.select("SELECT value FROM meta WHERE key = 'tombstone_secret'");
  if (!secret.step()) throw Unavailable("ledger: the source has no tombstone secret");
  target.run("UPDATE meta SET value = $1 WHERE key = 'tombstone_secret'", secret.text());
  return copy(source, joined({"SELECT ", tombstone_columns, " FROM tombstone"}), target,
              joined({"tombstone (", tombstone_columns, ")"}));
}

/// What triggers count when a row changes, and these rows only came.
void count(pg::Connection& target) {
  target.execute(
      "SELECT add_to_tally(status, count(*)) FROM run WHERE completed_at IS NOT NULL GROUP BY status;"
      "SELECT add_to_tally('published_bytes', coalesce(sum(media_bytes), 0)::bigint) FROM recording");
}

bool is_empty(pg::Connection& target) {
  auto rows = target.execute(
      "SELECT EXISTS (SELECT FROM recording) OR EXISTS (SELECT FROM tombstone) OR EXISTS (SELECT FROM loose_file) "
      "OR EXISTS (SELECT FROM loose_object)");
  rows.next();
  return !rows.truth();
}

std::string wrong_schema(const std::filesystem::path& file, int found) {
  const auto what = file.string() + " has schema " + std::to_string(found) + ", this version moves schema " +
                    std::to_string(known_schema());
  return found < known_schema() ? what + ": run onetake migrate --config with its configuration first"
                                : what + ": move it with the newer version that it was made by";
}

/// Single ones may have been lost. Not the first hundred.
bool lies_elsewhere(const SqliteSource& source, const std::function<bool(const std::string& blob)>& has_file) {
  auto blobs =
      source.select("SELECT media_blob FROM recording WHERE media_blob IS NOT NULL AND media_here = 1 LIMIT 100");
  bool any = false;
  for (; blobs.step(); any = true)
    if (has_file(blobs.text())) return false;
  return any;
}

}  // namespace

std::expected<Moved, std::string> move_to_postgres(const std::filesystem::path& file, const std::string& url,
                                                   const std::string& node,
                                                   const std::function<bool(const std::string& blob)>& has_file,
                                                   WallTime now) {
  const SqliteSource source{file};
  if (source.schema() != known_schema()) return std::unexpected(wrong_schema(file, source.schema()));
  if (lies_elsewhere(source, has_file))
    return std::unexpected("the audio of " + file.string() +
                           " is not in this data directory: name the source's with --data-dir");

  pg::Session session{{.url = url}};
  session.again([](pg::Connection& target) { return pg::migrate(target); });
  return session.once([&](pg::Connection& target) -> std::expected<Moved, std::string> {
    target.take_up_to(patience);
    target.execute("LOCK TABLE recording, tombstone, loose_file, loose_object IN SHARE ROW EXCLUSIVE MODE");
    if (!is_empty(target))
      return std::unexpected(
          "the target is not empty: it has recordings, or traces of some that it had; move into a database of its own");
    Moved moved;
    moved.recordings = copy_recordings(source, target);
    moved.runs = copy_runs(source, target, now);
    moved.files = copy_files(source, target, node);
    moved.tombstones = copy_tombstones(source, target);
    count(target);
    return moved;
  });
}

}  // namespace onetake::ledger
