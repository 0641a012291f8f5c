#pragma once

#include <libpq-fe.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "ledger/ledger.hpp"
#include "ledger/postgres_clock.hpp"
#include "ledger/postgres_values.hpp"

/// The ledger on PostgreSQL. What stands here is spelled as on SQLite, and a namespace tells them apart.
namespace onetake::ledger::pg {

/// The connection is no more, or its server no longer takes writes: connect again, perhaps to another address. What was
/// not committed is not there.
class Lost : public Unavailable {
 public:
  using Unavailable::Unavailable;
};

/// Two transactions were in each other's way, and this one was undone: do it again.
class Conflict : public Unavailable {
 public:
  using Unavailable::Unavailable;
};

/// The server said no; the connection is as good as before.
class Refused : public Unavailable {
 public:
  Refused(const std::string& what, std::string state) : Unavailable(what), state_(std::move(state)) {}
  /// SQLSTATE; appendix A of PostgreSQL's manual.
  [[nodiscard]] const std::string& state() const { return state_; }

 private:
  std::string state_;
};

/// Where the server is, and how long anything may take.
struct Target {
  std::string url;                         ///< may name several hosts; the first that takes writes is used
  milliseconds connect_timeout{3'000};     ///< of each address; whole seconds
  milliseconds statement_timeout{10'000};  ///< ended by the server; by us two seconds later, if it does not
  /// A transaction whose client has stopped in the middle of it is undone after this long.
  milliseconds idle_timeout{5'000};
  WallTime (*clock)() = wall_now;  ///< this node's
};

/// One session. One thread at a time. Blocks, but never for ever: each statement has its time, and then the connection
/// is given up. Throws `Lost`, `Conflict`, `Rejected`, `Refused`.
class Connection {
 public:
  explicit Connection(const Target& target);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  /// A statement that is prepared once a session.
  template <class... Values>
  Rows select(std::string_view sql, const Values&... values) {
    return Rows{run_kept(sql, Parameters{values...})};
  }
  /// The same; returns how many rows it changed, without what triggers did.
  template <class... Values>
  int run(std::string_view sql, const Values&... values) {
    return changed(*run_kept(sql, Parameters{values...}));
  }
  /// A statement that is planned for these very values.
  Rows select_once(const std::string& sql, const Parameters& values);
  /// One row at a time, at last none: only the columns. False from `take`: that was enough, and the connection is good
  /// for nothing more.
  void select_each(const std::string& sql, const std::function<bool(const PGresult&)>& take);
  /// As a literal of SQL.
  [[nodiscard]] std::string quoted(const std::string& text) const;
  /// Any number of statements.
  Rows execute(const std::string& sql);
  /// `COPY … FROM STDIN`: `more` fills an empty chunk with whole rows of COPY's text format; it stays empty at the end.
  /// What `more` throws is thrown, and the connection is good for nothing more.
  void copy_in(const std::string& sql, const std::function<void(std::string& chunk)>& more);

  /// Also asks for the transaction's number, by which its fate can be asked for, whatever happens to this connection.
  void begin();
  void commit();
  /// `statements` and COMMIT in one message: who stops after he has said it holds nobody up. The rows of each.
  std::vector<Rows> commit_with(const std::string& statements);
  void rollback() noexcept;
  [[nodiscard]] const std::string& transaction() const { return transaction_; }
  /// Of the server's log: another one after each failover, and the numbers of transactions begin to mean others.
  [[nodiscard]] const std::string& timeline() const { return timeline_; }

  /// Of this node's clock; below zero where it is this node's that is ahead. May ask the server.
  milliseconds server_ahead();
  /// What this node's clock calls `ours` is this by the server's, which all nodes go by: what is stored, or compared
  /// with what others have stored, is told by it.
  WallTime by_server(WallTime ours) { return ours + server_ahead(); }
  /// And back, for who compares it with his own clock.
  WallTime by_node(WallTime theirs) { return theirs - server_ahead(); }

  /// The server's, as it names it: "15.14 (Debian 15.14-0+deb12u1)".
  [[nodiscard]] std::string version() const;

  /// From now on a statement may take this long.
  void take_up_to(milliseconds limit);

  [[nodiscard]] PGconn* handle() const { return connection_.get(); }

 private:
  struct Close {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  Result run_kept(std::string_view sql, const Parameters& values);
  const std::string& kept(std::string_view sql);
  /// Of each statement that was sent. REQUIRES: something was sent, or `sent` is false.
  std::vector<Result> answers(int sent);
  Result answer(int sent) { return std::move(answers(sent).back()); }
  void wait_until_readable(Deadline deadline);
  void wait_until_sent(Deadline deadline);
  void wait(bool sending, Deadline deadline);
  [[nodiscard]] std::string said() const;
  static int changed(const PGresult& result);

  std::unique_ptr<PGconn, Close> connection_;
  milliseconds limit_;
  WallTime (*clock_)();
  ServerClock server_clock_;
  std::string transaction_;
  std::string timeline_;
  std::unordered_map<std::string, std::string, Hash, std::equal_to<>> kept_;
};

}  // namespace onetake::ledger::pg
