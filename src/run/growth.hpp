#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "base/waiters.hpp"
#include "ledger/files.hpp"
#include "run/blob_name.hpp"
#include "run/flight.hpp"

namespace onetake::run {

class Copier;

/// One attempt, as its durable copy sees it: what arrives, under the name that it will be published by. On the worker's
/// loop.
///
///   until                      the copy
///   -------------------------  ------------------------------------------------------------------------
///   it is heard, and is large  has not begun
///   the attempt's end          grows, in parts that nobody can read; another version begins another copy
///   `published`                is completed, if it is of what was published; else the copier makes it from the file
///   its end without that       is aborted
class Growth {
 public:
  Growth(std::shared_ptr<Flight> flight, BlobName name, std::int64_t token);
  Growth(const Growth&) = delete;
  Growth& operator=(const Growth&) = delete;

  /// The pointer to it is committed.
  void published(ledger::Uncopied file);
  /// Nothing more will come by this attempt. Any number of times.
  void over();

 private:
  friend class Copier;

  /// Something other than `last` that is heard and worth while; null when the attempt is over.
  Task<std::shared_ptr<const Live>> worth_while(std::shared_ptr<const Live> last, Bytes from);
  /// Suspends until the attempt is over; then what was published, if anything.
  Task<std::optional<ledger::Uncopied>> outcome();
  [[nodiscard]] bool ended();
  [[nodiscard]] std::string name_of(const Live& live) const { return name_.str(token_, live.version); }

  const std::shared_ptr<Flight> flight_;
  const BlobName name_;
  const std::int64_t token_;
  std::string growing_;  ///< the name under which it does; "" for none
  std::stop_source stop_;
  std::mutex mutex_;
  Waiters waiters_{mutex_};  ///< for `over_`
  bool over_ = false;
  std::optional<ledger::Uncopied> published_;
};

}  // namespace onetake::run
