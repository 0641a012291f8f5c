// What several nodes count together adds up: whoever listens is counted where they asked.

#include "story/shared_database.hpp"
#include "story/story.hpp"

namespace onetake::story {
namespace {

// A node that is asked by a node counts neither the first byte nor the seek, live or ready.
TEST(NodesNumbers, AListenerIsCountedOnce) {
  Provider provider;
  const SharedDatabase database;
  Server worker{provider, database.node({{"server.role", "\"worker\""}})};
  Server api{provider, database.node({{"server.role", "\"api\""}})};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half"));
  api.has(call);

  auto person = api.play(call);
  person.until_heard(1000);
  call.release("half");
  person.until_the_end();
  EXPECT_THAT(person, Each(HeardExactly(call.audio)));
  EXPECT_EQ(api.metric("onetake_first_byte_seconds"), 1);
  EXPECT_EQ(worker.metric("onetake_first_byte_seconds"), 0);

  EXPECT_EQ(api.settled("CA1"), "ready");
  EXPECT_THAT(api.get(stream("CA1"), {"Range: bytes=1000-"}), Has(206));
  api.until("onetake_first_byte_seconds", {}, 2);
  EXPECT_EQ(api.metric("onetake_first_byte_seconds"), 2);
  EXPECT_EQ(worker.metric("onetake_first_byte_seconds"), 0);
  EXPECT_EQ(api.metric("onetake_seek_requests_total"), 1);
  EXPECT_EQ(worker.metric("onetake_seek_requests_total"), 0);

  EXPECT_THAT(worker.get(stream("CA1")), Has(200));
  EXPECT_EQ(worker.metric("onetake_first_byte_seconds", "ready"), 1);
}

}  // namespace
}  // namespace onetake::story
