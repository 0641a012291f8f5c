#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/loop.hpp"
#include "base/offload.hpp"
#include "blob/store.hpp"
#include "durable/copies.hpp"
#include "ledger/ledger.hpp"
#include "run/flights.hpp"
#include "run/worker.hpp"

namespace onetake::run {

/// A ready recording on its way back from its durable copy.
///
///   phase    entered by             what a listener sees
///   -------  ---------------------  --------------------------------------------------------------------------------
///   asked    Fillings::open         nothing yet
///   filling  the first bytes        `flight.live`: as a fetch, with the fields that the pointer has
///   ended    all of it, or its end  `flight.ended`, and `end` says how; what was sent of a copy that is not what it
///                                   should be ends before its last byte
class Filling {
 public:
  enum class End {
    filled,       ///< the file is here
    moved_on,     ///< the recording was erased or replaced meanwhile
    spoiled,      ///< the copy was missing, or another: it is no more, and the ledger is to be asked again
    no_room,      ///< on this disk
    unavailable,  ///< the storage, the disk or the database
  };

  Filling(const Recording& recording, Media media);

  /// Of no run that could be joined; `withdrawn` where the recording was erased or replaced.
  const std::shared_ptr<Flight> flight;
  const RecordingId recording;
  const Key key;
  const Media media;
  /// REQUIRES: the flight has ended.
  [[nodiscard]] End end() const { return end_; }

 private:
  friend class Fillings;
  End end_ = End::unavailable;
  bool doubted_ = false;  ///< one read has not matched
};

/// Brings recordings back from their durable copies: single flight, one a recording, however many ask. No run, no cycle
/// and no question to the provider. Published only after every byte was compared with the pointer's SHA-256. A copy is
/// given up where the storage itself has said that there is none, or where it did not match when it was read once more:
/// it may be the only one, and what came may have been somebody else's answer.
/// Any loop; the coroutines live on one.
class Fillings {
 public:
  /// `most` is how long one may take.
  Fillings(Loop& loop, ledger::Ledger& ledger, blob::Store& store, Offload& disk, Flights& flights, MakeRoom make_room,
           durable::Copies& copies, milliseconds most);

  /// Joins it, or begins it. REQUIRES: `media`, of which the ledger says that there is a durable copy.
  std::shared_ptr<Filling> open(const Recording& recording);
  /// Null when none is under way.
  [[nodiscard]] std::shared_ptr<Filling> find(const RecordingId& recording, const std::string& blob) const;

  /// Another node may have erased or replaced what is under way: then it is withdrawn. Tells how many are. Asks nobody
  /// where nothing is under way. Throws when the database is down.
  Task<int> look();

 private:
  Task<void> fill(std::shared_ptr<Filling> filling);
  Task<Filling::End> bring(std::shared_ptr<Filling> filling);
  Task<std::optional<Filling::End>> make_room(std::shared_ptr<Filling> filling, durable::Until until);
  Task<Filling::End> give_up(std::shared_ptr<Filling> filling, Setback why);
  Task<bool> is_ours(std::shared_ptr<Filling> filling);
  Task<Filling::End> take_off(std::shared_ptr<Filling> filling);

  Loop& loop_;
  ledger::Ledger& ledger_;
  blob::Store& store_;
  Offload& disk_;
  Flights& flights_;
  const MakeRoom make_room_;
  durable::Copies& copies_;
  const milliseconds most_;
  mutable std::mutex mutex_;
  std::unordered_map<RecordingId, std::shared_ptr<Filling>> by_recording_;
};

}  // namespace onetake::run
