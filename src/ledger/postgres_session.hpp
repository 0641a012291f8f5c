#pragma once

#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "ledger/postgres_connection.hpp"

namespace onetake::ledger::pg {

/// A thread's connection: made when it is needed, made anew when it was lost, perhaps to another address. What two
/// transactions did to each other is repeated, and so is what a lost connection has undone: a few times, and not once
/// the time of a statement has passed. One thread.
class Session {
 public:
  explicit Session(Target target) : target_(std::move(target)) {}

  /// `work(db)`, outside of a transaction: it only reads, or each of its statements may be said again.
  template <class Work>
  auto again(const Work& work) -> std::invoke_result_t<const Work&, Connection&>;

  /// `work(db)` in a transaction, which takes effect once. Where the answer to COMMIT is lost the server is asked, by
  /// the transaction's number, whether it is in; where it cannot tell, `Unavailable` is thrown.
  template <class Work>
  auto once(const Work& work) -> std::invoke_result_t<const Work&, Connection&>;

  /// What `together` has sent and committed.
  struct Sent {
    std::string transaction;                ///< its number
    std::optional<std::vector<Rows>> rows;  ///< of each statement; nothing where it is in, and its answer was lost
  };
  /// As `once`, for statements that hold what everybody waits for: those that `statements(db)` tells are sent together
  /// with their COMMIT, so that no client that stops between the two can hold it longer.
  Sent together(const std::function<std::string(Connection& db)>& statements);

  [[nodiscard]] const Target& target() const { return target_; }

 private:
  /// How often something is tried, and for how long.
  struct Tries {
    Deadline end;
    int losses = 0;
    int conflicts = 0;
  };
  /// A transaction whose COMMIT was sent.
  struct Doubt {
    std::string transaction;
    std::string timeline;
  };

  Connection& connected();
  /// After `Lost` and `Conflict`: returns when it may be tried again, else throws what is being handled.
  void lost(Tries& tries);
  void conflicted(Tries& tries);
  bool committed(const Doubt& doubt);
  /// `work(db, doubt)` in a transaction, until it is in; `work` says in `doubt` that it is about to send COMMIT.
  void transact(const std::function<void(Connection& db, std::optional<Doubt>& doubt)>& work);

  Target target_;
  std::optional<Connection> connection_;
};

template <class Work>
auto Session::again(const Work& work) -> std::invoke_result_t<const Work&, Connection&> {
  for (Tries tries{in(target_.statement_timeout)};;) {
    try {
      return work(connected());
    } catch (const Lost&) {
      lost(tries);
    } catch (const Conflict&) {
      conflicted(tries);
    }
  }
}

template <class Work>
auto Session::once(const Work& work) -> std::invoke_result_t<const Work&, Connection&> {
  std::optional<std::invoke_result_t<const Work&, Connection&>> outcome;
  transact([&](Connection& db, std::optional<Doubt>& doubt) {
    outcome.emplace(work(db));
    doubt = Doubt{db.transaction(), db.timeline()};
    db.commit();
  });
  return std::move(*outcome);
}

}  // namespace onetake::ledger::pg
