#include <sqlite3.h>

#include "ledger/invariants_of_both.hpp"
#include "ledger/migrations.hpp"
#include "ledger/sqlite_connection.hpp"

namespace onetake::ledger {
namespace {

constexpr auto recordings = with_those_of_both(std::array{
    Invariant{ready_is_held, is_not_held, "r.media_blob IS NOT NULL AND r.media_here = 0 AND r.media_durable = 0"},
});

constexpr std::string_view select_objects =
    "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY name";
constexpr std::string_view select_files =
    "SELECT id, media_blob, media_bytes, media_sha256 FROM recording "
    "WHERE media_blob IS NOT NULL AND media_here = 1 AND ";

/// The statement of each, by name, as this build's migrations leave them.
std::map<std::string, std::string> our_objects() {
  std::map<std::string, std::string> objects;
  sqlite3* opened = nullptr;
  const int code = sqlite3_open(":memory:", &opened);
  const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> db{opened, &sqlite3_close};
  if (code != SQLITE_OK) throw Unavailable("ledger: no database in memory");
  for (const auto migration : migrations())
    if (sqlite3_exec(opened, std::string{migration}.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) raise(opened);
  Statement rows{opened, select_objects, false};
  while (rows.step()) {
    auto name = rows.text();
    objects[std::move(name)] = rows.text();
  }
  return objects;
}

/// One node, and the pointer says whether the file is here.
class SqliteInquiry final : public Inquiry {
 public:
  /// A server's every other question waits for a page.
  [[nodiscard]] int page_size() const override { return 500; }

  [[nodiscard]] std::span<const Invariant> of_recordings() const override { return recordings; }

  [[nodiscard]] std::string schema() const override { return std::string{select_objects}; }
  [[nodiscard]] std::map<std::string, std::string> schema_faults(const Table& answer) const override {
    auto ours = our_objects();
    std::map<std::string, std::string> faults;
    for (const auto& row : answer.rows) {
      const auto object = ours.extract(row.at(0).value_or(""));
      if (!object.empty() && object.mapped() != row.at(1)) faults[object.key()] = "is not as this version makes it";
    }
    for (const auto& [name, sql] : ours) faults[name] = "is missing";
    return faults;
  }

  [[nodiscard]] std::string files_page(const std::string& after, int limit) const override {
    return std::string{select_files} + "id > " + quoted(after) + " ORDER BY id LIMIT " + std::to_string(limit);
  }
  [[nodiscard]] std::string file_of(const std::string& recording) const override {
    return std::string{select_files} + "id = " + quoted(recording);
  }
  [[nodiscard]] std::string accounted_of(const std::vector<std::string>& blobs) const override {
    return "SELECT media_blob FROM recording WHERE id IN " + of_in(blobs) + " AND media_blob IN " + in(blobs) +
           " AND media_here = 1 UNION ALL SELECT blob FROM loose_file WHERE blob IN " + in(blobs);
  }
};

}  // namespace

const Inquiry& sqlite_inquiry() {
  static const SqliteInquiry inquiry;
  return inquiry;
}

}  // namespace onetake::ledger
