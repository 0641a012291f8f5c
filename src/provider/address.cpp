#include "provider/address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace onetake::provider {
namespace {

constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

Address::Address(const std::uint8_t* bytes, std::size_t size) : size_(size) {
  if (size == 16 && std::equal(mapped.begin(), mapped.end(), bytes)) {
    bytes += mapped.size();
    size_ = 4;
  }
  std::copy_n(bytes, size_, bytes_.begin());
}

std::optional<Address> Address::parse(std::string_view text) {
  const std::string copy{text};
  std::array<std::uint8_t, 16> bytes{};
  if (::inet_pton(AF_INET, copy.c_str(), bytes.data()) == 1) return Address{bytes.data(), 4};
  if (::inet_pton(AF_INET6, copy.c_str(), bytes.data()) == 1) return Address{bytes.data(), 16};
  return std::nullopt;
}

std::optional<Address> Address::of(const sockaddr& address) {
  std::array<std::uint8_t, 16> bytes{};
  const auto* raw = reinterpret_cast<const char*>(&address);
  if (address.sa_family == AF_INET) {
    std::memcpy(bytes.data(), raw + offsetof(sockaddr_in, sin_addr), 4);
    return Address{bytes.data(), 4};
  }
  if (address.sa_family == AF_INET6) {
    std::memcpy(bytes.data(), raw + offsetof(sockaddr_in6, sin6_addr), 16);
    return Address{bytes.data(), 16};
  }
  return std::nullopt;
}

std::string Address::str() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(v4() ? AF_INET : AF_INET6, bytes_.data(), text.data(), text.size());
  return text.data();
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = Address::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const unsigned bits = address->v4() ? 32 : 128;
  if (slash == std::string_view::npos) return Cidr{*address, bits};

  const auto digits = text.substr(slash + 1);
  unsigned prefix = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  // A network written as ::ffff:10.0.0.0/104 counts its bits from the IPv6 address.
  if (address->v4() && text.substr(0, slash).contains(':')) {
    if (prefix < 96) return std::nullopt;
    prefix -= 96;
  }
  if (prefix > bits) return std::nullopt;
  return Cidr{*address, prefix};
}

bool Cidr::holds(const Address& address) const {
  if (address.v4() != network_.v4()) return false;
  const auto whole = prefix_ / 8;
  if (!std::equal(network_.bytes_.begin(), network_.bytes_.begin() + whole, address.bytes_.begin())) return false;
  if (prefix_ % 8 == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff << (8 - prefix_ % 8));
  return ((network_.bytes_.at(whole) ^ address.bytes_.at(whole)) & mask) == 0;
}

}  // namespace onetake::provider
