#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "run/worker.hpp"
#include "signal/hints.hpp"

namespace onetake::run {

/// What a Play came to.
struct Joined {
  ledger::Found found = ledger::Found::nothing;
  Recording recording;             ///< unless nothing; of a joined flight only `id` and `run` are sure
  std::shared_ptr<Flight> flight;  ///< fetching, created
  WallTime retry_at;               ///< cooling_down, too_many_retries
  bool unattended = false;         ///< fetching, created: it is queued, and no worker lives who could claim it
};

/// Single flight: however many press Play on a recording in this process, one asks the database, and while a fetch is
/// under way nobody does.
///
///   where it looks, in order               what it finds
///   ------------------------------------   --------------------------------------------------------------------
///   a flight of this process               joined, nobody else is asked
///   a Play of this process on its way      waits for what that one brings
///   `Hints`: a run of another node         asks the ledger for that run, and joins it if it is active; else the
///                                          hint is taken away and counts for nothing
///   the ledger: admission                  under its lock, and final
///
/// Without hints, or where nobody answers them, the third row is not there. Hints are told after the commit that made
/// or found the run, and taken away when its flight ends here.
class Join {
 public:
  struct Admission {
    int max_attempts = 5;
    int per_tenant = 0;  ///< so many running of a tenant on all nodes; 0: any number
    milliseconds failure_cooldown{30'000};
    milliseconds retention{0};
    bool works = true;  ///< false for role api: runs are queued for somebody else
    /// A worker that has been silent for so long is none; but one may be about to start while we have not been up for
    /// as long ourselves.
    milliseconds no_worker_after{60'000};
  };

  /// `hints` may be null. It outlives `flights`, which tells it of every run that ends.
  Join(ledger::Ledger& ledger, Flights& flights, Worker& worker, Admission admission, signal::Hints* hints = nullptr);

  /// Any loop. Throws when the database is down, to everyone who waited for the same answer.
  Task<Joined> play(Key key, bool explicit_action, ledger::AskedBy by = ledger::AskedBy::play);

 private:
  struct Pending;
  using Question = std::pair<Key, ledger::AskedBy>;

  Task<Joined> join(Key key, bool explicit_action, ledger::AskedBy by);
  static void count_joined(const Key& key, Flight& flight);
  Task<Joined> look_around(Key key, bool explicit_action, ledger::AskedBy by);
  Task<std::shared_ptr<Flight>> hinted(Key key, bool explicit_action, ledger::AskedBy by);
  Task<Joined> ask(Key key, bool explicit_action, ledger::AskedBy by);
  Task<Joined> promote(Key key, std::shared_ptr<Flight> flight);
  Task<bool> unattended(std::shared_ptr<Flight> flight);
  std::shared_ptr<Flight> begun_for_others(const Key& key, const Recording& recording);
  Task<std::shared_ptr<Flight>> flight_of(Key key, const Recording& recording);

  ledger::Ledger& ledger_;
  Flights& flights_;
  Worker& worker_;
  const Admission admission_;
  signal::Hints* const hints_;
  const Monotonic::time_point began_ = Monotonic::now();
  std::mutex mutex_;
  Monotonic::time_point manned_at_;  ///< somebody worked on the queue then
  std::map<Question, std::shared_ptr<Pending>> pending_;
};

}  // namespace onetake::run
