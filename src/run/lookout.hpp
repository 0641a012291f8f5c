#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_set>
#include <vector>

#include "base/loop.hpp"
#include "base/waiters.hpp"
#include "ledger/ledger.hpp"
#include "run/flights.hpp"

namespace onetake::run {

/// Follows, in a ledger that nodes share, the runs that people here wait for and no attempt here has in hand: which
/// node fetches them, how far they have come, and how they ended. One question for all of them, every `every`, and at
/// once for those of which somebody tells; however many there are, it takes a fifth of the time at most. Whom nobody
/// waits for is let go, and nothing is asked.
///
/// What had arrived here of a run that another node has taken up is given up: whoever listens to it goes on there.
class Lookout {
 public:
  /// `loop` is the worker's. A node that is silent for longer than `node_silence` has nothing in hand.
  Lookout(Loop& loop, ledger::Ledger& ledger, Flights& flights, milliseconds every, milliseconds node_silence);

  /// On the loop's thread or before it runs.
  void start();
  /// For good, as soon as it does nothing. Any thread.
  void stop();
  /// This run was taken up, or has ended; without one: any may have. Any thread.
  void look(std::optional<RunId> run = {});
  /// Somebody begins to follow this run: it is looked at if it has been taken up already. That may have been told
  /// before there was a flight to tell it to, for the answer to a Play can be overtaken. Any thread.
  void follow(const Run& run);

 private:
  Task<void> watch();
  Task<void> ask(std::optional<std::set<RunId>> runs);
  std::vector<std::shared_ptr<Flight>> wanted(const std::optional<std::set<RunId>>& runs);
  void tell(const std::shared_ptr<Flight>& flight, std::uint64_t change, ledger::Seen seen);

  Loop& loop_;
  ledger::Ledger& ledger_;
  Flights& flights_;
  const milliseconds every_;
  const milliseconds node_silence_;
  std::mutex mutex_;
  Waiters waiters_{mutex_};  ///< for what is told
  bool stopped_ = false;
  bool told_ = false;          ///< of all
  std::set<RunId> told_runs_;  ///< of these
  /// The newest that were told, in two lots, of which the older one goes.
  std::unordered_set<RunId> early_, earlier_;
};

}  // namespace onetake::run
