#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <thread>
#include <vector>

#include "ledger/sqlite_connection.hpp"
#include "ledger/waiting.hpp"

namespace onetake::ledger {

/// Something to be done in a transaction, and somebody who waits for it.
///
///   phase      entered by                  what may follow
///   ---------  --------------------------  ----------------------------------------------------------
///   waiting    GroupCommit::add            run
///   run        the thread, in a batch      answer after the commit; or rolled back: run again, alone
///   answered   answer, or fail             nothing
class Job {
 public:
  explicit Job(bool writes) : writes_(writes) {}
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  virtual ~Job() = default;

  [[nodiscard]] bool writes() const { return writes_; }

  /// In a transaction, up to twice: only the last time's outcome counts, what the first wrote is rolled back.
  virtual void run(Connection& db) = 0;
  /// Tells the outcome of `run`.
  virtual void answer() = 0;
  virtual void fail(std::exception_ptr error) = 0;

 private:
  const bool writes_;
};

/// The thread that owns the connection. Takes whoever waits, at most `most`, and commits them together: with many
/// waiting a commit's fsync is shared, with one it is not delayed. There is no timer.
///
/// Nobody is answered before the commit. A job that throws is alone in it: the batch is rolled back and done again one
/// by one. A commit that fails fails all of its batch and is not tried again, for the fsync may have lied. Jobs that
/// only read are done first and answered at once.
class GroupCommit {
 public:
  static constexpr std::size_t most = 64;

  explicit GroupCommit(std::unique_ptr<Connection> db);
  /// Finishes what waits, then closes the database.
  ~GroupCommit();
  GroupCommit(const GroupCommit&) = delete;
  GroupCommit& operator=(const GroupCommit&) = delete;

  /// Any thread.
  void add(std::unique_ptr<Job> job);

 private:
  using Batch = std::vector<std::unique_ptr<Job>>;

  void work();
  void read(Batch& batch);
  void write(Batch& batch);
  void write_alone(Job& job);
  void move_log();

  std::unique_ptr<Connection> db_;
  Waiting<std::unique_ptr<Job>> waiting_;
  std::thread thread_;
};

}  // namespace onetake::ledger
