// Tenants take turns: however much one of them has queued, another's recording comes as soon as a place is free.

#include "story/story.hpp"

namespace onetake::story {
namespace {

TEST(Turns, AHundredQueuedRunsHoldUpNobodyElse) {
  constexpr int queued = 100;
  constexpr std::uint64_t slots = 4;
  Provider provider;
  Server server{provider, {{"fetch.max_concurrent", std::to_string(slots)}}};
  const auto crowd = provider.has("CA-crowd", speech(1s)).answering(times(queued, before_first_byte("go")));
  auto connection = server.connect();
  const auto ask = [&](const std::string& method, const std::string& path, const std::string& body,
                       const Fields& fields = {}) {
    connection.send(server.request(method, path, fields, body));
    return connection.answer().status;
  };
  const auto source = R"({"provider": "web", "source_url": ")" + crowd.media_url() + "\"}";
  for (int n = 0; n < queued; ++n) {
    const auto path = recording("CA" + std::to_string(n));
    ASSERT_EQ(ask("PUT", path, source), 201);
    ASSERT_EQ(ask("POST", path + "/fetch", ""), 202);
  }
  auto call = provider.has("CA-other", speech(2s, {.seed = 2}));
  ASSERT_EQ(
      ask("PUT", recording("CA-other"), R"({"provider": "web", "source_url": ")" + call.media_url() + "\"}", {globex}),
      201);
  ASSERT_EQ(server.metric("onetake_runs", "queued"), queued - static_cast<int>(slots));

  auto person = server.play(call, 1, {globex});
  server.until("onetake_run_admissions_total", "created", queued + 1);
  const auto before = crowd.requests();
  crowd.release("go");
  person.until_heard(1);
  const auto meanwhile = crowd.requests() - before;
  person.until_the_end();

  EXPECT_THAT(person, Each(HeardExactly(call.audio)));
  EXPECT_LE(meanwhile, 2 * slots) << "two transfers of each place";
}

}  // namespace
}  // namespace onetake::story
