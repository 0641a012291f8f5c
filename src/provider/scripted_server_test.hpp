#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/fd.hpp"

namespace onetake::provider::test {

/// An event that one thread announces and another waits for.
class Signal {
 public:
  void set();
  /// A wait that would never end fails the process instead of hanging it.
  void wait();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
};

/// One connection of the server, for the script to write any bytes to.
class Peer {
 public:
  explicit Peer(int fd) : fd_(fd) {}

  void send(std::string_view bytes) const;
  /// Ends the connection with a reset.
  void reset();
  void close();
  /// Until the other side has closed.
  void wait_for_close() const;
  [[nodiscard]] bool closed() const { return closed_; }

 private:
  int fd_;
  bool closed_ = false;
};

/// One request.
struct Seen {
  std::string method;
  std::string target;                         ///< path and query
  std::map<std::string, std::string> fields;  ///< names in lower case
  std::string body;                           ///< by its Content-Length

  [[nodiscard]] std::string field(const std::string& name) const {
    const auto found = fields.find(name);
    return found == fields.end() ? "" : found->second;
  }
};

/// HTTP/1.1 on a loopback port, a thread a connection: what a script says is what goes out, right or wrong.
class ScriptedServer {
 public:
  using Script = std::function<void(const Seen&, Peer&)>;

  explicit ScriptedServer(Script script);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string url(std::string_view path) const;
  [[nodiscard]] std::vector<Seen> seen() const;
  [[nodiscard]] std::vector<std::string> targets() const;
  [[nodiscard]] int connections() const;

 private:
  void accept();
  void serve(int fd);

  Script script_;
  Fd listener_;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<Seen> seen_;
  std::list<int> open_;
  int connections_ = 0;
  bool ending_ = false;
  std::list<std::thread> threads_;
  std::thread acceptor_;
};

/// "HTTP/1.1 200 OK" with these fields and a Content-Length, then the body.
std::string answer(std::string_view status, std::string_view body, std::string_view fields = {});
std::string chunk(std::string_view bytes);

}  // namespace onetake::provider::test
