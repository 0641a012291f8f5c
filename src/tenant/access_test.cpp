#include "tenant/access.hpp"

#include <gmock/gmock.h>

#include <thread>

#include "tenant/signed_url.hpp"

// The API keys are the words "acme-key", "beta-key" and "admin-key"; their hashes are sha256sum's.
namespace onetake::tenant {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr WallTime now{1763999999s};
const std::string path = "/api/recordings/CA1/stream";
const std::string good_url =
    "explicit_user_action=true&tenant=acme&expires=1764000000&kid=k1&sig=GpRXnIfTaRSKOhjg08Jg3ozbB3dBGF0ii_ZaH2e5Dig";

std::vector<Credentials> tenants() {
  return {{TenantId{"acme"},
           {*parse_sha256("afacab3575137afa4e00d9cbcafcb14c9ae25f779d964eb0ea5b2c4eb5dfd163")},
           {{"k1", "acme-url-secret-0123"}, {"k2", "acme-url-secret-4567"}}},
          {TenantId{"beta"},
           {*parse_sha256("7A3D637BC601F7000CC2C33141C8C8A7554E02E319FA8B293A0C88C613B77620")},
           {{"k1", "beta-url-secret-0123"}}}};
}

const auto admin = parse_sha256("69a5265506c94c77b787a7d7377b7685a0eff82e33920a71e7ee22cd6154953e");

struct AccessTest : testing::Test {
  Access access{tenants(), admin};
  Sessions sessions{std::string(32, 's')};
  Access local{tenants(), admin, Browsers{.sessions = sessions, .local = TenantId{"acme"}}};

  Fault fault(const Asking& asking) { return fault_of(access.authenticate(asking, now)); }
  static Fault fault_of(const auto& outcome) { return outcome ? Fault::internal : outcome.error().fault; }

  /// As a browser sends it back.
  std::string cookie(WallTime from = now) {
    const std::string text = sessions.cookie(TenantId{"acme"}, from);
    return text.substr(0, text.find(';'));
  }
};

Asking with_key(std::string_view authorization, Area area = Area::api) {
  Asking asking{.area = area, .method = "GET", .path = path};
  asking.authorization = authorization;
  return asking;
}

Asking with_url(std::string_view query, Area area = Area::listening) {
  Asking asking{.area = area, .method = "GET", .path = path};
  asking.query = query;
  return asking;
}

TEST_F(AccessTest, AKeyTellsItsTenant) {
  const auto caller = access.authenticate(with_key("Bearer beta-key"), now);
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->by, By::api_key);
  EXPECT_EQ(caller->tenant, TenantId{"beta"});
  EXPECT_THAT(caller->renewed_cookie, IsEmpty());
  EXPECT_TRUE(access.authenticate(with_key("bEARER  acme-key "), now));
  EXPECT_TRUE(access.authenticate(with_key("Bearer acme-key", Area::listening), now));
}

TEST_F(AccessTest, NothingOrSomethingWrongIsUnauthorized) {
  EXPECT_EQ(fault(with_key("")), Fault::unauthorized);
  EXPECT_EQ(fault(with_key("Bearer")), Fault::unauthorized);
  EXPECT_EQ(fault(with_key("Bearer ")), Fault::unauthorized);
  EXPECT_EQ(fault(with_key("Bearer wrong")), Fault::unauthorized);
  EXPECT_EQ(fault(with_key("Basic acme-key")), Fault::unauthorized);
  EXPECT_EQ(fault(with_key("Bearer afacab3575137afa4e00d9cbcafcb14c9ae25f779d964eb0ea5b2c4eb5dfd163")),
            Fault::unauthorized);
  EXPECT_EQ(fault(with_key("Bearer wrong", Area::tenants)), Fault::unauthorized);
}

TEST_F(AccessTest, TheAdminOpensTenantsAndNothingElse) {
  const auto caller = access.authenticate(with_key("Bearer admin-key", Area::tenants), now);
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->by, By::admin);
  EXPECT_TRUE(caller->tenant.empty());
  EXPECT_EQ(fault(with_key("Bearer admin-key")), Fault::forbidden);
  EXPECT_EQ(fault(with_key("Bearer admin-key", Area::listening)), Fault::forbidden);
  EXPECT_EQ(fault(with_key("Bearer acme-key", Area::tenants)), Fault::forbidden);
  EXPECT_EQ(fault_of(Access{tenants()}.authenticate(with_key("Bearer admin-key", Area::tenants), now)),
            Fault::unauthorized);
}

TEST_F(AccessTest, ASignedUrlOpensListening) {
  const auto caller = access.authenticate(with_url(good_url), now);
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->by, By::signed_url);
  EXPECT_EQ(caller->tenant, TenantId{"acme"});
  EXPECT_EQ(fault(with_url(good_url, Area::api)), Fault::unauthorized);
  EXPECT_EQ(fault(with_url(good_url, Area::tenants)), Fault::unauthorized);
}

TEST_F(AccessTest, EverySigningKeyVerifies) {
  const MacKey second{"acme-url-secret-4567"};
  const std::string url = signed_url(path, TenantId{"acme"}, "k2", second, std::chrono::sys_seconds{1764000000s});
  EXPECT_TRUE(access.authenticate(with_url(std::string_view{url}.substr(url.find('?') + 1)), now));
}

TEST_F(AccessTest, AWrongUrlIsUnauthorized) {
  const auto replaced = [](std::string from, std::string to) {
    std::string url = good_url;
    return url.replace(url.find(from), from.size(), to);
  };
  EXPECT_EQ(fault(with_url(replaced("kid=k1", "kid=k9"))), Fault::unauthorized);
  EXPECT_EQ(fault(with_url(replaced("kid=k1", "kid=k2"))), Fault::unauthorized);
  EXPECT_EQ(fault(with_url(replaced("tenant=acme", "tenant=beta"))), Fault::unauthorized);
  EXPECT_EQ(fault(with_url(replaced("tenant=acme", "tenant=nobody"))), Fault::unauthorized);
  EXPECT_EQ(fault(with_url(replaced("sig=G", "sig=H"))), Fault::unauthorized);
  EXPECT_EQ(fault(with_url(replaced("&kid=k1", ""))), Fault::unauthorized);

  Asking elsewhere = with_url(good_url);
  elsewhere.path = "/api/recordings/CA2/stream";
  EXPECT_EQ(fault(elsewhere), Fault::unauthorized);

  const auto late = access.authenticate(with_url(good_url), now + 1s);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().fault, Fault::unauthorized);
  EXPECT_THAT(late.error().detail, HasSubstr("expired"));
}

// A right credential must not hide that another was wrong: whoever sent it would never learn.
TEST_F(AccessTest, TheFirstCredentialCounts) {
  Asking both = with_url(good_url);
  both.authorization = "Bearer wrong";
  EXPECT_EQ(fault(both), Fault::unauthorized);

  const std::string jar = cookie();
  Asking url = with_url("sig=wrong");
  url.host = "localhost";
  url.cookie = jar;
  EXPECT_EQ(fault_of(local.authenticate(url, now)), Fault::unauthorized);
}

TEST_F(AccessTest, ACookieCountsForALocalBrowserOnly) {
  const std::string jar = cookie();
  Asking asking{.method = "GET", .path = path};
  asking.host = "localhost:8080";
  asking.cookie = jar;
  const auto caller = local.authenticate(asking, now);
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->by, By::session);
  EXPECT_EQ(caller->tenant, TenantId{"acme"});
  EXPECT_EQ(fault(asking), Fault::unauthorized);
  asking.area = Area::tenants;
  EXPECT_EQ(fault_of(local.authenticate(asking, now)), Fault::forbidden);
}

TEST_F(AccessTest, ACookieIsRenewedInItsSecondHalf) {
  const std::string jar = cookie(now - 7h);
  Asking asking{.method = "GET", .path = path};
  asking.host = "localhost";
  asking.cookie = jar;
  const auto caller = local.authenticate(asking, now);
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->renewed_cookie, sessions.cookie(TenantId{"acme"}, now));
  EXPECT_EQ(fault_of(local.authenticate(asking, now + 5h)), Fault::unauthorized);
}

TEST_F(AccessTest, AWriteByCookieComesFromTheSameOrigin) {
  const std::string jar = cookie();
  Asking asking{.method = "POST", .path = path};
  asking.host = "localhost:8080";
  asking.cookie = jar;
  EXPECT_EQ(fault_of(local.authenticate(asking, now)), Fault::forbidden);
  asking.origin = "http://localhost:8081";
  EXPECT_EQ(fault_of(local.authenticate(asking, now)), Fault::forbidden);
  asking.origin = "http://localhost:8080";
  EXPECT_TRUE(local.authenticate(asking, now));
  for (const std::string_view method : {"PUT", "DELETE", "PATCH"}) {
    asking.method = method;
    asking.origin = "null";
    EXPECT_EQ(fault_of(local.authenticate(asking, now)), Fault::forbidden) << method;
  }
  // A key is not sent by a browser of its own accord.
  asking.authorization = "Bearer acme-key";
  EXPECT_TRUE(local.authenticate(asking, now));
}

TEST_F(AccessTest, ALocalServerAnswersToLoopbackNamesOnly) {
  Asking asking = with_key("Bearer acme-key");
  asking.host = "rebound.example.com:8080";
  EXPECT_EQ(fault_of(local.authenticate(asking, now)), Fault::misdirected);
  EXPECT_TRUE(access.authenticate(asking, now));
  EXPECT_EQ(fault_of(local.host("")), Fault::misdirected);
  EXPECT_TRUE(local.host("[::1]:8080"));
  EXPECT_TRUE(access.host("anything"));
}

TEST_F(AccessTest, AVisitOfTheConsoleIsWelcome) {
  const Visit visit{"GET", "/", "localhost:8080", "document", "navigate"};
  EXPECT_EQ(local.welcome(visit, now), sessions.cookie(TenantId{"acme"}, now));
  EXPECT_EQ(local.welcome({"GET", "/", "localhost:8080", "iframe", "navigate"}, now), "");
  EXPECT_EQ(local.welcome({"GET", "/assets/a.js", "localhost:8080", "", ""}, now), "");
  EXPECT_EQ(fault_of(local.welcome({"GET", "/", "evil.example.com", "document", "navigate"}, now)), Fault::misdirected);
  EXPECT_EQ(access.welcome(visit, now), "");
}

// A server for others lets browsers in by a key only, under whatever name it has.
TEST_F(AccessTest, AKeyIsExchangedForACookie) {
  const Access server{tenants(), admin, Browsers{.sessions = sessions, .local = {}}};
  EXPECT_EQ(server.welcome({"GET", "/", "calls.example.com", "document", "navigate"}, now), "");
  const auto caller = server.authenticate(with_key("Bearer beta-key"), now);
  ASSERT_TRUE(caller);
  const auto set = server.log_in(*caller, now);
  ASSERT_TRUE(set);
  const std::string jar = set->substr(0, set->find(';'));
  Asking asking{.method = "PUT", .path = path};
  asking.cookie = jar;
  asking.host = "calls.example.com";
  asking.origin = "https://calls.example.com";
  EXPECT_EQ(server.authenticate(asking, now)->tenant, TenantId{"beta"});
  asking.origin = "https://elsewhere.example.com";
  EXPECT_EQ(fault_of(server.authenticate(asking, now)), Fault::forbidden);
  EXPECT_EQ(server.log_out(), sessions.ended());

  EXPECT_EQ(fault_of(access.log_in(*caller, now)), Fault::forbidden);
  EXPECT_EQ(access.log_out(), "");
}

TEST_F(AccessTest, AnyThreadMayAsk) {
  std::vector<std::jthread> threads;
  std::atomic<int> right{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 200; ++n) {
        right += access.authenticate(with_url(good_url), now).has_value();
        right += access.authenticate(with_key("Bearer beta-key"), now).has_value();
        right += !access.authenticate(with_key("Bearer gamma-key"), now).has_value();
      }
    });
  }
  threads.clear();
  EXPECT_EQ(right, 4 * 200 * 3);
}

TEST(Credentials, TenantIds) {
  EXPECT_TRUE(valid_tenant_id("a"));
  EXPECT_TRUE(valid_tenant_id("0-acme-"));
  EXPECT_TRUE(valid_tenant_id(std::string(63, 'a')));
  for (const std::string& text : {std::string{}, std::string{"-a"}, std::string{"Acme"}, std::string{"a_b"},
                                  std::string{"a.b"}, std::string(64, 'a')}) {
    EXPECT_FALSE(valid_tenant_id(text)) << text;
  }
}

TEST(Credentials, Hashes) {
  EXPECT_EQ(sha256("abc"), parse_sha256("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
  EXPECT_FALSE(parse_sha256(""));
  EXPECT_FALSE(parse_sha256(std::string(63, '0')));
  EXPECT_FALSE(parse_sha256(std::string(63, '0') + "g"));
  EXPECT_FALSE(parse_sha256(std::string(65, '0')));
}

}  // namespace
}  // namespace onetake::tenant
