#include "tenant/session.hpp"

#include <gmock/gmock.h>

#include "tenant/browser.hpp"

// Name and signature were computed by Python's hmac and base64, under the key of the bytes 0 to 31.
namespace onetake::tenant {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

std::string counting() {
  std::string bytes;
  for (char c = 0; c < 32; ++c) bytes += c;
  return bytes;
}

const Sessions sessions{counting()};
constexpr WallTime noon{1764000000s};
constexpr std::string_view pair = "onetake_gnFt4ozK=acme.1764043200.yVVA1CNBZuWRQbZ63TFyuCPTP2-yCF21fbonpMCLxnk";

TEST(Session, IsACookieThatScriptsAndOtherSitesDoNotGet) {
  EXPECT_EQ(sessions.cookie(TenantId{"acme"}, noon),
            std::string{pair} + "; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200");
  EXPECT_THAT((Sessions{counting(), 1h, true}.cookie(TenantId{"acme"}, noon)), EndsWith("; Max-Age=3600; Secure"));
}

TEST(Session, IsForgottenByTheSameFieldWithNothingInIt) {
  EXPECT_EQ(sessions.ended(), "onetake_gnFt4ozK=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
}

TEST(Session, IsFoundAmongOtherCookies) {
  const std::string header = "a=b; onetake_gnFt4ozK=acme.1764043200.forged;  " + std::string{pair} + " ;c";
  const auto session = sessions.find(header, noon);
  ASSERT_TRUE(session);
  EXPECT_EQ(session->tenant, "acme");
}

TEST(Session, EndsAndIsRenewedInTheSecondHalf) {
  EXPECT_FALSE(sessions.find(pair, noon + 6h)->half_over);
  EXPECT_TRUE(sessions.find(pair, noon + 6h + 1s)->half_over);
  EXPECT_TRUE(sessions.find(pair, noon + 12h - 1ms));
  EXPECT_FALSE(sessions.find(pair, noon + 12h));
}

TEST(Session, OfAnotherKeyIsNone) {
  const Sessions others{random_secret()};
  EXPECT_FALSE(others.find(pair, noon));
  EXPECT_THAT(others.cookie(TenantId{"acme"}, noon), Not(HasSubstr("gnFt4ozK")));
}

TEST(Session, ThatWasChangedIsNone) {
  for (const std::string_view text :
       {"", "onetake_gnFt4ozK", "onetake_gnFt4ozK=", "onetake_gnFt4ozK=acme", "onetake_gnFt4ozK=acme.1764043200",
        "onetake_gnFt4ozK=acme.1764043200.",
        "onetake_gnFt4ozK=beta.1764043200.yVVA1CNBZuWRQbZ63TFyuCPTP2-yCF21fbonpMCLxnk",
        "onetake_gnFt4ozK=acme.1764043201.yVVA1CNBZuWRQbZ63TFyuCPTP2-yCF21fbonpMCLxnk",
        "onetake_gnFt4ozKx=acme.1764043200.yVVA1CNBZuWRQbZ63TFyuCPTP2-yCF21fbonpMCLxnk"}) {
    EXPECT_FALSE(sessions.find(text, noon)) << text;
  }
}

TEST(Browser, LoopbackNames) {
  for (const std::string_view host :
       {"localhost", "LocalHost:8080", "127.0.0.1", "127.0.0.1:8080", "127.255.0.7:1", "[::1]", "[::1]:65535"}) {
    EXPECT_TRUE(loopback_host(host)) << host;
  }
  for (const std::string_view host : {"",
                                      ":8080",
                                      "example.com",
                                      "localhost.example.com",
                                      "localhost:",
                                      "localhost:x",
                                      "localhost:65536",
                                      "127.0.0.1.example.com",
                                      "127.0.0",
                                      "127.0.0.1.1",
                                      "127.0.0.256",
                                      "127.0.0.",
                                      "127.1",
                                      "128.0.0.1",
                                      "::1",
                                      "[::2]",
                                      "[::1]:",
                                      "127.0.0.1:8080:1",
                                      "127.0.0.-1",
                                      "127.0.0.+1"}) {
    EXPECT_FALSE(loopback_host(host)) << host;
  }
}

TEST(Browser, SameOrigin) {
  EXPECT_TRUE(same_origin("http://localhost:8080", "localhost:8080"));
  EXPECT_TRUE(same_origin("http://localhost", "LOCALHOST"));
  EXPECT_TRUE(same_origin("https://calls.example.com", "calls.example.com"));
  for (const std::string_view origin : {"", "null", "http://", "http://localhost", "http://localhost:8081",
                                        "http://localhost:8080/", "http://127.0.0.1:8080"}) {
    EXPECT_FALSE(same_origin(origin, "localhost:8080")) << origin;
  }
  EXPECT_FALSE(same_origin("http://", ""));
}

TEST(Browser, OpensTheConsole) {
  EXPECT_TRUE(opens_console("GET", "/", "", ""));
  EXPECT_TRUE(opens_console("GET", "/", "document", "navigate"));
  EXPECT_FALSE(opens_console("GET", "/", "iframe", "navigate"));
  EXPECT_FALSE(opens_console("GET", "/", "empty", "cors"));
  EXPECT_FALSE(opens_console("GET", "/", "document", "no-cors"));
  EXPECT_FALSE(opens_console("HEAD", "/", "", ""));
  EXPECT_FALSE(opens_console("POST", "/", "", ""));
  EXPECT_FALSE(opens_console("GET", "/index.html", "", ""));
}

}  // namespace
}  // namespace onetake::tenant
