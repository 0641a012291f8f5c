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
void Listener::read_some() {
  static std::vector<char> buffer(256_KiB);
  const auto n = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    reader_.closed(n < 0);
  } else {
    reader_.take({buffer.data(), static_cast<std::size_t>(n)}, [this](std::string_view bytes) { hear(bytes); });
  }
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
                     Pace pace) {
  all_.reserve(n);
  for (std::size_t i = 0; i < n; ++i) {
    Fd fd = connect_to(port);
    if (pace == Pace::slow) {
      constexpr int room = 128 << 10;
      ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    }
    if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
      throw std::system_error(errno, std::generic_category(), "send");
    all_.emplace_back(std::move(fd), request.starts_with("HEAD "), expected);
  }
}

/// Who is so is not read any further: the others' bytes may take their time.
bool Listeners::read_until(const std::function<bool(const Listener&)>& so, int timeout_ms) {
  const Fd epoll{::epoll_create1(EPOLL_CLOEXEC)};
  std::size_t left = 0;
  for (std::size_t i = 0; i < all_.size(); ++i) {
    if (all_[i].over() || so(all_[i])) continue;
    epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
    ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, all_[i].fd_.get(), &event);
    ++left;
  }
  while (left > 0) {
    std::array<epoll_event, 256> events{};
    const int n = ::epoll_wait(epoll.get(), events.data(), events.size(), timeout_ms);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    for (const auto& event : std::span{events}.first(static_cast<std::size_t>(n))) {
      Listener& listener = all_.at(event.data.u64);
      listener.read_some();
      if (!listener.over() && !so(listener)) continue;
      ::epoll_ctl(epoll.get(), EPOLL_CTL_DEL, listener.fd_.get(), nullptr);
      --left;
    }
  }
  return true;
}

void Listeners::until(const std::function<bool(const Listener&)>& so) {
  if (!read_until(so, static_cast<int>(std::chrono::milliseconds{patience}.count())))
    throw std::runtime_error("listeners heard nothing for a minute");
}

void Listeners::until_the_end() {
  until([](const Listener&) { return false; });
}

void Listeners::until_heard(Bytes bytes) {
  until([bytes](const Listener& each) { return each.heard() >= bytes; });
}

void Listeners::catch_up() {
  read_until([](const Listener&) { return false; }, 0);
}

}  // namespace onetake::story
