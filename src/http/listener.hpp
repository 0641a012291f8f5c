#pragma once

#include <atomic>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <memory>
#include <string>
#include <vector>

#include "http/session.hpp"

namespace onetake::http {

/// Accepts on one address with an acceptor a loop (SO_REUSEPORT: the kernel spreads connections, and a connection lives
/// on the loop that accepted it).
class Listener {
 public:
  /// Binds. Port 0 picks a free one. Throws boost::system::system_error when the address cannot be had.
  Listener(const std::vector<std::unique_ptr<Loop>>& loops, const std::string& address, std::uint16_t port, Site& site,
           Bounds bounds);
  ~Listener();

  [[nodiscard]] asio::ip::tcp::endpoint endpoint() const { return endpoint_; }

  void start();
  /// Accepts no more; idle connections end, others with the answer under way.
  void stop();

  /// Connections that are open.
  [[nodiscard]] int open() const { return *open_; }

 private:
  struct Door;

  Task<void> accept(Door& door);
  Task<void> serve(Socket socket, Door& door);

  Site& site_;
  const Bounds bounds_;
  asio::ip::tcp::endpoint endpoint_;
  std::vector<std::unique_ptr<Door>> doors_;
  /// Of the connections too, which may outlive this: a loop has their last word.
  const std::shared_ptr<std::atomic<int>> open_ = std::make_shared<std::atomic<int>>(0);
};

}  // namespace onetake::http
