#pragma once

#include <expected>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "base/fd.hpp"
#include "ledger/ledger.hpp"

/// How other commands reach the process that holds a data directory, since only one may open the database.
/// `control.sock` (0600) carries one JSON object a line, request and answer by turns:
///
///   {"verb": "query", "sql": "SELECT …"}   {"columns": ["a", …], "rows": [["1", null], …]}
///   {"verb": "migrate"}                    {"from": 1, "to": 1}
///   {"verb": "ping"}                       {"pid": 123}
///   anything that fails                    {"error": "for a person"}
namespace onetake::app {

/// An answer that is not there: for a person.
template <class T>
using Answer = std::expected<T, std::string>;

struct Schema {
  int from = 0;
  int to = 0;
};

/// What the holder does for others. Called on the control thread, one at a time; each may block (`wait_for`) and throw.
struct ControlVerbs {
  std::function<Answer<ledger::Table>(const std::string& sql)> query;
  std::function<Answer<Schema>()> migrate;
};

/// Listens from construction to destruction, on a thread of its own.
class ControlServer {
 public:
  /// REQUIRES: this process holds the directory (`Instance`): a socket that is left from before is removed.
  /// Throws std::system_error when it cannot listen.
  ControlServer(const std::filesystem::path& data_dir, ControlVerbs verbs);
  /// Finishes the request that is under way.
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  void run();
  void serve(int connection);
  [[nodiscard]] std::string answer(const std::string& line) const;

  std::filesystem::path path_;
  ControlVerbs verbs_;
  Fd listener_;
  Fd ended_;  ///< an eventfd
  std::thread thread_;
};

/// The other side.
class ControlClient {
 public:
  /// Nothing when nobody listens.
  static std::optional<ControlClient> connect(const std::filesystem::path& data_dir);

  Answer<ledger::Table> query(const std::string& sql);
  Answer<Schema> migrate();
  /// The PID of who answers.
  Answer<int> ping();

 private:
  explicit ControlClient(Fd socket) : socket_(std::move(socket)) {}
  Answer<std::string> ask(const std::string& line);

  Fd socket_;
};

}  // namespace onetake::app
