#include "provider/address_guard.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace onetake::provider {
namespace {

struct Special {
  const char* network;
  const char* what;
};

// IANA's special-purpose address registries (RFC 6890), and one that is public by number only.
constexpr std::array specials{
    Special{"0.0.0.0/8", "unspecified"},
    Special{"10.0.0.0/8", "private"},
    Special{"100.64.0.0/10", "carrier-grade NAT"},
    Special{"127.0.0.0/8", "loopback"},
    Special{"168.63.129.16/32", "cloud platform"},  // Azure's, inside every virtual network
    Special{"169.254.0.0/16", "link-local"},
    Special{"172.16.0.0/12", "private"},
    Special{"192.0.0.0/24", "protocol"},
    Special{"192.0.2.0/24", "documentation"},
    Special{"192.88.99.0/24", "6to4"},
    Special{"192.168.0.0/16", "private"},
    Special{"198.18.0.0/15", "benchmarking"},
    Special{"198.51.100.0/24", "documentation"},
    Special{"203.0.113.0/24", "documentation"},
    Special{"224.0.0.0/4", "multicast"},
    Special{"240.0.0.0/4", "reserved"},
    Special{"::/128", "unspecified"},
    Special{"::1/128", "loopback"},
    Special{"2001::/23", "protocol"},
    Special{"2001:db8::/32", "documentation"},
    Special{"2002::/16", "6to4"},
    Special{"3fff::/20", "documentation"},
    Special{"fc00::/7", "private"},
    Special{"fe80::/10", "link-local"},
    Special{"fec0::/10", "private"},
    Special{"ff00::/8", "multicast"},
};

const std::vector<std::pair<Cidr, const char*>>& special_networks() {
  static const auto networks = [] {
    std::vector<std::pair<Cidr, const char*>> made;
    for (const auto& row : specials) made.emplace_back(Cidr::parse(row.network).value(), row.what);
    return made;
  }();
  return networks;
}

const Cidr& nat64() {
  static const Cidr network = Cidr::parse("64:ff9b::/96").value();
  return network;
}

const Cidr& global_unicast() {
  static const Cidr network = Cidr::parse("2000::/3").value();
  return network;
}

std::string_view without_dots(std::string_view host) {
  while (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

bool ends_with_label(std::string_view host, std::string_view label) {
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  if (host.size() < label.size()) return false;
  const auto tail = host.substr(host.size() - label.size());
  if (!std::ranges::equal(tail, label, same)) return false;
  return tail.size() == host.size() || host[host.size() - label.size() - 1] == '.';
}

}  // namespace

std::optional<std::string> AddressGuard::refuses(const Address& address) const {
  for (const auto& network : allowed_)
    if (network.holds(address)) return std::nullopt;
  if (nat64().holds(address)) {
    in_addr inner{};
    std::memcpy(&inner, address.bytes().data() + 12, 4);
    std::array<char, INET_ADDRSTRLEN> text{};
    ::inet_ntop(AF_INET, &inner, text.data(), text.size());
    return refuses(Address::parse(text.data()).value());
  }
  for (const auto& [network, what] : special_networks())
    if (network.holds(address)) return address.str() + " is a " + what + " address";
  if (!address.v4() && !global_unicast().holds(address)) return address.str() + " is not a public address";
  return std::nullopt;
}

std::optional<std::string> AddressGuard::refuses_host(std::string_view host) const {
  if (const auto address = literal_address(host)) return refuses(*address);
  if (ends_with_label(without_dots(host), "localhost")) return refuses(Address::parse("127.0.0.1").value());
  return std::nullopt;
}

std::optional<Address> literal_address(std::string_view host) {
  host = without_dots(host);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.contains(':')) return Address::parse(host.substr(0, host.find('%')));
  in_addr address{};
  const std::string copy{host};
  // inet_aton reads up to a blank; a host has none.
  if (host.empty() || host.find_first_of(" \t\r\n") != std::string_view::npos ||
      ::inet_aton(copy.c_str(), &address) == 0)
    return std::nullopt;
  std::array<char, INET_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET, &address, text.data(), text.size());
  return Address::parse(text.data());
}

}  // namespace onetake::provider
