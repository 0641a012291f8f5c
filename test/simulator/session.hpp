#pragma once

#include <functional>
#include <memory>
#include <string>

#include "simulator/house.hpp"
#include "simulator/plan.hpp"

namespace onetake::simulator {

/// One connection. On the loop's thread. Held by the coroutines that serve it.
class Session : public std::enable_shared_from_this<Session> {
 public:
  using Socket = asio::basic_stream_socket<Tcp, Executor>;

  Session(House& house, Socket socket);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Serves until the connection ends. REQUIRES: something holds the session until then.
  Task<void> serve();
  /// Whoever waits here looks again.
  void ring() { bell_.cancel(); }
  /// Cuts the connection.
  void drop();

 private:
  class Transfer;

  Task<std::optional<Request>> read_request();
  Task<bool> reply(Reply reply, bool keep);
  Task<bool> transfer(Media media, Request request);
  /// Sends the plan's body. False if the client left.
  Task<bool> send_body(const Plan& plan, Transfer& transfer);
  Task<void> delivered();
  /// Notices that the client leaves while nothing is sent.
  static Task<void> watch(std::shared_ptr<Session> session);
  /// Something came while nothing was expected: the client's end, or its next request.
  void look();

  /// Suspends until the condition holds or the client has gone; false if it has. Looks when rung and at `deadline`.
  Task<bool> wait_until(std::function<bool()> condition, Deadline deadline = never);
  Task<bool> wait_for(milliseconds span);
  Task<bool> wait_at(const std::string& barrier, Transfer& transfer);
  Task<bool> write(std::string_view bytes, std::size_t& written);

  House& house_;
  House::Guest guest_{house_};
  Socket socket_;
  asio::basic_waitable_timer<Monotonic, asio::wait_traits<Monotonic>, Executor> bell_;
  std::string input_;
  bool gone_ = false;
};

}  // namespace onetake::simulator
