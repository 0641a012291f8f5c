#pragma once

#include <memory>
#include <optional>
#include <variant>

#include "base/offload.hpp"
#include "base/result.hpp"
#include "run/fillings.hpp"
#include "run/join.hpp"
#include "stream/evictor.hpp"
#include "stream/quarantine.hpp"
#include "stream/shelf.hpp"

namespace onetake::stream {

/// Still arriving: the flight keeps it alive, `audio` has the bytes. Or `published`, and on its way back from its
/// durable copy: then all that answers say of it is known, and stays.
struct Arriving {
  std::shared_ptr<run::Flight> flight;
  std::shared_ptr<const run::Live> live;
  std::string etag;
  std::optional<Bytes> total;  ///< nothing only where `Wait::for_total` was not asked for
  bool published = false;
};

/// Nothing to hear yet.
struct Pending {
  run::Flight::View view;
};

/// To be had from another node: whole, or, with `pending`, as it arrives there.
struct Elsewhere {
  std::vector<std::string> nodes;  ///< by their URLs, whoever is most likely to have it open first
  std::optional<run::Flight::View> pending;
  bool durable = false;  ///< whole: there is a durable copy too, for where `Wait::nobody_answers`
};

/// Not to be had, and why.
struct Refused {
  Failure failure;
  std::optional<milliseconds> retry_after;
  int provider_status = 0;
};

using Opened = std::variant<std::shared_ptr<const Ready>, Arriving, Pending, Elsewhere, Refused>;

/// How long a request is ready to wait before it is told that there is nothing to hear yet.
struct Wait {
  Deadline until = Deadline::min();  ///< in the past: not at all
  bool for_total = false;            ///< an answer with a Range needs to know the whole length
  bool nobody_answers = false;       ///< the other nodes that have it were asked: a durable copy is better than them
};

/// A recording's name in, its bytes out: from the shelf, from the disk, or from the fetch that is under way or begun.
/// The one place where the order of checks of contract section 5 stands, from 404 on. Any loop.
///
/// What is ready is looked for on the shelf, on this disk, at living nodes, and in its durable copy, in this order.
class Streams {
 public:
  /// A node that is silent for longer than `node_silence` has nothing. `fillings` may be null: then there is no durable
  /// storage.
  Streams(ledger::Ledger& ledger, blob::Store& store, Offload& disk, run::Join& join, Shelf& shelf, Evictor& evictor,
          Quarantine& quarantine, run::Join::Admission admission, milliseconds node_silence,
          run::Fillings* fillings = nullptr);

  /// Only what needs neither the database nor the disk: for the hot path.
  [[nodiscard]] std::shared_ptr<const Ready> on_shelf(const Key& key) { return shelf_.find(key, wall_now()); }

  /// Throws when the database is down.
  Task<Opened> open(Key key, bool explicit_action, Wait wait, ledger::AskedBy by = ledger::AskedBy::play);

 private:
  Task<std::optional<Opened>> ready(Key key, const Recording& recording, std::uint64_t epoch, Wait wait);
  Task<std::optional<Opened>> elsewhere(Key key, const Recording& recording, Wait wait);
  Task<std::optional<Opened>> bring_back(std::shared_ptr<run::Filling> filling, Wait wait, bool joined);
  Task<std::shared_ptr<const Ready>> take_down(Key key, const Recording& recording, std::uint64_t epoch);
  Task<std::optional<Opened>> follow(std::shared_ptr<run::Flight> flight, Wait wait);

  ledger::Ledger& ledger_;
  blob::Store& store_;
  Offload& disk_;
  run::Join& join_;
  Shelf& shelf_;
  Evictor& evictor_;
  Quarantine& quarantine_;
  const run::Join::Admission admission_;
  const milliseconds node_silence_;
  run::Fillings* const fillings_;
};

/// How a failed run is told to whoever asks for the recording.
Refused refused(const Setback& setback, std::optional<milliseconds> retry_after);

}  // namespace onetake::stream
