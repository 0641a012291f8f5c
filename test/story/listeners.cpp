#include "story/listeners.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ostream>
#include <span>
#include <stdexcept>
#include <system_error>

#include "story/connection.hpp"

namespace onetake::story {

Listener::Listener(Fd fd, bool of_head_request, simulator::Audio expected)
    : fd_(std::move(fd)), reader_(of_head_request), expected_(std::move(expected)) {}

/// At most one buffer, so that whoever waits for a place in the recording does not run far past it.
bool Listener::read_some() {
  static std::vector<char> buffer(256_KiB);
  const auto n = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (n <= 0) {
    reader_.closed(n < 0);
  } else {
    reader_.take({buffer.data(), static_cast<std::size_t>(n)}, [this](std::string_view bytes) { hear(bytes); });
  }
  return true;
}

void Listener::hear(std::string_view bytes) {
  if (!field("Content-Type").starts_with("audio/")) {
    text_.append(bytes);
    return;
  }
  if (heard_ == 0 && status() == 206) from_ = std::stoull(field("Content-Range").substr(6));
  const auto at = from_ + heard_;
  const bool inside = at + bytes.size() <= expected_.size();
  if (!wrong_at_ && !(inside && expected_.holds(at, std::span{bytes}))) wrong_at_ = at;
  heard_ += bytes.size();
}

std::ostream& operator<<(std::ostream& out, const Listener& listener) {
  constexpr std::array standings{"has no answer yet", "is listening", "heard the end", "was cut"};
  out << "status " << listener.status() << ", heard " << listener.heard() << " bytes from " << listener.from() << ", "
      << standings.at(static_cast<std::size_t>(listener.standing()));
  if (listener.wrong_at()) out << ", heard wrong bytes at " << *listener.wrong_at() << " or soon after";
  return out << (listener.text().empty() ? "" : ": " + listener.text());
}

Listeners::Listeners(std::uint16_t port, const std::string& request, std::size_t n, const simulator::Audio& expected,
                     Pace pace)
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  all_.reserve(n);
  for (std::size_t i = 0; i < n; ++i) {
    Fd fd = connect_to(port);
    if (pace == Pace::slow) {
      constexpr int room = 128 << 10;
      ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    }
    if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
      throw std::system_error(errno, std::generic_category(), "send");
    epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event);
    all_.emplace_back(std::move(fd), request.starts_with("HEAD "), expected);
  }
}

std::size_t Listeners::read_ready(int timeout_ms) {
  std::array<epoll_event, 256> events{};
  const int n = ::epoll_wait(epoll_.get(), events.data(), events.size(), timeout_ms);
  for (const auto& event : std::span{events}.first(static_cast<std::size_t>(std::max(n, 0)))) {
    Listener& listener = all_.at(event.data.u64);
    if (listener.read_some() && listener.over()) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener.fd_.get(), nullptr);
  }
  return static_cast<std::size_t>(std::max(n, 0));
}

void Listeners::until(const std::function<bool(const Listener&)>& so) {
  const auto done = [&](const Listener& each) { return each.over() || so(each); };
  while (!std::ranges::all_of(all_, done))
    if (read_ready(static_cast<int>(std::chrono::milliseconds{patience}.count())) == 0)
      throw std::runtime_error("listeners heard nothing for 30 s");
}

void Listeners::until_the_end() {
  until([](const Listener&) { return false; });
}

void Listeners::until_heard(Bytes bytes) {
  until([bytes](const Listener& each) { return each.heard() >= bytes; });
}

void Listeners::catch_up() {
  while (read_ready(0) > 0) {
  }
}

}  // namespace onetake::story
