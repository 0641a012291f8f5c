#include "ledger/invariants.hpp"

#include <array>

namespace onetake::ledger {
namespace {

constexpr std::array runs{
    Invariant{"run_has_its_recording", "there is no such recording of its tenant",
              "NOT EXISTS (SELECT 1 FROM recording r WHERE r.id = u.recording_id AND r.tenant = u.tenant)"},
    Invariant{"token_counts_claims", "its token is smaller than the claims that there must have been",
              "u.token < u.attempt OR (u.status IN ('running', 'completed') AND u.token < 1)"},
    Invariant{"completed_is_whole", "it has completed with less than the whole",
              "u.status = 'completed' AND u.total_bytes IS DISTINCT FROM u.received_bytes"},
};

std::string page(std::span<const Invariant> invariants, std::string_view table, std::string_view alias,
                 const std::string& after, int limit) {
  std::string sql = "SELECT id";
  for (const auto& each : invariants)
    sql.append(", CASE WHEN coalesce(").append(each.violated).append(", true) THEN 1 ELSE 0 END AS ").append(each.name);
  sql.append(" FROM ").append(table).append(" ").append(alias).append(" WHERE id > ").append(quoted(after));
  return sql.append(" ORDER BY id LIMIT ").append(std::to_string(limit));
}

constexpr std::string_view select_copies =
    "SELECT id, media_blob, media_bytes FROM recording WHERE media_blob IS NOT NULL AND media_durable AND ";

}  // namespace

std::string quoted(const std::string& text) {
  std::string made = "'";
  for (const char c : text) made.append(c == '\'' ? 2 : 1, c);
  return made + "'";
}

std::string recording_of(const std::string& blob) {
  constexpr std::size_t uuid = 36;
  return blob.substr(0, uuid);
}

std::span<const Invariant> Inquiry::of_runs() { return runs; }

std::string Inquiry::recordings_page(const std::string& after, int limit) const {
  return page(of_recordings(), "recording", "r", after, limit);
}

std::string Inquiry::runs_page(const std::string& after, int limit) { return page(runs, "run", "u", after, limit); }

std::string Inquiry::copies_page(const std::string& after, int limit) {
  return std::string{select_copies} + "id > " + quoted(after) + " ORDER BY id LIMIT " + std::to_string(limit);
}

std::string Inquiry::copy_of(const std::string& recording) {
  return std::string{select_copies} + "id = " + quoted(recording);
}

std::string Inquiry::in(const std::vector<std::string>& blobs) {
  std::string list;
  for (const auto& blob : blobs) list.append(list.empty() ? "(" : ", ").append(quoted(blob));
  return list + ")";
}

std::string Inquiry::of_in(const std::vector<std::string>& blobs) {
  std::vector<std::string> recordings;
  for (const auto& blob : blobs) recordings.push_back(recording_of(blob));
  return in(recordings);
}

std::string Inquiry::accounts_for_object(const std::string& blob) {
  return "SELECT 1 FROM recording WHERE id = " + quoted(recording_of(blob)) + " AND media_blob = " + quoted(blob) +
         " AND media_durable UNION ALL SELECT 1 FROM loose_object WHERE blob = " + quoted(blob);
}

}  // namespace onetake::ledger
