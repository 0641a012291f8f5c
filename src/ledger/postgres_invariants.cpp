#include "ledger/invariants_of_both.hpp"
#include "ledger/postgres_migrations.hpp"

namespace onetake::ledger {
namespace {

constexpr auto recordings = with_those_of_both(std::array{
    Invariant{ready_is_held, is_not_held,
              "r.media_blob IS NOT NULL AND NOT r.media_durable "
              "AND NOT EXISTS (SELECT FROM copy c WHERE c.recording_id = r.id)"},
    Invariant{"copy_is_of_the_pointer", "a node has it down as its file, and the pointer names another, or none",
              "EXISTS (SELECT FROM copy c WHERE c.recording_id = r.id AND c.blob IS DISTINCT FROM r.media_blob)"},
});

/// Many nodes, and each has rows for its files.
class PostgresInquiry final : public Inquiry {
 public:
  explicit PostgresInquiry(const std::string& node) : node_(quoted(node)) {}

  /// Nobody waits, and each question is a connection.
  [[nodiscard]] int page_size() const override { return 5'000; }

  [[nodiscard]] std::span<const Invariant> of_recordings() const override { return recordings; }

  [[nodiscard]] std::string schema() const override { return pg::select_missing_objects(); }
  [[nodiscard]] std::map<std::string, std::string> schema_faults(const Table& answer) const override {
    std::map<std::string, std::string> faults;
    for (const auto& row : answer.rows) faults[row.at(0).value_or("")] = "is missing, or switched off";
    return faults;
  }

  [[nodiscard]] std::string files_page(const std::string& after, int limit) const override {
    return select_files() + "c.recording_id > " + quoted(after) + " ORDER BY c.recording_id LIMIT " +
           std::to_string(limit);
  }
  [[nodiscard]] std::string file_of(const std::string& recording) const override {
    return select_files() + "c.recording_id = " + quoted(recording);
  }
  [[nodiscard]] std::string accounted_of(const std::vector<std::string>& blobs) const override {
    const auto these = " WHERE node = " + node_ + " AND blob IN " + in(blobs);
    return "SELECT blob FROM copy" + these + " AND recording_id IN " + of_in(blobs) +
           " UNION ALL SELECT blob FROM loose_file" + these;
  }

 private:
  [[nodiscard]] std::string select_files() const {
    return "SELECT c.recording_id, c.blob, r.media_bytes, r.media_sha256 FROM copy c "
           "JOIN recording r ON r.id = c.recording_id WHERE c.node = " +
           node_ + " AND ";
  }

  const std::string node_;  ///< as a literal
};

}  // namespace

std::unique_ptr<const Inquiry> postgres_inquiry(const std::string& node) {
  return std::make_unique<PostgresInquiry>(node);
}

}  // namespace onetake::ledger
