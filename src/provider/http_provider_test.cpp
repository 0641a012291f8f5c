#include "provider/http_provider.hpp"

#include <gmock/gmock.h>

#include "provider/harness_test.hpp"
#include "provider/scripted_server_test.hpp"

namespace onetake::provider::test {
namespace {

using testing::HasSubstr;

class Http : public testing::Test {
 protected:
  std::shared_ptr<Provider> with(std::vector<std::string> hosts, Limits limits = {}) {
    return make({.name = "web", .type = "http", .allowed_hosts = std::move(hosts)}, limits, harness.transfers());
  }
  static std::optional<Fault> fault(const Provider& provider, std::string url) {
    Registration registration;
    registration.source_url = std::move(url);
    const auto admitted = provider.admits(registration);
    return admitted ? std::nullopt : std::optional{admitted.error().fault};
  }

  Harness harness;
};

TEST_F(Http, AdmitsTheHostsOfItsList) {
  const auto provider = with({"media.example.com", "files.example.com:8443"});
  for (const char* url :
       {"https://media.example.com/a.wav?sig=1", "https://MEDIA.example.com:444/", "https://files.example.com:8443/x"})
    EXPECT_EQ(fault(*provider, url), std::nullopt) << url;
  for (const char* url : {"https://example.com/", "https://files.example.com/", "https://media.example.com.evil.com/",
                          "https://evil.com/media.example.com", "https://evil.com#media.example.com"})
    EXPECT_EQ(fault(*provider, url), Fault::source_not_allowed) << url;
}

TEST_F(Http, AdmitsAnyPublicHostWithAStar) {
  const auto provider = with({"*"});
  EXPECT_EQ(fault(*provider, "https://anything.example.com/a"), std::nullopt);
  EXPECT_EQ(fault(*provider, "https://8.8.8.8/a"), std::nullopt);
  for (const char* url : {"https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f.0.0.1/",
                          "https://0/", "https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://localhost/",
                          "https://10.0.0.1./", "https://169.254.169.254/latest/meta-data/",
                          "http://anything.example.com/a", "ftp://example.com/", "https://u@example.com/"})
    EXPECT_EQ(fault(*provider, url), Fault::source_not_allowed) << url;
  for (const char* url : {"", "a.wav", "//example.com/"}) EXPECT_EQ(fault(*provider, url), Fault::bad_body) << url;
}

TEST_F(Http, AdmitsWhatTheOperatorAllows) {
  const auto provider =
      with({"*"}, {.allow_addresses = {Cidr::parse("10.1.0.0/16").value()}, .allow_plain_http = true});
  EXPECT_EQ(fault(*provider, "http://10.1.2.3/a"), std::nullopt);
  EXPECT_EQ(fault(*provider, "http://10.2.2.3/a"), Fault::source_not_allowed);
}

TEST_F(Http, FollowsRedirectsToHostsOfItsListOnly) {
  ScriptedServer other{[](const Seen&, Peer& peer) { peer.send(answer("200 OK", "hello")); }};
  ScriptedServer server{[&](const Seen&, Peer& peer) {
    peer.send(answer("302 Found", "", "Location: " + other.url("/?sig=hidden") + "\r\n"));
  }};
  const auto here = "127.0.0.1:" + std::to_string(server.port());
  KeepingSink sink;
  const auto outcome = harness.run(with({here}, loopback_limits())->fetch(asking(server.url("/")), sink));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().setback.cause, Cause::refused);
  EXPECT_THAT(outcome.error().setback.detail, HasSubstr("allowed_hosts"));
  EXPECT_THAT(outcome.error().setback.detail, testing::Not(HasSubstr("hidden")));
  EXPECT_EQ(other.connections(), 0);

  const auto there = "127.0.0.1:" + std::to_string(other.port());
  EXPECT_TRUE(harness.run(with({here, there}, loopback_limits())->fetch(asking(server.url("/")), sink)));
}

TEST(Settings, SayWhatIsWrong) {
  const auto key = [](const Settings& settings) {
    const auto fault = check(settings);
    return fault ? fault->key : "";
  };
  EXPECT_EQ(key({.name = "a", .type = "s3"}), "type");
  EXPECT_EQ(key({.name = "a", .type = "http"}), "allowed_hosts");
  EXPECT_EQ(key({.name = "a", .type = "http", .allowed_hosts = {"https://x"}}), "allowed_hosts");
  EXPECT_EQ(key({.name = "a", .type = "http", .allowed_hosts = {"*"}, .headers = {{"A b", "c"}}}), "headers");
  EXPECT_EQ(key({.name = "a", .type = "http", .allowed_hosts = {"*"}, .headers = {{"A", "b\r\nC: d"}}}), "headers");
  EXPECT_EQ(key({.name = "a", .type = "http", .allowed_hosts = {"*"}, .headers = {{"Range", "bytes=0-"}}}), "headers");
  EXPECT_EQ(key({.name = "a", .type = "http", .allowed_hosts = {"*"}, .headers = {{"X-Key", "v"}}}), "");
  const Settings twilio{
      .name = "a", .type = "twilio", .base_url = "https://api.twilio.com", .account_sid = "AC1", .auth_token = "t"};
  EXPECT_EQ(key(twilio), "");
  auto odd = twilio;
  odd.base_url = "api.twilio.com";
  EXPECT_EQ(key(odd), "base_url");
  odd = twilio;
  odd.account_sid = "AC1/../x";
  EXPECT_EQ(key(odd), "account_sid");
  odd = twilio;
  odd.auth_token = "";
  EXPECT_EQ(key(odd), "auth_token");
  EXPECT_THAT(supported_types(), testing::ElementsAre("http", "twilio"));
}

}  // namespace
}  // namespace onetake::provider::test
