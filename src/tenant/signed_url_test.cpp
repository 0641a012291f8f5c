#include "tenant/signed_url.hpp"

#include <gmock/gmock.h>

// The signatures were computed by Python's hmac and base64.
namespace onetake::tenant {
namespace {

using namespace std::chrono_literals;

const MacKey acme{"acme-url-secret-0123"};
constexpr std::string_view path = "/api/recordings/CA1/stream";
constexpr std::string_view query =
    "tenant=acme&expires=1764000000&kid=k1&sig=GpRXnIfTaRSKOhjg08Jg3ozbB3dBGF0ii_ZaH2e5Dig";
constexpr WallTime expiry{1764000000s};

TEST(Mac, IsThatOfRfc4231) {
  EXPECT_EQ(view(MacKey{"Jefe"}.sign({"what do ya want ", "for nothing?"})),
            "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM");
}

TEST(Mac, TakesSecretsOfAnyLength) {
  EXPECT_EQ(view(MacKey{""}.sign({"abc"})), "_XrbFSwF74Dcz1Ch-kwF1aPsbalVdfwxKufF0JGDY1E");
  EXPECT_EQ(view(MacKey{std::string(200, 'x')}.sign({"m"})), "HPfGWFaQVpYuspm8OGtlFeSHvOKO7YU7856dMC5tOAw");
}

TEST(Mac, IsThatOfThePartsTogether) {
  const std::string a(600, 'a'), b(500, 'b'), c(20, 'c');
  const MacKey key{"Jefe"};
  EXPECT_EQ(view(key.sign({a, b, c})), "puAiEC3SEu6ursYSrfgM61AHBhw_u1KnOyIKBWpqzm0");
  EXPECT_EQ(key.sign({a + b + c}), key.sign({a, b, c}));
  EXPECT_EQ(key.sign({c, b, c, "", b}), key.sign({c + b + c + b}));
}

// More secrets than a thread keeps contexts for, each used again after the others.
TEST(Mac, SecretsDoNotMeetInAThread) {
  std::vector<MacKey> keys;
  std::vector<MacText> first;
  for (int i = 0; i < 200; ++i) {
    keys.emplace_back("secret " + std::to_string(i));
    first.push_back(keys.back().sign({"message"}));
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(keys[i].sign({"message"}), first[i]);
    EXPECT_EQ(MacKey{"secret " + std::to_string(i)}.sign({"mess", "age"}), first[i]);
  }
  EXPECT_NE(first[0], first[64]);
}

TEST(Mac, HasOneTextOnly) {
  // The last character carries 4 bits; a decoder would take 'h', whose other 2 bits are not 0, for the same 'g'.
  EXPECT_TRUE(
      acme.verify("GpRXnIfTaRSKOhjg08Jg3ozbB3dBGF0ii_ZaH2e5Dig", {"onetake-url-v1\n", path, "\nacme\n1764000000"}));
  EXPECT_FALSE(
      acme.verify("GpRXnIfTaRSKOhjg08Jg3ozbB3dBGF0ii_ZaH2e5Dih", {"onetake-url-v1\n", path, "\nacme\n1764000000"}));
  EXPECT_FALSE(
      acme.verify("GpRXnIfTaRSKOhjg08Jg3ozbB3dBGF0ii_ZaH2e5Dig=", {"onetake-url-v1\n", path, "\nacme\n1764000000"}));
  EXPECT_FALSE(acme.verify("", {"onetake-url-v1\n", path, "\nacme\n1764000000"}));
}

TEST(SignedUrl, IsPathAndQuery) {
  EXPECT_EQ(signed_url(path, TenantId{"acme"}, "k1", acme, std::chrono::sys_seconds{1764000000s}),
            std::string{path} + '?' + std::string{query});
}

TEST(SignedUrl, KeepsAQueryThatIsNotSigned) {
  EXPECT_EQ(signed_url(std::string{path} + "?download=1", TenantId{"acme"}, "k1", acme,
                       std::chrono::sys_seconds{1764000000s}),
            std::string{path} + "?download=1&" + std::string{query});
}

TEST(SignedUrl, SignsThePathAsItIsSent) {
  const auto claim = url_claim("tenant=acme&expires=1764000000&kid=k2&sig=ln4ry-jRd18jn-mA-mZfBaqH7YqBk3yDdyJF5W9PwzE");
  const MacKey key{"k2"};
  EXPECT_EQ(verify(*claim, "/api/recordings/CA%2d1/peaks", key, expiry - 1s), Verdict::good);
  EXPECT_EQ(verify(*claim, "/api/recordings/CA%2D1/peaks", key, expiry - 1s), Verdict::wrong);
  EXPECT_EQ(verify(*claim, "/api/recordings/CA-1/peaks", key, expiry - 1s), Verdict::wrong);
}

TEST(SignedUrl, ExpiresWithTheSecondThatItNames) {
  const auto claim = url_claim(query);
  ASSERT_TRUE(claim);
  EXPECT_EQ(verify(*claim, path, acme, expiry - 1ms), Verdict::good);
  EXPECT_EQ(verify(*claim, path, acme, expiry), Verdict::expired);
  EXPECT_EQ(verify(*claim, path, acme, expiry + 24h), Verdict::expired);
}

TEST(SignedUrl, SignsEveryPartOfIt) {
  const auto claim = *url_claim(query);
  const auto now = expiry - 1s;
  auto other = claim;
  other.tenant = "beta";
  EXPECT_EQ(verify(other, path, acme, now), Verdict::wrong);
  other = claim;
  other.expires = "1764000001";
  EXPECT_EQ(verify(other, path, acme, now), Verdict::wrong);
  EXPECT_EQ(verify(claim, "/api/recordings/CA2/stream", acme, now), Verdict::wrong);
  EXPECT_EQ(verify(claim, path, MacKey{"another"}, now), Verdict::wrong);
}

// Whoever has the secret may sign nonsense; it opens nothing.
TEST(SignedUrl, WantsANumberOfSeconds) {
  for (const std::string_view expires : {"", "soon", "1764000000x", "+1764000000", "99999999999999999999"}) {
    const MacText signature = acme.sign({"onetake-url-v1\n", path, "\nacme\n", expires});
    const UrlClaim claim{"acme", expires, "k1", view(signature)};
    EXPECT_EQ(verify(claim, path, acme, WallTime{}), Verdict::wrong) << expires;
  }
}

TEST(UrlClaim, HasEachOfTheFourOnce) {
  EXPECT_FALSE(url_claim(""));
  EXPECT_FALSE(url_claim("tenant=a&expires=1&kid=k"));
  EXPECT_FALSE(url_claim("tenant=a&expires=1&kid=k&sig=s&tenant=a"));
  EXPECT_FALSE(url_claim("tenant&tenant=a&expires=1&sig=s"));
  const auto claim = url_claim("x=1&sig=s&play=&kid=k&&expires=1&tenant=a&y");
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->tenant, "a");
  EXPECT_EQ(claim->expires, "1");
  EXPECT_EQ(claim->kid, "k");
  EXPECT_EQ(claim->signature, "s");
}

TEST(UrlClaim, IsMeantWhereAnyPartOfItIsASignature) {
  EXPECT_TRUE(has_signature("a=b&sig="));
  EXPECT_TRUE(has_signature("sig"));
  EXPECT_FALSE(has_signature("signature=x&asig=y"));
  EXPECT_FALSE(has_signature(""));
}

}  // namespace
}  // namespace onetake::tenant
