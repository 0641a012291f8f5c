#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "provider/address.hpp"

namespace onetake::provider {

/// Keeps a source from being a way into the network that the server stands in: only public addresses, and what the
/// operator allows. It is asked about the address that is being connected to, after every name has been resolved, so
/// that a name which means something else the second time changes nothing.
class AddressGuard {
 public:
  AddressGuard() = default;
  explicit AddressGuard(std::vector<Cidr> allowed) : allowed_(std::move(allowed)) {}

  /// Why a source may not lie there, for a person; nothing when it may.
  [[nodiscard]] std::optional<std::string> refuses(const Address& address) const;
  /// The same for a URL's host, as far as its text tells: an address in any spelling, or a name of this machine.
  [[nodiscard]] std::optional<std::string> refuses_host(std::string_view host) const;

 private:
  std::vector<Cidr> allowed_;
};

/// The address that a URL's host is, in every spelling that a resolver takes for one: "127.1", "0x7f000001",
/// "017700000001", "[::1]", "127.0.0.1.". Nothing for a name.
std::optional<Address> literal_address(std::string_view host);

}  // namespace onetake::provider
