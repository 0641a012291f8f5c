#include "provider/scripted_server_test.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <sstream>
#include <stdexcept>

#include "provider/headers.hpp"

namespace onetake::provider::test {

void Signal::set() {
  const std::lock_guard lock{mutex_};
  set_ = true;
  changed_.notify_all();
}

void Signal::wait() {
  std::unique_lock lock{mutex_};
  if (!changed_.wait_for(lock, std::chrono::seconds{30}, [this] { return set_; })) std::abort();
}

void Peer::send(std::string_view bytes) const {
  while (!closed_ && !bytes.empty()) {
    const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // the other side is free to go
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void Peer::reset() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

void Peer::close() { closed_ = true; }

void Peer::wait_for_close() const {
  std::array<char, 256> bytes{};
  while (::recv(fd_, bytes.data(), bytes.size(), 0) > 0) {
  }
}

ScriptedServer::ScriptedServer(Script script)
    : script_(std::move(script)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_.get(), raw, size) != 0 || ::listen(listener_.get(), 512) != 0 ||
      ::getsockname(listener_.get(), raw, &size) != 0)
    throw std::runtime_error("no loopback port");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread{[this] { accept(); }};
}

ScriptedServer::~ScriptedServer() {
  {
    const std::lock_guard lock{mutex_};
    ending_ = true;
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  ::shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  for (auto& thread : threads_) thread.join();
}

void ScriptedServer::accept() {
  for (;;) {
    const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const std::lock_guard lock{mutex_};
    if (ending_) {
      ::close(fd);
      return;
    }
    ++connections_;
    open_.push_back(fd);
    threads_.emplace_back([this, fd] { serve(fd); });
  }
}

void ScriptedServer::serve(int fd) {
  std::string head;
  Peer peer{fd};
  std::array<char, 65536> bytes{};
  while (!peer.closed()) {
    const auto end = head.find("\r\n\r\n");
    if (end == std::string::npos) {
      const auto got = ::recv(fd, bytes.data(), bytes.size(), 0);
      if (got <= 0) break;
      head.append(bytes.data(), static_cast<std::size_t>(got));
      continue;
    }
    std::istringstream lines{head.substr(0, end)};
    head.erase(0, end + 4);
    Seen seen;
    lines >> seen.method >> seen.target;
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
      const auto colon = line.find(':');
      while (line.ends_with('\r')) line.pop_back();
      seen.fields[lower(line.substr(0, colon))] = trimmed(std::string_view{line}.substr(colon + 1));
    }
    const auto length = seen.field("content-length").empty() ? 0 : std::stoul(seen.field("content-length"));
    while (head.size() < length) {
      const auto got = ::recv(fd, bytes.data(), bytes.size(), 0);
      if (got <= 0) break;
      head.append(bytes.data(), static_cast<std::size_t>(got));
    }
    if (head.size() < length) break;
    seen.body = head.substr(0, length);
    head.erase(0, length);
    {
      const std::lock_guard lock{mutex_};
      seen_.push_back(seen);
    }
    script_(seen, peer);
  }
  const std::lock_guard lock{mutex_};
  std::erase(open_, fd);
  ::close(fd);
}

std::string ScriptedServer::url(std::string_view path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + std::string{path};
}

std::vector<Seen> ScriptedServer::seen() const {
  const std::lock_guard lock{mutex_};
  return seen_;
}

std::vector<std::string> ScriptedServer::targets() const {
  std::vector<std::string> made;
  for (const auto& request : seen()) made.push_back(request.target);
  return made;
}

int ScriptedServer::connections() const {
  const std::lock_guard lock{mutex_};
  return connections_;
}

std::string answer(std::string_view status, std::string_view body, std::string_view fields) {
  std::string made{"HTTP/1.1 "};
  made.append(status).append("\r\nContent-Length: ").append(std::to_string(body.size())).append("\r\n");
  made.append(fields).append("\r\n").append(body);
  return made;
}

std::string chunk(std::string_view bytes) {
  std::ostringstream made;
  made << std::hex << bytes.size() << "\r\n" << bytes << "\r\n";
  return made.str();
}

}  // namespace onetake::provider::test
