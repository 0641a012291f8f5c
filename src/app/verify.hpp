#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/control.hpp"
#include "base/clock.hpp"
#include "base/units.hpp"
#include "durable/copies.hpp"
#include "ledger/invariants.hpp"

namespace onetake::app {

/// One thing that does not hold.
struct Violation {
  std::string invariant;  ///< its name in docs/guarantees.md
  std::string subject;    ///< the id of a recording or a run, or the path of a file
  std::string detail;     ///< for a person
};

struct Verified {
  std::vector<Violation> violations;
  std::int64_t recordings = 0;
  std::int64_t runs = 0;
  std::int64_t files = 0;
  Bytes bytes = 0;                     ///< of audio, read and compared
  std::optional<std::int64_t> copies;  ///< in the storage; nothing where there is none, or it does not answer
  std::string unanswered;              ///< "" or why the storage has not told
};

/// Read-only SQL on the ledger, wherever it is open.
using AskLedger = std::function<Answer<ledger::Table>(const std::string& sql)>;

/// The durable copies behind a name: `durable::Copies::list`. Errors: the storage's own words.
using ListCopies = std::function<Answer<std::vector<durable::Listed>>(const std::string& after)>;

/// Checks every invariant over the database, whose SQL `inquiry` speaks, and the files of the data directory, while a
/// server runs or not: row by row in pages, and each published file's size and SHA-256. What changes meanwhile is asked
/// for again before it is reported. Files that nobody points to are violations once they are older than an hour at
/// `now`, and so are durable copies, which are compared where `list` is given. Errors: the database's own words.
Answer<Verified> verify(const AskLedger& ask, const ledger::Inquiry& inquiry, const std::filesystem::path& data_dir,
                        const ListCopies& list = {}, WallTime now = wall_now());

}  // namespace onetake::app
