// Beside session.cpp the one translation unit that knows Beast, and of Beast only the parser.
#undef BOOST_BEAST_SEPARATE_COMPILATION
#include "http/neighbour.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/url/parse.hpp>
#include <limits>
#include <utility>

#include "base/loop.hpp"

namespace onetake::http {
namespace {

namespace beast = boost::beast::http;
using asio::ip::tcp;

constexpr auto as_result = asio::as_tuple(use_task);

/// Puts the head together and keeps the body until somebody takes it.
class AnswerParser final : public beast::basic_parser<false> {
 public:
  int status = 0;
  std::string fields;
  std::string etag;
  std::string content_range;
  std::string content_type;
  std::string body;

 private:
  using Error = boost::beast::error_code;
  using Text = boost::beast::string_view;

  void on_response_impl(int code, Text, int, Error&) override { status = code; }
  void on_field_impl(beast::field name, Text name_text, Text value, Error&) override {
    if (is_header_done()) return;
    switch (name) {
      case beast::field::connection:
      case beast::field::content_length:
      case beast::field::date:
      case beast::field::keep_alive:
      case beast::field::server:
      case beast::field::transfer_encoding:
        return;
      case beast::field::etag:
        etag = std::string{value};
        break;
      case beast::field::content_range:
        content_range = std::string{value};
        break;
      case beast::field::content_type:
        content_type = std::string{value};
        break;
      default:
        break;
    }
    fields.append(name_text.data(), name_text.size()).append(": ").append(value.data(), value.size()).append("\r\n");
  }
  std::size_t on_body_impl(Text bytes, Error&) override {
    body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  std::size_t on_chunk_body_impl(std::uint64_t, Text bytes, Error& error) override {
    return on_body_impl(bytes, error);
  }
  void on_request_impl(beast::verb, Text, Text, int, Error&) override {}
  void on_header_impl(Error&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Error&) override {}
  void on_chunk_header_impl(std::uint64_t, Text, Error&) override {}
  void on_finish_impl(Error&) override {}
};

class Connected final : public Neighbour, public Timed {
 public:
  explicit Connected(const Executor& executor) : socket_(executor), resolver_(executor) {
    Loop::of(executor).watch(*this);
    parser_.eager(true);
    parser_.body_limit(std::numeric_limits<std::uint64_t>::max());
  }

  /// Errors: as `ask`.
  Task<std::optional<std::string>> begin(Call call);

  [[nodiscard]] int status() const override { return parser_.status; }
  [[nodiscard]] const std::string& fields() const override { return parser_.fields; }
  [[nodiscard]] std::string_view etag() const override { return parser_.etag; }
  [[nodiscard]] std::string_view content_range() const override { return parser_.content_range; }
  [[nodiscard]] std::string_view content_type() const override { return parser_.content_type; }
  [[nodiscard]] std::optional<Bytes> length() const override {
    const auto length = parser_.content_length();
    return length ? std::optional<Bytes>{*length} : std::nullopt;
  }
  Task<std::optional<std::string>> read(milliseconds within) override;

 private:
  void on_deadline() override {
    boost::system::error_code ignored;
    deadline = never;
    late_ = true;
    resolver_.cancel();
    socket_.close(ignored);
  }
  Task<bool> receive();

  asio::basic_stream_socket<tcp, Executor> socket_;
  asio::ip::basic_resolver<tcp, Executor> resolver_;
  AnswerParser parser_;
  std::array<char, 65536> buffer_;
  std::size_t kept_ = 0;
  bool late_ = false;
};

std::string_view view(boost::core::string_view text) { return {text.data(), text.size()}; }

Task<std::optional<std::string>> Connected::begin(Call call) {
  const auto url = boost::urls::parse_uri(call.url);
  if (!url) co_return "its URL cannot be read";
  parser_.skip(call.method == "HEAD");
  std::string host{view(url->encoded_host_address())};
  std::string port = url->has_port() ? std::string{view(url->port())} : "80";
  deadline = in(call.connect_in);
  auto [unknown, places] = co_await resolver_.async_resolve(host, port, as_result);
  if (unknown) co_return unknown.message();
  if (late_) co_return "its name was not found in time";  // Asio gives up only a look-up that has not begun
  auto [unreached, place] = co_await asio::async_connect(socket_, places, as_result);
  if (unreached) co_return unreached.message();
  boost::system::error_code ignored;
  socket_.set_option(tcp::no_delay{true}, ignored);
  deadline = in(call.head_in);
  const std::string text = call.method + ' ' + call.target +
                           " HTTP/1.1\r\nHost: " + std::string{view(url->encoded_host_and_port())} +
                           "\r\nConnection: close\r\n" + call.fields + "\r\n";
  auto [unsent, sent] = co_await asio::async_write(socket_, asio::buffer(text), as_result);
  if (unsent) co_return unsent.message();
  while (!parser_.is_header_done()) {
    const bool more = co_await receive();
    if (!more) co_return "it ended the connection, or did not answer in time";
  }
  deadline = never;
  co_return std::nullopt;
}

/// Some more of the answer. False: it broke off, or is no answer.
Task<bool> Connected::receive() {
  auto [error, n] =
      co_await socket_.async_read_some(asio::buffer(buffer_.data() + kept_, buffer_.size() - kept_), as_result);
  boost::system::error_code wrong;
  if (error == asio::error::eof) {
    if (!parser_.is_header_done()) co_return false;
    parser_.put_eof(wrong);
    co_return !wrong && parser_.is_done();
  }
  if (error) co_return false;
  const auto available = kept_ + n;
  std::size_t used = 0;
  while (used < available && !parser_.is_done()) {
    const auto taken = parser_.put(asio::buffer(buffer_.data() + used, available - used), wrong);
    used += taken;
    if (wrong == beast::error::need_more) wrong = {};
    if (wrong) co_return false;
    if (taken == 0) break;
  }
  kept_ = available - used;
  std::copy_n(buffer_.data() + used, kept_, buffer_.data());
  co_return kept_ < buffer_.size();
}

Task<std::optional<std::string>> Connected::read(milliseconds within) {
  deadline = in(within);
  bool more = true;
  while (more && parser_.body.empty() && !parser_.is_done()) more = co_await receive();
  deadline = never;  // it is the client who takes its time
  if (parser_.body.empty() && !parser_.is_done()) co_return std::nullopt;
  co_return std::exchange(parser_.body, {});
}

}  // namespace

Task<std::expected<std::shared_ptr<Neighbour>, std::string>> Neighbour::ask(Call call) {
  const auto connected = std::make_shared<Connected>(co_await asio::this_coro::executor);
  auto failed = co_await connected->begin(std::move(call));
  if (failed) co_return std::unexpected(*std::move(failed));
  co_return connected;
}

}  // namespace onetake::http
