#include "provider/http_provider.hpp"

#include <gmock/gmock.h>

#include "base/metrics.hpp"
#include "provider/harness_test.hpp"
#include "provider/scripted_server_test.hpp"

namespace onetake::provider::test {
namespace {

using testing::ElementsAre;

class Http : public testing::Test {
 protected:
  Outcome fetch(const std::string& url, KeepingSink& sink) { return harness.run(provider->fetch(asking(url), sink)); }

  Settings settings{
      .name = "web", .type = "http", .allowed_hosts = {"127.0.0.1"}, .headers = {{"Authorization", "Bearer s3cret"}}};
  Harness harness;
  std::shared_ptr<Provider> provider = make(settings, loopback_limits(), harness.transfers());
};

TEST_F(Http, FetchesTheWholeRecording) {
  const std::string audio(300'000, 'a');
  ScriptedServer server{[&](const Seen&, Peer& peer) { peer.send(answer("200 OK", audio, "ETag: \"v1\"\r\n")); }};
  KeepingSink sink;

  const auto outcome = fetch(server.url("/a.wav?sig=1"), sink);

  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->framing, Framing::length);
  EXPECT_EQ(sink.bytes, audio);
  ASSERT_EQ(sink.begins, 1);
  EXPECT_EQ(sink.heads[0].total, audio.size());
  EXPECT_EQ(sink.heads[0].validator, "\"v1\"");
  const auto seen = server.seen();
  ASSERT_EQ(seen.size(), 1);
  EXPECT_EQ(seen[0].target, "/a.wav?sig=1");
  EXPECT_EQ(seen[0].field("authorization"), "Bearer s3cret");
  EXPECT_EQ(seen[0].field("accept-encoding"), "");
  EXPECT_EQ(seen[0].field("range"), "");
}

}  // namespace
}  // namespace onetake::provider::test
