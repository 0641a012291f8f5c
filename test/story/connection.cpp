#include "story/connection.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <ostream>
#include <stdexcept>
#include <system_error>

namespace onetake::story {

Fd connect_to(std::uint16_t port) {
  Fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::system_error(errno, std::generic_category(), "connect");
  return fd;
}

std::string Got::field(std::string_view name) const {
  Reader reader{true};
  reader.take(head + "\r\n", {});
  return reader.field(name);
}

std::string Got::operator[](std::string_view pointer) const {
  namespace json = boost::json;
  boost::system::error_code error;
  const auto value = json::parse(body, error);
  if (error) return {};
  const auto* found = value.find_pointer({pointer.data(), pointer.size()}, error);
  if (found == nullptr) return {};
  return found->is_string() ? std::string{found->get_string()} : json::serialize(*found);
}

std::ostream& operator<<(std::ostream& out, const Got& got) {
  out << "status " << got.status << (got.standing == Standing::whole ? "" : ", cut") << '\n' << got.head;
  return out << (got.body.size() < 2048 ? got.body : std::to_string(got.body.size()) + " bytes");
}

void Connection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw std::system_error(errno, std::generic_category(), "send");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

Got Connection::answer(bool to_head_request) {
  Reader reader{to_head_request};
  Got got;
  const auto keep = [&](std::string_view bytes) { got.body.append(bytes); };
  do {
    input_.erase(0, reader.take(input_, keep));
  } while (reader.standing() != Standing::whole && more());
  reader.closed(by_reset_);
  got.status = reader.status();
  got.head = reader.head();
  got.standing = reader.standing();
  return got;
}

std::string Connection::until_closed() {
  while (more()) {
  }
  return std::move(input_);
}

bool Connection::more() {
  const timeval most{patience.count(), 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
  std::array<char, 65536> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  for (;;) {
    const auto n = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) throw std::runtime_error("the server sent nothing for a minute");
    by_reset_ = n < 0;
    if (n <= 0) return false;
    input_.append(buffer.data(), static_cast<std::size_t>(n));
    return true;
  }
}

}  // namespace onetake::story
