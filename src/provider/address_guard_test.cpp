#include "provider/address_guard.hpp"

#include <gmock/gmock.h>

namespace onetake::provider {
namespace {

using testing::HasSubstr;
using testing::Optional;

std::optional<std::string> refusal(const char* address, const AddressGuard& guard = {}) {
  return guard.refuses(Address::parse(address).value());
}

TEST(Address, OfIpv4InsideIpv6IsIpv4) {
  EXPECT_EQ(Address::parse("::ffff:127.0.0.1"), Address::parse("127.0.0.1"));
  EXPECT_EQ(Address::parse("::ffff:7f00:1").value().str(), "127.0.0.1");
  EXPECT_EQ(Address::parse("2001:DB8:0::1").value().str(), "2001:db8::1");
  for (const char* odd : {"", "127.1", "1.2.3", "01.2.3.4", "::1%lo", "[::1]", "1.2.3.4 ", "host"})
    EXPECT_EQ(Address::parse(odd), std::nullopt) << odd;
}

TEST(Cidr, HoldsWhatItsPrefixCovers) {
  struct Row {
    const char* network;
    const char* inside;
    const char* outside;
  };
  for (const auto& row :
       {Row{"10.1.0.0/16", "10.1.255.255", "10.2.0.0"}, Row{"10.1.2.3/16", "10.1.0.0", "10.0.255.255"},
        Row{"192.0.2.7", "192.0.2.7", "192.0.2.6"}, Row{"192.0.2.128/25", "192.0.2.255", "192.0.2.127"},
        Row{"0.0.0.0/0", "8.8.8.8", "::1"}, Row{"fd00::/8", "fdff::1", "fe00::1"}, Row{"::1", "::1", "::2"},
        Row{"2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::"},
        Row{"::ffff:10.0.0.0/104", "10.255.255.255", "11.0.0.0"}, Row{"::/0", "::1", "127.0.0.1"}}) {
    const auto network = Cidr::parse(row.network);
    ASSERT_TRUE(network) << row.network;
    EXPECT_TRUE(network->holds(Address::parse(row.inside).value())) << row.network;
    EXPECT_FALSE(network->holds(Address::parse(row.outside).value())) << row.network;
  }
}

TEST(Cidr, IsNothingElse) {
  for (const char* odd : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8 ", "10.0/8", "::/129", "x/8",
                          "10.0.0.0/8/8", "::ffff:10.0.0.0/8", "10.0.0.0/0x8"})
    EXPECT_FALSE(Cidr::parse(odd)) << odd;
}

class NotPublic : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(NotPublic, IsRefusedAndSaysWhy) {
  EXPECT_THAT(refusal(GetParam().first), Optional(HasSubstr(GetParam().second)));
}

INSTANTIATE_TEST_SUITE_P(
    Addresses, NotPublic,
    testing::Values(
        std::pair{"0.0.0.0", "unspecified"}, std::pair{"0.1.2.3", "unspecified"}, std::pair{"10.0.0.1", "private"},
        std::pair{"100.64.0.1", "carrier-grade"}, std::pair{"100.127.255.255", "carrier-grade"},
        std::pair{"127.0.0.1", "loopback"}, std::pair{"127.255.255.254", "loopback"},
        std::pair{"169.254.169.254", "link-local"}, std::pair{"172.16.0.1", "private"},
        std::pair{"172.31.255.255", "private"}, std::pair{"192.168.1.1", "private"}, std::pair{"192.0.0.8", "protocol"},
        std::pair{"198.18.0.1", "benchmarking"}, std::pair{"203.0.113.1", "documentation"},
        std::pair{"224.0.0.1", "multicast"}, std::pair{"255.255.255.255", "reserved"},
        std::pair{"168.63.129.16", "platform"}, std::pair{"::", "unspecified"}, std::pair{"::1", "loopback"},
        std::pair{"::ffff:127.0.0.1", "loopback"}, std::pair{"::ffff:10.1.1.1", "private"},
        std::pair{"::127.0.0.1", "not a public"}, std::pair{"64:ff9b::7f00:1", "loopback"},
        std::pair{"64:ff9b::a9fe:a9fe", "link-local"}, std::pair{"64:ff9b:1::1", "not a public"},
        std::pair{"2002:7f00:1::", "6to4"}, std::pair{"2001::1", "protocol"}, std::pair{"2001:db8::1", "documentation"},
        std::pair{"fc00::1", "private"}, std::pair{"fd12:3456::1", "private"}, std::pair{"fe80::1", "link-local"},
        std::pair{"fec0::1", "private"}, std::pair{"ff02::1", "multicast"}, std::pair{"100::1", "not a public"}));

TEST(AddressGuard, LetsPublicAddressesThrough) {
  for (const char* address : {"8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1",
                              "192.167.255.255", "223.255.255.255", "2606:4700::1111", "64:ff9b::808:808"})
    EXPECT_EQ(refusal(address), std::nullopt) << address;
}

TEST(AddressGuard, LetsThroughWhatTheOperatorAllows) {
  const AddressGuard guard{{Cidr::parse("10.1.0.0/16").value(), Cidr::parse("::1").value()}};
  EXPECT_EQ(refusal("10.1.2.3", guard), std::nullopt);
  EXPECT_EQ(refusal("::ffff:10.1.2.3", guard), std::nullopt);
  EXPECT_EQ(refusal("::1", guard), std::nullopt);
  EXPECT_NE(refusal("10.2.0.1", guard), std::nullopt);
  EXPECT_NE(refusal("127.0.0.1", guard), std::nullopt);
}

TEST(LiteralAddress, IsReadInEverySpellingThatResolversTake) {
  for (const char* loopback : {"127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001",
                               "0177.0.0.1", "127.0.0.1.", "127.1..", "[::ffff:127.0.0.1]", "::ffff:127.0.0.1"}) {
    const auto address = literal_address(loopback);
    ASSERT_TRUE(address) << loopback;
    EXPECT_EQ(address->str(), "127.0.0.1") << loopback;
  }
  EXPECT_EQ(literal_address("[fe80::1%eth0]").value().str(), "fe80::1");
  EXPECT_EQ(literal_address("[fe80::1%25eth0]").value().str(), "fe80::1");
  for (const char* name : {"", ".", "example.com", "127.0.0.1.example.com", "127.0.0.1 x", "0x", "1.2.3.4.5", "a"})
    EXPECT_FALSE(literal_address(name)) << name;
}

TEST(AddressGuard, RefusesHostsThatAreAddressesOrThisMachine) {
  const AddressGuard guard;
  for (const char* host : {"127.1", "0x7f.1", "localhost", "LOCALHOST.", "a.localhost", "[::1]", "::1", "0", "0.0.0.0"})
    EXPECT_NE(guard.refuses_host(host), std::nullopt) << host;
  for (const char* host : {"example.com", "notlocalhost", "localhost.example.com", "8.8.8.8"})
    EXPECT_EQ(guard.refuses_host(host), std::nullopt) << host;
  const AddressGuard loopback{{Cidr::parse("127.0.0.0/8").value()}};
  EXPECT_EQ(loopback.refuses_host("localhost"), std::nullopt);
}

}  // namespace
}  // namespace onetake::provider
