// The one translation unit that knows Beast, and of Beast only the parser: all of it costs 34 s to compile.
#undef BOOST_BEAST_SEPARATE_COMPILATION
#include "http/session.hpp"

#include <sys/sendfile.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cerrno>
#include <charconv>

#include "base/log.hpp"
#include "base/metrics.hpp"

namespace onetake::http {
namespace {

namespace beast = boost::beast::http;
using Parser = beast::request_parser<beast::string_body>;
using metrics::Series;

constexpr auto as_result = asio::as_tuple(use_task);
/// What one sendfile may take: others on this loop wait as long.
constexpr Bytes most_at_once = 1_MiB;

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

std::optional<Field> known(beast::field name) {
  switch (name) {
    case beast::field::accept:
      return Field::accept;
    case beast::field::access_control_request_method:
      return Field::access_control_request_method;
    case beast::field::authorization:
      return Field::authorization;
    case beast::field::cookie:
      return Field::cookie;
    case beast::field::host:
      return Field::host;
    case beast::field::if_match:
      return Field::if_match;
    case beast::field::if_modified_since:
      return Field::if_modified_since;
    case beast::field::if_none_match:
      return Field::if_none_match;
    case beast::field::if_range:
      return Field::if_range;
    case beast::field::if_unmodified_since:
      return Field::if_unmodified_since;
    case beast::field::origin:
      return Field::origin;
    case beast::field::prefer:
      return Field::prefer;
    case beast::field::range:
      return Field::range;
    case beast::field::sec_fetch_dest:
      return Field::sec_fetch_dest;
    case beast::field::sec_fetch_mode:
      return Field::sec_fetch_mode;
    default:
      return std::nullopt;
  }
}

/// Those that Beast has no name for.
std::optional<Field> known(std::string_view name) {
  const auto is = [name](std::string_view other) {
    return std::ranges::equal(name, other, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
  };
  if (is("x-user-action")) return Field::x_user_action;
  if (is("sec-purpose") || is("purpose")) return Field::sec_purpose;
  return std::nullopt;
}

Request request_of(const Parser& parser) {
  const auto& message = parser.get();
  Request request;
  request.method = view(message.method_string());
  request.target = view(message.target());
  const auto question = request.target.find('?');
  request.path = request.target.substr(0, question);
  if (question != std::string_view::npos) request.query = request.target.substr(question + 1);
  request.body = message.body();
  request.http10 = message.version() < 11;
  request.began = Monotonic::now();
  for (const auto& field : message) {
    auto name = known(field.name());
    if (!name && field.name() == beast::field::unknown) name = known(view(field.name_string()));
    if (!name) continue;
    auto& kept = request.fields[static_cast<std::size_t>(*name)];
    if (kept.empty()) kept = view(field.value());
  }
  return request;
}

/// What the parser lets pass and RFC 9112 does not (sections 3.2, 6.1, 6.3): behind a proxy it could hide a second
/// request.
bool well_framed(const Parser& parser) {
  const auto& message = parser.get();
  const bool http10 = message.version() < 11;
  const auto hosts = message.count(beast::field::host);
  if (hosts > 1 || (hosts == 0 && !http10)) return false;
  return message.count(beast::field::transfer_encoding) == 0 || (parser.chunked() && !http10);
}

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

void append_number(std::string& out, std::uint64_t number, int base = 10) {
  std::array<char, 20> digits{};
  const auto [end, _] = std::to_chars(digits.data(), digits.data() + digits.size(), number, base);
  out.append(digits.data(), end);
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
    : socket_(std::move(socket)), site_(site), bounds_(bounds), input_(bounds.head) {
  metrics::add(Series::http_connections);
}

Session::~Session() { metrics::add(Series::http_connections, {}, -1); }

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
  socket_.close(ignored);  // whoever waits for this socket goes on with an error
}

Task<Session::Next> Session::one_request() {
  Parser parser;
  parser.eager(false);  // one put takes the head's end or the body's, so that the head can be counted
  parser.header_limit(static_cast<std::uint32_t>(bounds_.head));
  parser.body_limit(bounds_.body);
  bool begun = input_begin_ < input_end_;
  bool continued = false;
  std::size_t head = 0;  // bytes of it that the parser has taken
  deadline = in(begun ? bounds_.head_in : bounds_.idle);
  while (!parser.is_done()) {
    if (input_begin_ == input_end_) {
      idle_ = !begun;
      if (!continued && parser.is_header_done() && parser.get().version() >= 11 &&
          lists_token(view(parser.get()[beast::field::expect]), "100-continue")) {
        continued = true;
        if (!co_await send("HTTP/1.1 100 Continue\r\n\r\n", false)) co_return Next::close;
      }
      const bool more = co_await more_input();
      idle_ = false;
      if (!more) co_return Next::close;
      if (!begun) deadline = in(bounds_.head_in);
      begun = true;
    }
    boost::beast::error_code error;
    const bool in_head = !parser.is_header_done();
    const auto taken = parser.put(asio::buffer(input_.data() + input_begin_, input_end_ - input_begin_), error);
    input_begin_ += taken;
    // Beast limits what it is shown at once: a head of many small fields would pass it by in pieces.
    if (in_head) head += taken;
    if (head > bounds_.head && (!error || error == beast::error::need_more)) error = beast::error::header_limit;
    if (error == beast::error::need_more) {
      error = {};
      if (input_begin_ > 0) {  // what is not consumed moves to the front, to be seen again with what follows
        std::copy(input_.begin() + static_cast<std::ptrdiff_t>(input_begin_),
                  input_.begin() + static_cast<std::ptrdiff_t>(input_end_), input_.begin());
        input_end_ -= input_begin_;
        input_begin_ = 0;
      }
      if (input_end_ == input_.size()) error = beast::error::header_limit;
      if (!error && input_end_ > 0) {
        const bool more = co_await more_input();
        if (!more) co_return Next::close;
      }
    }
    if (error) {
      co_return co_await refuse(fault_of(error));
    }
  }
  deadline = never;
  if (!well_framed(parser)) co_return co_await refuse(Fault::bad_request);

  const Request request = request_of(parser);
  Answer answer = co_await site_.answer(request);
  bool keep_alive = parser.keep_alive() && !site_.draining();
  if (!co_await write(request, answer, keep_alive)) co_return Next::close;
  co_return keep_alive&& socket_.is_open() ? Next::another : Next::linger;
}

Task<Session::Next> Session::refuse(Fault fault) {
  const Request unknown;
  Answer refusal = site_.refuse(fault);
  bool keep_alive = false;
  const bool written = co_await write(unknown, refusal, keep_alive);
  co_return written ? Next::linger : Next::close;
}

Task<bool> Session::more_input() {
  if (input_begin_ == input_end_) input_begin_ = input_end_ = 0;
  const auto [error, n] =
      co_await socket_.async_read_some(asio::buffer(input_.data() + input_end_, input_.size() - input_end_), as_result);
  input_end_ += n;
  co_return !error && n > 0;
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

  if (request.is_head() || answer.status == 204 || answer.status == 304) co_return co_await send(head_, false);
  if (auto* const part = std::get_if<FilePart>(&answer.body)) {
    if (!co_await send(head_, part->length > 0)) co_return false;
    co_return co_await send_file(part->file->file.get(), part->offset, part->length, &part->file->withdrawn);
  }
  if (streamed != nullptr) {
    if (!co_await send(head_, true)) co_return false;
    co_return co_await write_streamed(*streamed, chunked);
  }
  if (const auto* const text = std::get_if<std::string>(&answer.body)) head_ += *text;
  if (const auto* const text = std::get_if<std::string_view>(&answer.body)) {
    if (!co_await send(head_, true)) co_return false;
    co_return co_await send(*text, false);
  }
  co_return co_await send(head_, false);
}

Task<bool> Session::write_streamed(Streamed& body, bool chunked) {
  Chunks chunks{*this};
  const auto end = co_await body.write(chunked ? static_cast<Out&>(chunks) : *this);
  if (end == End::cut) {
    reset();
    co_return false;
  }
  if (!chunked) co_return true;
  co_return co_await chunks.end();
}

Task<bool> Session::send(std::string_view bytes, bool more) {
  while (!bytes.empty()) {
    const auto n = ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      if (!co_await writable()) co_return false;
    } else if (errno != EINTR) {
      co_return false;
    }
  }
  co_return true;
}

Task<bool> Session::send_file(int fd, Bytes offset, Bytes length, const std::atomic<bool>* withdrawn) {
  auto at = static_cast<off_t>(offset);
  while (length > 0) {
    if (withdrawn != nullptr && *withdrawn) {
      reset();
      co_return false;
    }
    const auto n = ::sendfile(socket_.native_handle(), fd, &at, std::min(length, most_at_once));
    if (n > 0) {
      length -= static_cast<Bytes>(n);
    } else if (n == 0) {
      log::error("blob.cut", "a file is shorter than it was");
      reset();
      co_return false;
    } else if (errno == EAGAIN) {
      if (!co_await writable()) co_return false;
    } else if (errno != EINTR) {
      co_return false;
    }
  }
  co_return true;
}

Task<bool> Session::writable() {
  deadline = in(bounds_.write_in);
  const auto [error] = co_await socket_.async_wait(Socket::wait_write, as_result);
  deadline = never;
  co_return !error;
}

/// Closing with unread input makes the kernel send a reset, which may destroy the answer on its way (RFC 9112
/// section 9.6).
Task<void> Session::linger() {
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  deadline = in(std::chrono::seconds{2});
  input_begin_ = input_end_ = 0;
  for (std::size_t read = 0; read < 4 * bounds_.body;) {
    input_begin_ = input_end_ = 0;
    if (!co_await more_input()) break;
    read += input_end_;
  }
}

/// The peer sees an error, never the end of a body.
void Session::reset() {
  boost::system::error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  socket_.close(ignored);
}

}  // namespace onetake::http
