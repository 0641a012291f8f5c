#pragma once

#include <string>

#include "story/server.hpp"

namespace onetake::story {

/// A PostgreSQL schema of one story's own, for any number of servers; gone with it. The database server is the one
/// that ONETAKE_POSTGRES names, as the ledger's tests have it.
class SharedDatabase {
 public:
  SharedDatabase();
  ~SharedDatabase();
  SharedDatabase(const SharedDatabase&) = delete;
  SharedDatabase& operator=(const SharedDatabase&) = delete;

  [[nodiscard]] const std::string& url() const { return url_; }

  /// The settings of a node on it, and `more`. Leases, silences and sweeps are short.
  [[nodiscard]] Server::Settings node(const Server::Settings& more = {}) const;

  /// What one statement says, a row a line, columns parted by "|".
  [[nodiscard]] std::string ask(const std::string& sql) const;

 private:
  std::string server_;
  std::string name_;
  std::string url_;
};

}  // namespace onetake::story
