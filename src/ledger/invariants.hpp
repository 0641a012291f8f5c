#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "ledger/ledger.hpp"

namespace onetake::ledger {

/// What must hold of every row, whatever happened: docs/guarantees.md as SQL. Each holds within one row and what
/// belongs to it, so that a page can be asked for while the server runs and is one moment's truth.
struct Invariant {
  std::string_view name;
  std::string_view meaning;  ///< for the person who reads that it is violated
  std::string_view violated;
};

/// As a literal of SQL. Ids are ours, but they come from a table that may be broken.
std::string quoted(const std::string& text);
/// The id of the recording that a published file or a durable copy is of: its name begins with it.
std::string recording_of(const std::string& blob);

/// What `onetake verify` asks a database, in the database's own SQL. Pages go on behind an id; "" is the beginning.
class Inquiry {
 public:
  virtual ~Inquiry() = default;

  /// How many rows at a time.
  [[nodiscard]] virtual int page_size() const = 0;

  /// Of a recording `r`, and of a run `u`.
  [[nodiscard]] virtual std::span<const Invariant> of_recordings() const = 0;
  [[nodiscard]] static std::span<const Invariant> of_runs();
  /// `SELECT id, <a column 0 or 1 an invariant> …`: the next `limit` rows by id.
  [[nodiscard]] std::string recordings_page(const std::string& after, int limit) const;
  [[nodiscard]] static std::string runs_page(const std::string& after, int limit);

  /// Asks for the tables, indexes and triggers that this build makes: what forbids at all times what the invariants
  /// look for afterwards.
  [[nodiscard]] virtual std::string schema() const = 0;
  /// What is wrong with them, by name.
  [[nodiscard]] virtual std::map<std::string, std::string> schema_faults(const Table& answer) const = 0;

  /// `id, blob, bytes, sha256`: the published files that this node has, the next by the id of their recording.
  [[nodiscard]] virtual std::string files_page(const std::string& after, int limit) const = 0;
  /// The same of one recording.
  [[nodiscard]] virtual std::string file_of(const std::string& recording) const = 0;
  /// `id, blob, bytes`: recordings that have a durable copy, the next by their ids.
  [[nodiscard]] static std::string copies_page(const std::string& after, int limit);
  /// The same of one recording.
  [[nodiscard]] static std::string copy_of(const std::string& recording);
  /// A row if the object is a recording's durable copy, or stands on the list of those to be removed.
  [[nodiscard]] static std::string accounts_for_object(const std::string& blob);

  /// Those of these files that are a recording's on this node, or stand on the list of those to be removed from it.
  [[nodiscard]] virtual std::string accounted_of(const std::vector<std::string>& blobs) const = 0;

 protected:
  /// "('…', '…')": the blobs, and their recordings.
  static std::string in(const std::vector<std::string>& blobs);
  static std::string of_in(const std::vector<std::string>& blobs);
};

const Inquiry& sqlite_inquiry();
/// `node`: whose files. "" has none.
std::unique_ptr<const Inquiry> postgres_inquiry(const std::string& node);

}  // namespace onetake::ledger
