#pragma once

#include <memory>
#include <string>

#include "ledger/conformance.hpp"
#include "ledger/postgres_connection.hpp"
#include "ledger/postgres_ledger.hpp"

namespace onetake::ledger {

/// The URL of the server that the tests share. ONETAKE_POSTGRES has it, or "@" and a file with it in its first line;
/// where there is none, this process starts one of its own and ends it when it ends.
const std::string& postgres_server();

/// A schema of one test's own, and gone with it: quicker to make than a database.
class Schema {
 public:
  Schema();
  Schema(const Schema&) = delete;
  Schema& operator=(const Schema&) = delete;
  ~Schema();

  [[nodiscard]] const std::string& name() const { return name_; }
  /// Of the schema; with another host and port, where a test puts something between.
  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] std::string url_by_port(int port) const;
  [[nodiscard]] int port() const;
  /// A connection beside the ledger's: to look, or to be in the way.
  [[nodiscard]] std::unique_ptr<pg::Connection> connect() const;

 private:
  std::string name_;
  std::string url_;
};

/// Blocks until somebody waits for a lock that `holder` has. An event of the server's, looked for until it is there.
void until_somebody_waits_for(pg::Connection& holder, const Schema& schema);

class PostgresEngine final : public Engine {
 public:
  /// As patient as a test that asks ten thousand things at once has to be.
  std::unique_ptr<Ledger> open() override {
    return open_postgres(schema_.url(), {.node = "http://one", .pool = 4, .patience = milliseconds{60'000}});
  }

 private:
  Schema schema_;
};

}  // namespace onetake::ledger
