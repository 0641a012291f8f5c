#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

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

/// Started by this process, and ended with it.
class OwnServer {
 public:
  OwnServer() : file_((folder_.path() / "postgres.url").string()) {
    if (std::system((std::string{ONETAKE_POSTGRES_SCRIPT " start "} + file_ + " >&2").c_str()) != 0)
      throw std::runtime_error("no PostgreSQL for the tests");
  }
  OwnServer(const OwnServer&) = delete;
  OwnServer& operator=(const OwnServer&) = delete;
  ~OwnServer() {
    if (std::system((std::string{ONETAKE_POSTGRES_SCRIPT " stop "} + file_).c_str()) != 0)
      std::fputs("PostgreSQL was not stopped\n", stderr);
  }
  [[nodiscard]] std::string url() const { return first_line(file_); }

 private:
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

Schema::Schema() {
  static std::atomic<int> count;
  name_ = "test_" + std::to_string(::getpid()) + "_" + std::to_string(++count);
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

std::unique_ptr<pg::Connection> Schema::connect() const {
  return std::make_unique<pg::Connection>(pg::Target{.url = url_});
}

}  // namespace onetake::ledger
