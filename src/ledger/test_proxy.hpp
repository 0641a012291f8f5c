#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <list>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "base/fd.hpp"

namespace onetake::ledger {

/// Stands between a client and a server on loopback, and cuts the connection on cue.
class Proxy {
 public:
  enum class Cut {
    before,  ///< what was said does not reach the server
    after    ///< it does, and the server has answered, but the answer does not come back
  };

  explicit Proxy(int server_port) : server_port_(server_port) {
    sockaddr_in any = address(0);
    socklen_t size = sizeof any;
    if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&any), size) != 0 || ::listen(listener_.get(), 64) != 0)
      throw std::runtime_error("no port for the proxy");
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&any), &size);
    port_ = ntohs(any.sin_port);
    thread_ = std::thread{[this] { work(); }};
  }
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;
  ~Proxy() { close(); }

  [[nodiscard]] int port() const { return port_; }
  /// The next time that a client says `marker`.
  void cut_at(std::string marker, Cut cut) {
    const std::lock_guard lock{mutex_};
    marker_ = std::move(marker);
    cut_ = cut;
    cuts_ = 0;
  }
  [[nodiscard]] int cuts() const { return cuts_; }
  /// From now on it takes what is said and passes nothing on.
  void swallow() { swallowing_ = true; }
  /// Cuts all connections, and takes no new ones.
  void close() {
    if (!thread_.joinable()) return;
    ::eventfd_write(wake_.get(), 1);
    thread_.join();
    pairs_.clear();
    listener_ = Fd{};
  }

 private:
  struct Pair {
    Fd client;
    Fd server;
  };

  static sockaddr_in address(int port) {
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(static_cast<std::uint16_t>(port));
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
  }

  void work() {
    for (;;) {
      std::vector<pollfd> all{{wake_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
      for (const auto& pair : pairs_) {
        all.push_back({pair.client.get(), POLLIN, 0});
        all.push_back({pair.server.get(), POLLIN, 0});
      }
      if (::poll(all.data(), all.size(), -1) < 0) continue;
      if (all[0].revents != 0) return;
      std::size_t at = 2;
      for (auto it = pairs_.begin(); it != pairs_.end(); at += 2) {
        const bool alive = (all[at].revents == 0 || from_client(*it)) && (all[at + 1].revents == 0 || from_server(*it));
        it = alive ? std::next(it) : pairs_.erase(it);
      }
      if (all[1].revents != 0) accept();
    }
  }

  void accept() {
    Pair pair{Fd{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)},
              Fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)}};
    const auto to = address(server_port_);
    if (::connect(pair.server.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0)
      pairs_.push_back(std::move(pair));
  }

  /// False: this pair is done with.
  bool from_client(Pair& pair) {
    const auto said = receive(pair.client);
    if (said.empty()) return false;
    if (swallowing_) return true;
    const auto cut = cut_here(said);
    if (cut.has_value() && *cut == Cut::before) return false;
    if (!send(pair.server, said)) return false;
    if (!cut.has_value()) return true;
    receive(pair.server);  // it has answered, so it has done it
    return false;
  }
  bool from_server(Pair& pair) {
    const auto said = receive(pair.server);
    return !said.empty() && (swallowing_ || send(pair.client, said));
  }

  std::optional<Cut> cut_here(const std::string& said) {
    const std::lock_guard lock{mutex_};
    if (marker_.empty() || said.find(marker_) == std::string::npos) return std::nullopt;
    marker_.clear();
    ++cuts_;
    return cut_;
  }

  static std::string receive(const Fd& from) {
    std::array<char, 65536> bytes{};
    const auto n = ::recv(from.get(), bytes.data(), bytes.size(), 0);
    return n <= 0 ? std::string{} : std::string{bytes.data(), static_cast<std::size_t>(n)};
  }
  static bool send(const Fd& to, const std::string& bytes) {
    return ::send(to.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == std::ssize(bytes);
  }

  const int server_port_;
  int port_ = 0;
  Fd listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  Fd wake_{::eventfd(0, EFD_CLOEXEC)};
  std::mutex mutex_;
  std::string marker_;
  Cut cut_ = Cut::before;
  std::atomic<int> cuts_ = 0;
  std::atomic<bool> swallowing_ = false;
  std::list<Pair> pairs_;
  std::thread thread_;
};

}  // namespace onetake::ledger
