#include "ledger/postgres_session.hpp"

#include <array>
#include <random>
#include <thread>

#include "base/log.hpp"

namespace onetake::ledger::pg {
namespace {

/// Before the second, the third … try. A server that takes over needs a moment; one that is down is told at once.
constexpr std::array<milliseconds, 3> after_loss{milliseconds{0}, milliseconds{50}, milliseconds{250}};
constexpr int most_conflicts = 10;

void pause(milliseconds span) { std::this_thread::sleep_for(span); }

/// Those who were in each other's way do not come back together.
milliseconds jitter() {
  thread_local std::minstd_rand random{std::random_device{}()};
  return milliseconds{std::uniform_int_distribution<int>{1, 20}(random)};
}

}  // namespace

Connection& Session::connected() {
  if (!connection_) connection_.emplace(target_);
  return *connection_;
}

void Session::lost(Tries& tries) {
  connection_.reset();
  if (static_cast<std::size_t>(tries.losses) == after_loss.size() || Monotonic::now() >= tries.end)
    throw;  // cppcheck-suppress rethrowNoCurrentException  // called by a handler
  pause(after_loss.at(static_cast<std::size_t>(tries.losses++)));
}

void Session::conflicted(Tries& tries) {
  if (++tries.conflicts == most_conflicts || Monotonic::now() >= tries.end)
    throw;  // cppcheck-suppress rethrowNoCurrentException  // likewise
  pause(jitter());
}

void Session::transact(const std::function<void(Connection& db, std::optional<Doubt>& doubt)>& work) {
  for (Tries tries{in(target_.statement_timeout)};;) {
    std::optional<Doubt> doubt;
    try {
      Connection& db = connected();
      db.begin();
      work(db, doubt);
      return;
    } catch (const Lost&) {
      connection_.reset();
      if (doubt && committed(*doubt)) return;
      lost(tries);
    } catch (const Conflict&) {
      connection_->rollback();
      conflicted(tries);
    } catch (...) {
      if (connection_) connection_->rollback();
      throw;
    }
  }
}

Session::Sent Session::together(const std::function<std::string(Connection& db)>& statements) {
  Sent sent;
  transact([&](Connection& db, std::optional<Doubt>& doubt) {
    const auto sql = statements(db);
    doubt = Doubt{db.transaction(), db.timeline()};
    sent.transaction = db.transaction();
    sent.rows = db.commit_with(sql);
  });
  return sent;
}

bool Session::committed(const Doubt& doubt) {
  const auto is_in = again([&](Connection& db) -> std::optional<bool> {
    if (db.timeline() != doubt.timeline) return std::nullopt;
    // Until the server has noticed that its client is gone: longer than it waits for one is not needed.
    for (const Deadline end = in(target_.idle_timeout + target_.statement_timeout); Monotonic::now() < end;) {
      auto rows = db.select("SELECT coalesce(pg_xact_status($1::xid8), 'forgotten')", doubt.transaction);
      rows.next();
      const auto status = rows.text();
      if (status == "committed") return true;
      if (status == "aborted") return false;
      if (status != "in progress") return std::nullopt;
      pause(milliseconds{10});
    }
    return std::nullopt;
  });
  if (!is_in) throw Unavailable("ledger: the connection was lost during a commit, and nobody knows whether it is in");
  log::warn("ledger.commit", "the connection was lost during a commit; found out whether it is in",
            {{"committed", *is_in}});
  return *is_in;
}

}  // namespace onetake::ledger::pg
