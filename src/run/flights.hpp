#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/waiters.hpp"
#include "run/flight.hpp"

namespace onetake::run {

/// Every active run that this process knows of: the first thing that a Play asks. Any thread.
class Flights {
 public:
  [[nodiscard]] std::shared_ptr<Flight> find(const RecordingId& recording) const;
  /// The flight that an earlier Play with this very key joined; knows keys only while their flight lasts.
  [[nodiscard]] std::shared_ptr<Flight> find(const Key& key) const;

  /// Who opens a flight: the one who will end it, or one who saw its run in the database and has yet to ask whether it
  /// is still there.
  enum class By { worker, onlooker };

  /// Suspends until a flight is found by this key, if only for a moment, at most until `deadline`; null: none was.
  Task<std::shared_ptr<Flight>> opened(Key key, Deadline deadline);

  /// Called for every key by which a flight was known here, when its run has ended: not under the lock, on the thread
  /// that closes it. Set before anything flies.
  using Landed = std::function<void(const Key&, const RunId&)>;
  void on_landing(Landed landed) { on_landing_ = std::move(landed); }

  /// Called for every run that somebody here begins to follow as an onlooker, on the thread of whoever opens its
  /// flight, not under the lock. Set before anything flies.
  using Followed = std::function<void(const Run&)>;
  void on_following(Followed followed) { on_following_ = std::move(followed); }

  /// The flight of `recording.run`, made if there is none. An earlier run's is replaced: it stops and ends here, for
  /// its run has ended, and whoever follows it asks again; a later run's stays, and what is returned then nobody else
  /// can find. REQUIRES: `recording.run` was active a moment ago.
  std::shared_ptr<Flight> open(const Recording& recording, By by);
  /// From now on `find(key)` knows the flight.
  void alias(const Key& key, const std::shared_ptr<Flight>& flight);

  /// The run has ended: nobody joins any more, those who listen see it.
  void close(const std::shared_ptr<Flight>& flight, Run run);
  /// An onlooker could not ask: nobody may hold on to a flight that nobody will end. A worker's stays.
  void doubt(const std::shared_ptr<Flight>& flight);

  /// These runs were cancelled or erased in the ledger. What says so may overtake the answer to a Play or a claim that
  /// was before it: a flight may yet be opened for one of them.
  void call_off(const std::vector<RunId>& runs);
  /// Was this run called off? REQUIRES: its flight is open, so that whoever calls it off from now on finds it.
  [[nodiscard]] bool called_off(const RunId& run) const;

  /// The recording was erased or replaced: nobody is sent any more of what came for it, by runs of cycles up to
  /// `last_cycle`. What is on its way back from a durable copy stops.
  void withdraw(const RecordingId& recording, int last_cycle);
  /// A file of that cycle is no more: nobody is sent any more of what it arrived as, or of what came before. What is on
  /// its way back is not that file.
  void withdraw_file(const RecordingId& recording, int cycle);

  /// A flight that nobody joins by its run: what it brings is of a recording that is ready. It is known as long as
  /// somebody holds on to it.
  void land(const std::shared_ptr<Flight>& flight);

  /// Somebody holds on to what came, or comes, for it.
  [[nodiscard]] bool followed(const RecordingId& recording) const;

  [[nodiscard]] std::vector<std::shared_ptr<Flight>> all() const;

  /// Forgets the onlookers' flights that nobody holds on to any more: whoever presses Play next asks the ledger.
  void let_go();

 private:
  struct Listed {
    std::shared_ptr<Flight> flight;
    std::vector<Key> keys;  ///< by which it is known too
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  std::shared_ptr<Flight> listed(const RecordingId& recording) const;
  template <class Which>
  std::vector<std::shared_ptr<Flight>> withdraw_some(const RecordingId& recording, int last_cycle, Which of_landed);
  std::vector<Key> erase(const std::shared_ptr<Flight>& flight);
  std::vector<Key> forget(const Listed& listed);

  Landed on_landing_;
  Followed on_following_;
  mutable std::mutex mutex_;
  std::unordered_map<RecordingId, Listed> by_recording_;
  std::unordered_map<Key, RecordingId, KeyHash> by_key_;
  /// The newest ones: an answer is overtaken by moments.
  std::deque<RunId> called_off_;
  /// A key that somebody watches, and what has been found by it. Whoever sets it takes it off the list.
  struct Watched {
    std::shared_ptr<Flight> flight;
  };
  std::unordered_map<Key, std::shared_ptr<Watched>, KeyHash> watched_;
  Waiters watchers_{mutex_};
  /// Ended, while somebody may still be listening.
  std::unordered_multimap<RecordingId, std::weak_ptr<Flight>> landed_;
};

}  // namespace onetake::run
