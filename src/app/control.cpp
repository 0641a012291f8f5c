#include "app/control.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "app/control_message.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"

namespace onetake::app {
namespace {

constexpr std::size_t longest_request = 1 << 20;
constexpr milliseconds patience{5'000};  ///< with a client that does not send its line or does not read the answer

[[noreturn]] void fail(const std::string& what) { throw std::system_error(errno, std::generic_category(), what); }

int poll_timeout(Deadline deadline) {
  if (deadline == never) return -1;
  const auto left = std::chrono::ceil<milliseconds>(deadline - Monotonic::now()).count();
  return left < 0 ? 0 : static_cast<int>(left);
}

/// Waits for `events` on the socket. False: too late, or `ended` (when there is one) says that it is over.
bool ready(int socket, short events, Deadline deadline, int ended) {
  std::array<pollfd, 2> fds{{{socket, events, 0}, {ended, POLLIN, 0}}};  // poll passes over a negative descriptor
  for (;;) {
    const int n = ::poll(fds.data(), fds.size(), poll_timeout(deadline));
    if (n < 0 && errno == EINTR) continue;
    return n > 0 && fds[1].revents == 0;
  }
}

bool send_all(int socket, std::string_view text, Deadline deadline, int ended) {
  while (!text.empty()) {
    const auto sent = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      text.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EINTR && (errno != EAGAIN || !ready(socket, POLLOUT, deadline, ended))) {
      return false;
    }
  }
  return true;
}

/// The next line without its end; `rest` keeps what came behind it. Nothing at the end, when it is too late or too
/// long.
std::optional<std::string> receive_line(int socket, std::string& rest, std::size_t longest, Deadline deadline,
                                        int ended) {
  std::size_t searched = 0;
  for (;;) {
    if (const auto end = rest.find('\n', searched); end != std::string::npos) {
      std::string line = rest.substr(0, end);
      rest.erase(0, end + 1);
      return line;
    }
    searched = rest.size();
    if (searched > longest || !ready(socket, POLLIN, deadline, ended)) return std::nullopt;
    std::array<char, 65536> buffer{};
    const auto got = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    rest.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

Fd new_socket() { return Fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)}; }

/// Calls `use` with the address of control.sock. A path that is too long for an address goes by way of the open folder.
template <class Use>
int with_address(const std::filesystem::path& data_dir, Use use) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string path = data_dir / "control.sock";
  Fd folder;
  if (path.size() >= sizeof address.sun_path) {
    folder = Fd{::open(data_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!folder) return -1;
    path = "/proc/self/fd/" + std::to_string(folder.get()) + "/control.sock";
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return use(reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(sizeof address));
}

}  // namespace

ControlServer::ControlServer(const std::filesystem::path& data_dir, ControlVerbs verbs)
    : path_(data_dir / "control.sock"),
      verbs_(std::move(verbs)),
      listener_(new_socket()),
      ended_(::eventfd(0, EFD_CLOEXEC)) {
  if (!listener_ || !ended_) fail("control.sock");
  if (::unlink(path_.c_str()) != 0 && errno != ENOENT) fail(path_);
  // Linux makes the file with the mode of the socket, so there is no moment at which others may connect.
  const bool listens =
      ::fchmod(listener_.get(), 0600) == 0 &&
      with_address(data_dir, [&](const sockaddr* address,
                                 socklen_t size) { return ::bind(listener_.get(), address, size); }) == 0 &&
      ::listen(listener_.get(), 8) == 0;
  if (!listens) fail(path_);
  thread_ = std::thread{[this] { run(); }};
}

ControlServer::~ControlServer() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(ended_.get(), &one, sizeof one);  // an eventfd takes it
  thread_.join();
  ::unlink(path_.c_str());
}

void ControlServer::run() {
  while (ready(listener_.get(), POLLIN, never, ended_.get())) {
    const Fd connection{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (connection) {
      serve(connection.get());
    } else if (errno != EINTR && errno != ECONNABORTED) {
      log::warn("control.accept_failed", std::generic_category().message(errno));
      pollfd ended{ended_.get(), POLLIN, 0};
      if (::poll(&ended, 1, 100) > 0) return;
    }
  }
}

void ControlServer::serve(int connection) {
  std::string rest;
  while (auto line = receive_line(connection, rest, longest_request, in(patience), ended_.get())) {
    if (!send_all(connection, answer(*line) + '\n', in(patience), ended_.get())) return;
  }
}

std::string ControlServer::answer(const std::string& line) const {
  const auto request = read_request(line);
  if (!request) return write_error(request.error());
  try {
    if (request->verb == "ping") return write_pid(::getpid());
    if (request->verb == "query") {
      const auto table = verbs_.query(request->sql);
      return table ? write_table(*table) : write_error(table.error());
    }
    if (request->verb == "migrate") {
      const auto schema = verbs_.migrate();
      return schema ? write_schema(*schema) : write_error(schema.error());
    }
  } catch (const std::exception& error) {
    return write_error(error.what());
  }
  return write_error(request->verb + ": not available in this version");
}

std::optional<ControlClient> ControlClient::connect(const std::filesystem::path& data_dir) {
  Fd socket = new_socket();
  if (!socket) return std::nullopt;
  const int connected = with_address(
      data_dir, [&](const sockaddr* address, socklen_t size) { return ::connect(socket.get(), address, size); });
  if (connected != 0) return std::nullopt;
  return ControlClient{std::move(socket)};
}

Answer<std::string> ControlClient::ask(const std::string& line) {
  std::string rest;
  if (send_all(socket_.get(), line + '\n', never, -1)) {
    if (auto answer = receive_line(socket_.get(), rest, std::string::npos - 1, never, -1)) return std::move(*answer);
  }
  return std::unexpected(std::string{"the server ended before it answered"});
}

Answer<ledger::Table> ControlClient::query(const std::string& sql) {
  const auto line = ask(write_request({"query", sql}));
  return line ? read_table(*line) : std::unexpected(line.error());
}

Answer<Schema> ControlClient::migrate() {
  const auto line = ask(write_request({"migrate", ""}));
  return line ? read_schema(*line) : std::unexpected(line.error());
}

Answer<int> ControlClient::ping() {
  const auto line = ask(write_request({"ping", ""}));
  return line ? read_pid(*line) : std::unexpected(line.error());
}

}  // namespace onetake::app
