#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace onetake::provider {

/// An IP address. An IPv4 address inside IPv6 (::ffff:a.b.c.d) is the IPv4 address, or it would pass where that may
/// not.
class Address {
 public:
  /// As inet_pton takes it: no zone, no brackets, no short forms.
  static std::optional<Address> parse(std::string_view text);
  /// Nothing for a family that is not IP.
  static std::optional<Address> of(const sockaddr& address);

  [[nodiscard]] bool v4() const { return size_ == 4; }
  [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
  [[nodiscard]] std::string str() const;

  bool operator==(const Address&) const = default;

 private:
  friend class Cidr;
  Address(const std::uint8_t* bytes, std::size_t size);

  std::array<std::uint8_t, 16> bytes_{};
  std::size_t size_ = 0;
};

/// A network: "10.1.0.0/16", "fd00::/8", or one address. Bits past the prefix mean nothing.
class Cidr {
 public:
  static std::optional<Cidr> parse(std::string_view text);

  [[nodiscard]] bool holds(const Address& address) const;

 private:
  Cidr(const Address& network, unsigned prefix) : network_(network), prefix_(prefix) {}

  Address network_;
  unsigned prefix_;
};

}  // namespace onetake::provider
