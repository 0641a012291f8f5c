#include "simulator/session.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <charconv>

namespace onetake::simulator {

using boost::system::error_code;

/// A media request under way, in the counters from its head to its end.
class Session::Transfer {
 public:
  Transfer(House& house, std::shared_ptr<Hosted> hosted) : house_(house), hosted_(std::move(hosted)) {}
  ~Transfer() {
    house_.note(*hosted_, [this](Counters& c) {
      --c.active;
      ++c.ended;
      if (aborted) ++c.aborted;
    });
  }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  /// Counted before they go out: a client that has them all finds them all counted.
  void sends(Bytes bytes) {
    house_.note(*hosted_, [bytes](Counters& c) { c.bytes_sent += bytes; });
  }
  void did_not_send(Bytes bytes) {
    house_.note(*hosted_, [bytes](Counters& c) { c.bytes_sent -= bytes; });
  }
  void held(const std::string& barrier) {
    house_.note(*hosted_, [&](Counters& c) { ++c.held[barrier]; });
  }
  void let_go(const std::string& barrier) {
    house_.note(*hosted_, [&](Counters& c) {
      if (--c.held[barrier] == 0) c.held.erase(barrier);
    });
  }
  [[nodiscard]] bool released(const std::string& barrier) const {
    const std::lock_guard lock{house_.mutex};
    return hosted_->released.contains(barrier);
  }

  bool aborted = true;  ///< until the answer is out

 private:
  House& house_;
  std::shared_ptr<Hosted> hosted_;
};

namespace {

/// How much may be sent by now so that the rate holds; from the moment of its making.
class Pace {
 public:
  explicit Pace(Bytes bytes_per_second) : rate_(static_cast<double>(bytes_per_second)) {}

  [[nodiscard]] Bytes allowed() const {
    const std::chrono::duration<double> passed = Monotonic::now() - start_;
    const auto due = static_cast<Bytes>(passed.count() * rate_);
    return due > sent_ ? due - sent_ : 0;
  }
  /// The next step of 10 ms, or the next byte if that is later.
  [[nodiscard]] Deadline next() const {
    const std::chrono::duration<double> due{(static_cast<double>(sent_) + 1) / rate_};
    return std::max(in(milliseconds{10}), start_ + std::chrono::ceil<Monotonic::duration>(due));
  }
  void sent(Bytes bytes) { sent_ += bytes; }

 private:
  double rate_;
  Bytes sent_ = 0;
  Deadline start_ = Monotonic::now();
};

std::string hex(std::size_t n) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), n, 16).ptr;
  return {digits.data(), end};
}

}  // namespace

Session::Session(House& house, Socket socket)
    : house_(house), socket_(std::move(socket)), bell_(socket_.get_executor()) {
  house_.sessions.insert(this);
}

Session::~Session() { house_.sessions.erase(this); }

void Session::drop() {
  gone_ = true;
  error_code ignored;
  socket_.close(ignored);
  ring();
}

Task<void> Session::serve() {
  const auto self = shared_from_this();
  error_code ignored;
  socket_.set_option(Tcp::no_delay{true}, ignored);
  for (bool again = !house_.ending; again;) {
    auto request = co_await read_request();
    if (!request) break;
    const bool keep = request->header("Connection") != "close";
    auto what = house_.decide(*request);
    if (auto* simple = std::get_if<Reply>(&what)) {
      if (request->method == "HEAD") simple->body.clear();
      again = co_await reply(std::move(*simple), keep);
    } else {
      again = co_await transfer(std::move(std::get<Media>(what)), std::move(*request));
    }
  }
  socket_.close(ignored);
}

Task<std::optional<Request>> Session::read_request() {
  constexpr std::size_t largest = 16_KiB;
  std::size_t end = 0;
  while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
    if (input_.size() > largest) co_return std::nullopt;
    std::array<char, 4096> buffer{};
    error_code error;
    const std::size_t n = co_await socket_.async_read_some(asio::buffer(buffer), asio::redirect_error(use_task, error));
    if (error) co_return std::nullopt;
    input_.append(buffer.data(), n);
  }
  auto request = parse_request(std::string_view{input_}.substr(0, end + 4));
  input_.erase(0, end + 4);
  co_return request;
}

Task<bool> Session::write(std::string_view bytes, std::size_t& written) {
  error_code error;
  written = co_await asio::async_write(socket_, asio::buffer(bytes), asio::redirect_error(use_task, error));
  if (error) gone_ = true;
  co_return !error;
}

Task<bool> Session::reply(Reply reply, bool keep) {
  std::string text = "HTTP/1.1 " + status_text(reply.status) +
                     "\r\nServer: simulator\r\nContent-Type: " + reply.content_type +
                     "\r\nContent-Length: " + std::to_string(reply.body.size()) + "\r\n";
  for (const auto& [name, value] : reply.headers) text.append(name).append(": ").append(value).append("\r\n");
  if (!keep) text += "Connection: close\r\n";
  text += "\r\n" + reply.body;
  std::size_t written = 0;
  const bool sent = co_await write(text, written);
  co_return sent&& keep;
}

Task<bool> Session::wait_until(std::function<bool()> condition, Deadline deadline) {
  while (!gone_ && !condition() && Monotonic::now() < deadline) {
    bell_.expires_at(deadline);
    error_code rung;
    co_await bell_.async_wait(asio::redirect_error(use_task, rung));
  }
  co_return !gone_;
}

Task<bool> Session::wait_for(milliseconds span) {
  const bool here = co_await wait_until([] { return false; }, in(span));
  co_return here;
}

Task<bool> Session::wait_at(const std::string& barrier, Transfer& transfer) {
  if (transfer.released(barrier)) co_return true;
  transfer.held(barrier);
  const bool here = co_await wait_until([&] { return transfer.released(barrier); });
  transfer.let_go(barrier);
  co_return here;
}

Task<void> Session::watch(std::shared_ptr<Session> session) {
  error_code over;  // the transfer is
  co_await session->socket_.async_wait(Socket::wait_read, asio::redirect_error(use_task, over));
  if (!over) session->look();
  co_return;
}

void Session::look() {
  char byte = 0;
  const auto n = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR))) return;  // it is the next request
  gone_ = true;
  ring();
}

Task<bool> Session::transfer(Media media, Request request) {
  Transfer transfer{house_, media.hosted};
  asio::co_spawn(socket_.get_executor(), watch(shared_from_this()), asio::detached);

  bool here = true;
  if (media.answer.first_byte_after_ > milliseconds{0}) here = co_await wait_for(media.answer.first_byte_after_);
  for (const auto& barrier : media.answer.first_byte_barriers_)
    if (here) here = co_await wait_at(barrier, transfer);
  if (!here) co_return false;
  if (media.answer.hangs_up_) {
    transfer.aborted = false;
    co_return false;
  }

  const Plan plan = simulator::plan(media.answer, media.audio, request, media.serial);
  {
    const std::lock_guard lock{house_.mutex};
    media.hosted->seen.at(media.serial).status = plan.status;
  }
  std::size_t written = 0;
  here = co_await write(plan.head, written);
  if (here) here = co_await send_body(plan, transfer);
  error_code ignored;
  socket_.cancel(ignored);  // ends the watch
  if (!here) co_return false;
  transfer.aborted = false;
  if (plan.end == Answer::End::rst) {
    co_await delivered();
    socket_.set_option(asio::socket_base::linger{true, 0}, ignored);
  } else if (plan.close) {
    socket_.shutdown(Socket::shutdown_send, ignored);
  }
  co_return !plan.close;
}

Task<bool> Session::send_body(const Plan& plan, Transfer& transfer) {
  const bool chunked = plan.framing == Answer::Framing::chunked;
  const Bytes step = plan.bytes_per_second != 0 ? std::clamp<Bytes>(plan.bytes_per_second / 50, 1, 256_KiB) : 256_KiB;
  std::vector<char> buffer(static_cast<std::size_t>(std::min(step, plan.body.last - plan.body.first)) + 32);
  auto stop = plan.stops.begin();
  Pace pace{plan.bytes_per_second};
  for (Bytes at = plan.body.first;;) {
    while (stop != plan.stops.end() && stop->at == at) {
      const bool here = co_await wait_at(stop->barrier, transfer);
      if (!here) co_return false;
      pace = Pace{plan.bytes_per_second};
      ++stop;
    }
    if (at == plan.body.last) break;
    Bytes n = std::min(step, (stop != plan.stops.end() ? stop->at : plan.body.last) - at);
    if (plan.bytes_per_second != 0) {
      n = std::min(n, pace.allowed());
      if (n == 0) {
        const bool here = co_await wait_until([] { return false; }, pace.next());
        if (!here) co_return false;
        continue;
      }
    }
    // A chunk goes out in one write: its head stands in the buffer before it.
    std::size_t head = 0;
    if (chunked) {
      const std::string size = hex(static_cast<std::size_t>(n)) + "\r\n";
      std::ranges::copy(size, buffer.begin());
      head = size.size();
    }
    plan.content.read(at, std::span{buffer}.subspan(head, static_cast<std::size_t>(n)));
    std::size_t length = head + static_cast<std::size_t>(n);
    if (chunked) buffer[length++] = '\r', buffer[length++] = '\n';
    transfer.sends(n);
    pace.sent(n);
    std::size_t written = 0;
    const bool here = co_await write({buffer.data(), length}, written);
    if (!here) {
      transfer.did_not_send(n - std::min<Bytes>(written - std::min(written, head), n));
      co_return false;
    }
    at += n;
  }
  if (chunked && plan.end == Answer::End::clean) {
    std::size_t written = 0;
    co_return co_await write("0\r\n\r\n", written);
  }
  co_return true;
}

Task<void> Session::delivered() {
  // An RST takes with it what the kernel still holds, so that a test could not say what the client has.
  const Deadline at_most = in(milliseconds{10'000});
  for (int unsent = 1; unsent > 0 && !gone_ && Monotonic::now() < at_most;) {
    if (::ioctl(socket_.native_handle(), SIOCOUTQ, &unsent) != 0 || unsent == 0) break;
    co_await wait_for(milliseconds{1});
  }
}

}  // namespace onetake::simulator
