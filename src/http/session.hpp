#pragma once

#include <atomic>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/intrusive/list.hpp>
#include <memory>
#include <optional>
#include <string>

#include "base/loop.hpp"
#include "base/metrics.hpp"
#include "base/result.hpp"
#include "http/answer.hpp"
#include "http/request.hpp"

namespace onetake::http {

using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;

/// What answers requests. Any loop.
class Site {
 public:
  virtual ~Site() = default;
  /// Never throws. `request` lives until the answer has been sent.
  virtual Task<Answer> answer(const Request& request) = 0;
  /// What needs nobody to be waited for, and so no coroutine; nothing: `answer` is asked. Never throws.
  virtual std::optional<Answer> at_once(const Request&) { return std::nullopt; }
  /// For what could not be parsed.
  virtual Answer refuse(Fault fault) = 0;
  /// The server is stopping: connections end with the answer under way.
  [[nodiscard]] virtual bool draining() const = 0;
};

/// How patient a connection is, and how much it takes.
struct Bounds {
  std::size_t head = 16'384;
  std::size_t body = 65'536;
  milliseconds idle{75'000};      ///< between requests; longer than the 60 s of usual load balancers
  milliseconds head_in{15'000};   ///< from the first byte of a request to the end of its head and body
  milliseconds write_in{60'000};  ///< a client that takes nothing for this long is cut
};

/// One connection, HTTP/1.1 or 1.0, on one loop. Requests are answered one after the other, in the order in which they
/// came, pipelined or not. Bytes of files go from the page cache to the socket and never through here.
class Session final
    : public Timed,
      public Out,
      public boost::intrusive::list_base_hook<boost::intrusive::tag<Session>,
                                              boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  Session(Socket socket, Site& site, const Bounds& bounds);

  /// Returns when the connection is closed.
  Task<void> run();

  /// Ends the connection if nothing is under way on it. On its loop.
  void close_if_idle();

  Task<bool> send(std::string_view bytes, bool more) override;
  Task<bool> send_file(int fd, Bytes offset, Bytes length, const std::atomic<bool>* withdrawn) override;

 private:
  class Chunks;
  enum class Next { another, close, linger };
  enum class Pushed { all, full, failed };

  void on_deadline() override;
  Task<Next> one_request();
  Task<Next> refuse(Fault fault);
  /// Clears `keep_alive` where only the connection's end tells the body's.
  Task<bool> write(const Request& request, Answer& answer, bool& keep_alive);
  Task<bool> write_streamed(Streamed& body, bool chunked);
  void keep_input_from(std::size_t place);
  /// What the socket takes at once, off the front.
  Pushed push(std::string_view& bytes, bool more);
  Pushed push_file(int fd, Bytes& offset, Bytes& length, const std::atomic<bool>* withdrawn);
  Task<bool> writable();
  Task<void> linger();
  void reset();

  Socket socket_;
  Site& site_;
  const Bounds& bounds_;
  const std::size_t input_size_;
  const std::unique_ptr<char[]> input_;  // not zeroed: a connection takes memory for what it sends
  std::size_t input_begin_ = 0;
  std::size_t input_end_ = 0;
  std::string head_;
  const metrics::OneMore connected_{metrics::Series::http_connections};
  bool idle_ = false;
  bool sending_ = false;  ///< waits for the client to take more of an answer
};

}  // namespace onetake::http
