#include "tenant/node_pass.hpp"

#include <gtest/gtest.h>

namespace onetake::tenant {
namespace {

using namespace std::chrono_literals;

const WallTime now{1'800'000'000'000ms};
const NodePass ours{"the cluster's secret"};
const TenantId acme{"acme"};

TEST(NodePass, SaysOnWhoseBehalf) {
  const auto pass = ours.issue("GET", "/api/recordings/CA1/stream?play=1", acme, now);
  EXPECT_EQ(ours.tenant_of(pass, "GET", "/api/recordings/CA1/stream?play=1", now), acme);
}

TEST(NodePass, IsForOneRequestAndAMinute) {
  const auto pass = ours.issue("GET", "/a", acme, now);
  EXPECT_TRUE(ours.tenant_of(pass, "GET", "/a", now + 60s));
  EXPECT_FALSE(ours.tenant_of(pass, "GET", "/a", now + 61s));
  EXPECT_FALSE(ours.tenant_of(pass, "GET", "/b", now));
  EXPECT_FALSE(ours.tenant_of(pass, "HEAD", "/a", now));
}

TEST(NodePass, IsNobodyElses) {
  const auto pass = ours.issue("GET", "/a", acme, now);
  EXPECT_FALSE(NodePass{"another secret"}.tenant_of(pass, "GET", "/a", now));
  EXPECT_FALSE(ours.tenant_of("globex" + pass.substr(4), "GET", "/a", now)) << "another tenant";
  for (const auto* const text : {"", ".", "..", "acme", "acme.1", "acme.1.", "acme.9999999999."})
    EXPECT_FALSE(ours.tenant_of(text, "GET", "/a", now)) << text;
}

}  // namespace
}  // namespace onetake::tenant
