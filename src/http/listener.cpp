#include "http/listener.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>

#include "base/log.hpp"

namespace onetake::http {

using asio::ip::tcp;
using Acceptor = asio::basic_socket_acceptor<tcp, Executor>;
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

namespace {

/// Also where what it stands for ends in an exception: whoever drains waits for the count.
class Counted {
 public:
  explicit Counted(std::shared_ptr<std::atomic<int>> count) : count_(std::move(count)) { ++*count_; }
  ~Counted() { --*count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::shared_ptr<std::atomic<int>> count_;
};

}  // namespace

/// One loop's acceptor and its connections.
struct Listener::Door {
  explicit Door(Loop& l) : loop(l), acceptor(l.get_executor()) {}

  Loop& loop;
  Acceptor acceptor;
  bool stopped = false;
  boost::intrusive::list<
      Session,
      boost::intrusive::base_hook<boost::intrusive::list_base_hook<
          boost::intrusive::tag<Session>, boost::intrusive::link_mode<boost::intrusive::auto_unlink>>>,
      boost::intrusive::constant_time_size<false>>
      sessions;
};

Listener::Listener(const std::vector<std::unique_ptr<Loop>>& loops, const std::string& address, std::uint16_t port,
                   Site& site, Bounds bounds)
    : site_(site), bounds_(bounds), endpoint_(asio::ip::make_address(address), port) {
  for (const auto& loop : loops) {
    auto door = std::make_unique<Door>(*loop);
    door->acceptor.open(endpoint_.protocol());
    door->acceptor.set_option(asio::socket_base::reuse_address(true));
    // The first one binds alone, so that another server on the port is an error and not a partner.
    if (!doors_.empty()) door->acceptor.set_option(ReusePort(true));
    boost::system::error_code taken;
    door->acceptor.bind(endpoint_, taken);
    if (taken)
      throw std::runtime_error("cannot listen on " + address + ':' + std::to_string(port) + ": " + taken.message() +
                               " (server.listen)");
    if (doors_.empty()) door->acceptor.set_option(ReusePort(true));
    endpoint_ = door->acceptor.local_endpoint();
    door->acceptor.listen(4096);
    doors_.push_back(std::move(door));
  }
}

Listener::~Listener() = default;

void Listener::start() {
  for (const auto& door : doors_) door->loop.spawn(accept(*door));
}

void Listener::stop() {
  for (const auto& door : doors_) {
    asio::post(door->loop, [&door = *door] {
      boost::system::error_code ignored;
      door.stopped = true;
      door.acceptor.close(ignored);
      for (auto it = door.sessions.begin(); it != door.sessions.end();) (it++)->close_if_idle();
    });
  }
}

Task<void> Listener::accept(Door& door) {
  while (!door.stopped) {
    auto [error, socket] = co_await door.acceptor.async_accept(asio::as_tuple(use_task));
    if (door.stopped) co_return;
    if (error) {
      // Out of descriptors: those who are served go on, and their ends make room.
      log::error("http.accept_failed", "cannot accept a connection", {{"error", error.message()}});
      co_await sleep_for(milliseconds{100});
      continue;
    }
    door.loop.spawn(serve(std::move(socket), door));
  }
}

Task<void> Listener::serve(Socket socket, Door& door) {
  const Counted counted{open_};
  try {
    Session session{std::move(socket), site_, bounds_};
    door.sessions.push_back(session);
    co_await session.run();
  } catch (const std::exception& error) {
    log::error("http.failed", "a connection ended in an exception", {{"error", error.what()}});
  }
}

}  // namespace onetake::http
