#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "base/temp_folder.hpp"
#include "ledger/test_postgres.hpp"

namespace onetake::ledger {
namespace {

std::string first_line(const std::string& file) {
  std::ifstream in{file};
  std::string line;
  std::getline(in, line);
  return line;
}

/// Started by this process, and ended with it, however it ends.
class OwnServer {
 public:
  OwnServer() : file_((folder_.path() / "postgres.url").string()) {
    if (!script("start", file_ + " " + std::to_string(::getpid())))
      throw std::runtime_error("no PostgreSQL for the tests");
  }
  OwnServer(const OwnServer&) = delete;
  OwnServer& operator=(const OwnServer&) = delete;
  ~OwnServer() {
    if (!script("stop", file_)) std::fputs("PostgreSQL was not stopped\n", stderr);
  }
  [[nodiscard]] std::string url() const { return first_line(file_); }

 private:
  static bool script(const std::string& verb, const std::string& arguments) {
    const auto command = ONETAKE_POSTGRES_SCRIPT " " + verb + " " + arguments + " >&2";
    return std::system(command.c_str()) == 0;
  }

  TempFolder folder_;
  std::string file_;
};

std::string find_server() {
  const char* said = std::getenv("ONETAKE_POSTGRES");
  if (said != nullptr && *said != '\0') {
    if (*said != '@') return said;
    if (auto url = first_line(said + 1); !url.empty()) return url;
  }
  static const OwnServer own;
  return own.url();
}

}  // namespace

const std::string& postgres_server() {
  static const std::string url = find_server();
  return url;
}

namespace {

std::string new_name() {
  static std::atomic<int> count;
  return "test_" + std::to_string(::getpid()) + "_" + std::to_string(++count);
}

}  // namespace

Schema::Schema() : name_(new_name()) {
  pg::Connection{{.url = postgres_server()}}.execute("CREATE SCHEMA " + name_);
  url_ = postgres_server() + "?options=-csearch_path%3D" + name_;
}

Schema::~Schema() {
  try {
    pg::Connection{{.url = postgres_server()}}.execute("DROP SCHEMA " + name_ + " CASCADE");
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
  }
}

std::string Schema::url_by_port(int port) const {
  auto url = url_;
  const auto colon = url.find(':', url.find('@'));
  const auto slash = url.find('/', colon);
  return url.replace(colon + 1, slash - colon - 1, std::to_string(port));
}

int Schema::port() const { return std::stoi(url_.substr(url_.find(':', url_.find('@')) + 1)); }

void until_somebody_waits_for(pg::Connection& holder, const Schema& schema) {
  const auto look = schema.connect();
  const auto pid = PQbackendPID(holder.handle());
  for (bool waits = false; !waits; std::this_thread::yield()) {
    auto rows = look->select(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE $1::integer = ANY (pg_blocking_pids(pid)))", pid);
    rows.next();
    waits = rows.truth();
  }
}

std::unique_ptr<pg::Connection> Schema::connect() const {
  return std::make_unique<pg::Connection>(pg::Target{.url = url_});
}

}  // namespace onetake::ledger
