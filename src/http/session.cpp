// The one translation unit that knows Beast, and of Beast only the parser: all of it costs 34 s to compile.
#undef BOOST_BEAST_SEPARATE_COMPILATION
#include "http/session.hpp"

#include <sys/sendfile.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <cerrno>
#include <cstring>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "http/parser.hpp"

namespace onetake::http {
namespace {

using metrics::Series;

constexpr auto as_result = asio::as_tuple(use_task);
/// After so much of a file others on this loop have their turn, however fast this client reads.
constexpr Bytes most_at_once = 512_KiB;
/// The room for a body's pieces behind the longest head.
constexpr std::size_t body_room = 4096;

Fault fault_of(const boost::beast::error_code& error) {
  if (error == beast::error::body_limit) return Fault::payload_too_large;
  if (error == beast::error::header_limit || error == beast::error::buffer_overflow) return Fault::header_too_large;
  return Fault::bad_request;
}

/// IMF-fixdate of now, made once a second.
std::string_view date_now() {
  thread_local std::chrono::seconds made_at{-1};
  thread_local std::string text;
  const auto now = wall_now();
  if (const auto second = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()); second != made_at) {
    made_at = second;
    text = http_date(now);
  }
  return text;
}

/// Nothing for a body that has no length of its own.
std::optional<Bytes> length_of(const Answer& answer) {
  if (const auto* text = std::get_if<std::string>(&answer.body)) return text->size();
  if (const auto* text = std::get_if<std::string_view>(&answer.body)) return text->size();
  if (const auto* part = std::get_if<FilePart>(&answer.body)) return part->length;
  if (const auto* streamed = std::get_if<Streamed>(&answer.body)) return streamed->length;
  return 0;
}

}  // namespace

/// A body of unknown length: each piece is a chunk (RFC 9112 section 7.1). The line that ends a chunk goes out with the
/// size of the next, so that no packet is sent for it alone.
class Session::Chunks final : public Out {
 public:
  explicit Chunks(Session& session) : session_(session) {}

  Task<bool> send(std::string_view bytes, bool more) override {
    if (bytes.empty()) co_return true;
    const bool open = co_await begin(bytes.size());
    if (!open) co_return false;
    co_return co_await session_.send(bytes, more);
  }
  Task<bool> send_file(int fd, Bytes offset, Bytes length, const std::atomic<bool>* withdrawn) override {
    if (length == 0) co_return true;
    const bool open = co_await begin(length);
    if (!open) co_return false;
    co_return co_await session_.send_file(fd, offset, length, withdrawn);
  }
  Task<bool> end() {
    const std::string_view last = any_ ? "\r\n0\r\n\r\n" : "0\r\n\r\n";
    return session_.send(last, false);
  }

 private:
  Task<bool> begin(Bytes size) {
    line_ = any_ ? "\r\n" : "";
    append_number(line_, size, 16);
    line_ += "\r\n";
    any_ = true;
    return session_.send(line_, true);
  }

  Session& session_;
  std::string line_;
  bool any_ = false;
};

Session::Session(Socket socket, Site& site, const Bounds& bounds)
    : socket_(std::move(socket)),
      site_(site),
      bounds_(bounds),
      input_size_(bounds.head + body_room),
      input_(std::make_unique_for_overwrite<char[]>(input_size_)) {}

Task<void> Session::run() {
  Loop::of(socket_.get_executor()).watch(*this);
  boost::system::error_code error;
  socket_.non_blocking(true, error);
  socket_.set_option(asio::ip::tcp::no_delay(true), error);
  auto next = Next::another;
  while (next == Next::another) next = co_await one_request();
  if (next == Next::linger) co_await linger();
  deadline = never;
  socket_.close(error);
}

void Session::close_if_idle() {
  boost::system::error_code ignored;
  if (idle_) socket_.close(ignored);
}

void Session::on_deadline() {
  boost::system::error_code ignored;
  deadline = never;
  // Whoever waits for this socket goes on with an error. A client that has not taken all of an answer must not take the
  // connection's end for its end.
  if (sending_)
    reset();
  else
    socket_.close(ignored);
}

Task<Session::Next> Session::one_request() {
  keep_input_from(0);
  Parser parser{input_.get(), input_.get() + input_size_};
  parser.header_limit(static_cast<std::uint32_t>(bounds_.head));
  parser.body_limit(bounds_.body);
  std::size_t body_at = 0;  // the head stays where it is until the request has been answered
  bool begun = input_begin_ < input_end_;
  bool begun_line = false;
  bool continued = false;
  while (!parser.is_done()) {
    boost::beast::error_code error = beast::error::need_more;
    if (!begun_line) {  // an empty line before it is none of it (RFC 9112 section 2.2)
      while (input_begin_ < input_end_ && (input_[input_begin_] == '\r' || input_[input_begin_] == '\n'))
        ++input_begin_;
      begun_line = input_begin_ < input_end_;
    }
    if (input_begin_ < input_end_)
      input_begin_ += parser.put(asio::buffer(input_.get() + input_begin_, input_end_ - input_begin_), error);
    if (error && error != beast::error::need_more) co_return co_await refuse(fault_of(error));
    if (body_at == 0) {
      // Beast limits what it is shown at once: a head of many small fields would pass it by in pieces.
      if (input_begin_ > bounds_.head) co_return co_await refuse(Fault::header_too_large);
      if (parser.is_header_done()) body_at = input_begin_;
    }
    if (!error) continue;

    if (body_at > 0) {
      keep_input_from(body_at);
      if (!continued && input_begin_ == input_end_ && parser.expects_continue()) {
        continued = true;
        if (!co_await send("HTTP/1.1 100 Continue\r\n\r\n", false)) co_return Next::close;
      }
    }
    if (input_end_ == input_size_) co_return co_await refuse(Fault::header_too_large);
    idle_ = !begun;
    if (deadline == never) deadline = in(idle_ ? bounds_.idle : bounds_.head_in);
    const auto [failed, n] =
        co_await socket_.async_read_some(asio::buffer(input_.get() + input_end_, input_size_ - input_end_), as_result);
    if (std::exchange(idle_, false)) deadline = never;
    if (failed || n == 0) co_return Next::close;
    input_end_ += n;
    begun = true;
  }
  deadline = never;
  if (!parser.well_framed()) co_return co_await refuse(Fault::bad_request);

  const Request& request = parser.request();
  auto answer = site_.at_once(request);
  if (!answer) answer = co_await site_.answer(request);
  bool keep_alive = parser.keep_alive() && !site_.draining();
  const bool written = co_await write(request, *answer, keep_alive);
  if (!written) co_return Next::close;
  co_return keep_alive&& socket_.is_open() ? Next::another : Next::linger;
}

Task<Session::Next> Session::refuse(Fault fault) {
  const Request unknown;
  Answer refusal = site_.refuse(fault);
  bool keep_alive = false;
  const bool written = co_await write(unknown, refusal, keep_alive);
  co_return written ? Next::linger : Next::close;
}

/// What has not been parsed moves to `place`, or stays where it is if that is earlier.
void Session::keep_input_from(std::size_t place) {
  if (input_begin_ <= place) return;
  std::memmove(input_.get() + place, input_.get() + input_begin_, input_end_ - input_begin_);
  input_end_ -= input_begin_ - place;
  input_begin_ = place;
}

Task<bool> Session::write(const Request& request, Answer& answer, bool& keep_alive) {
  auto* const streamed = std::get_if<Streamed>(&answer.body);
  const auto length = length_of(answer);
  const bool chunked = !length && !request.http10;
  if (!length && !chunked) keep_alive = false;

  head_ = "HTTP/1.1 ";
  append_number(head_, static_cast<std::uint64_t>(answer.status));
  head_.append(" ").append(reason_phrase(answer.status)).append("\r\nDate: ").append(date_now()).append("\r\n");
  head_ += answer.fields;
  if (answer.status != 204 && answer.status != 304) {
    if (length) {
      head_ += "Content-Length: ";
      append_number(head_, *length);
      head_ += "\r\n";
    } else if (chunked) {
      head_ += "Transfer-Encoding: chunked\r\n";
    }
  }
  if (!keep_alive) {
    head_ += "Connection: close\r\n";
  } else if (request.http10) {
    head_ += "Connection: keep-alive\r\n";
  }
  head_ += "\r\n";

  const bool bodiless = request.is_head() || answer.status == 204 || answer.status == 304;
  const auto* const part = bodiless ? nullptr : std::get_if<FilePart>(&answer.body);
  const auto* const text = bodiless ? nullptr : std::get_if<std::string_view>(&answer.body);
  if (const auto* own = std::get_if<std::string>(&answer.body); own != nullptr && !bodiless) head_ += *own;
  const bool more = (part != nullptr && part->length > 0) || text != nullptr ||
                    (streamed != nullptr && !bodiless && streamed->at_hand());

  // Mostly the socket takes all of it at once, without another coroutine.
  std::string_view head = head_;
  const auto pushed = push(head, more);
  if (pushed == Pushed::failed) co_return false;
  if (pushed == Pushed::full) {
    const bool sent = co_await send(head, more);
    if (!sent) co_return false;
  }
  if (part != nullptr) {
    auto rest = *part;
    const auto sent = push_file(rest.file->file.get(), rest.offset, rest.length, &rest.file->withdrawn);
    if (sent != Pushed::full) co_return sent == Pushed::all;
    const metrics::OneMore listener{Series::listeners, {"ready"}};
    const bool open = co_await writable();
    if (!open) co_return false;
    co_return co_await send_file(rest.file->file.get(), rest.offset, rest.length, &rest.file->withdrawn);
  }
  if (text != nullptr) co_return co_await send(*text, false);
  if (streamed != nullptr && !bodiless) co_return co_await write_streamed(*streamed, chunked);
  co_return true;
}

Task<bool> Session::write_streamed(Streamed& body, bool chunked) {
  Chunks chunks{*this};
  auto end = End::cut;
  try {
    end = co_await body.write(chunked ? static_cast<Out&>(chunks) : *this);
  } catch (const std::exception& error) {
    log::error("http.failed", "a body ended in an exception", {{"error", error.what()}});
  }
  if (end == End::cut) {
    reset();
    co_return false;
  }
  if (!chunked) co_return true;
  co_return co_await chunks.end();
}

Session::Pushed Session::push(std::string_view& bytes, bool more) {
  while (!bytes.empty()) {
    const auto n = ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno != EINTR) {
      return errno == EAGAIN ? Pushed::full : Pushed::failed;
    }
  }
  return Pushed::all;
}

Session::Pushed Session::push_file(int fd, Bytes& offset, Bytes& length, const std::atomic<bool>* withdrawn) {
  static const metrics::Counter audio_sent{Series::http_bytes_sent};
  for (const Bytes left = length - std::min(length, most_at_once); length > left;) {
    if (withdrawn != nullptr && *withdrawn) {
      reset();
      return Pushed::failed;
    }
    auto at = static_cast<off_t>(offset);
    const auto n = ::sendfile(socket_.native_handle(), fd, &at, length - left);
    if (n > 0) {
      audio_sent.add(static_cast<double>(n));
      offset += static_cast<Bytes>(n);
      length -= static_cast<Bytes>(n);
    } else if (n == 0) {
      log::error("blob.cut", "a file is shorter than it was");
      reset();
      return Pushed::failed;
    } else if (errno != EINTR) {
      return errno == EAGAIN ? Pushed::full : Pushed::failed;
    }
  }
  return length == 0 ? Pushed::all : Pushed::full;
}

Task<bool> Session::send(std::string_view bytes, bool more) {
  for (;;) {
    const auto pushed = push(bytes, more);
    if (pushed != Pushed::full) co_return pushed == Pushed::all;
    if (!co_await writable()) co_return false;
  }
}

Task<bool> Session::send_file(int fd, Bytes offset, Bytes length, const std::atomic<bool>* withdrawn) {
  for (;;) {
    const auto pushed = push_file(fd, offset, length, withdrawn);
    if (pushed != Pushed::full) co_return pushed == Pushed::all;
    if (!co_await writable()) co_return false;
  }
}

Task<bool> Session::writable() {
  deadline = in(bounds_.write_in);
  sending_ = true;
  const auto [error] = co_await socket_.async_wait(Socket::wait_write, as_result);
  sending_ = false;
  deadline = never;
  co_return !error;
}

/// Closing with unread input makes the kernel send a reset, which may destroy the answer on its way (RFC 9112
/// section 9.6).
Task<void> Session::linger() {
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  deadline = in(std::chrono::seconds{2});
  for (std::size_t read = 0; read < 4 * bounds_.body;) {
    const auto [failed, n] = co_await socket_.async_read_some(asio::buffer(input_.get(), input_size_), as_result);
    if (failed || n == 0) break;
    read += n;
  }
}

/// The peer sees an error, never the end of a body.
void Session::reset() {
  boost::system::error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  socket_.close(ignored);
}

}  // namespace onetake::http
