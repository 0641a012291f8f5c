// Several servers on one PostgreSQL and one bucket: what one has fetched outlives it.

#include "story/bucket.hpp"
#include "story/shared_database.hpp"
#include "story/story.hpp"

namespace onetake::story {
namespace {

// The only node that has the file is gone: another brings it back from the copy, and the provider is not asked.
TEST(NodesDurable, TheOnlyHolderIsGone) {
  Storage storage;
  Provider provider;
  const SharedDatabase database;
  auto one = std::make_unique<Server>(provider, database.node(storage.settings()));
  Server two{provider, database.node(storage.settings({{"server.role", "\"api\""}}))};
  auto call = provider.has("CA1", speech(5s));
  one->has(call);
  ASSERT_EQ(one->fetched("CA1"), "ready");
  one->until("onetake_durable_copies_total", "made", 1);
  const auto head = one->head(stream("CA1"));
  const auto relayed = two.get(stream("CA1"));
  EXPECT_TRUE(relayed.body == call.audio.bytes());
  EXPECT_EQ(two.files("audio"), 0U) << "while the other lives it passes on";

  one->kill();
  auto people = two.play(call, 3);
  people.until_the_end();
  EXPECT_THAT(people, Each(HeardExactly(call.audio)));
  EXPECT_EQ(people[0].field("ETag"), head.field("ETag"));
  EXPECT_EQ(people[0].field("Last-Modified"), head.field("Last-Modified"));
  two.until("onetake_durable_fills_total", "filled", 1);
  EXPECT_EQ(two.files("audio"), 1U);
  EXPECT_EQ(call.requests(), 1U);
  EXPECT_EQ(database.ask("SELECT count(*), max(cycle) FROM run"), "1|1\n");

  // Erased by one, it is gone from the bucket and from both disks.
  EXPECT_THAT(two.del(recording("CA1")), Has(204));
  EXPECT_TRUE(storage.has_objects(0));
  one->start();
  EXPECT_TRUE(Server::eventually([&] { return one->files("audio") == 0; }));
}

// Erased at one while it comes back at the other, from a storage that sends nothing more: who listens there is cut.
TEST(NodesDurable, ErasedAtOneWhileItComesBackAtTheOther) {
  Storage storage;
  Provider provider;
  const SharedDatabase database;
  Server one{provider, database.node(storage.settings())};
  Server two{provider, database.node(storage.settings())};
  auto call = provider.has("CA1", speech(5s));
  one.has(call);
  ASSERT_EQ(one.fetched("CA1"), "ready");
  one.until("onetake_durable_copies_total", "made", 1);
  one.kill();
  storage.pausing = true;
  auto people = two.play(call, 2);
  people.until_heard(1000);
  one.start();

  EXPECT_THAT(one.del(recording("CA1")), Has(204));
  people.until_the_end();
  EXPECT_THAT(people, Each(WasCutBefore(call.audio.size())));
  EXPECT_TRUE(Server::eventually([&] { return two.files("temporary") == 0; }));
  EXPECT_EQ(two.files("audio"), 0U);
  storage.go_on();
}

// Evicted or lost, it comes back under the name that it had: the removal of what nothing points to is not meant for it.
TEST(NodesDurable, WhatComesBackOutlastsTheRemovalOfOthers) {
  Storage storage;
  Provider provider;
  const SharedDatabase database;
  Server one{provider, database.node(storage.settings())};
  const Server two{provider, database.node(storage.settings())};
  auto call = provider.has("CA1", speech(5s));
  one.has(call);
  ASSERT_EQ(one.fetched("CA1"), "ready");
  one.until("onetake_durable_copies_total", "made", 1);
  one.rot();
  one.stop();
  one.start();
  ASSERT_TRUE(Server::eventually([&] { return one.files("quarantine") == 1; }));
  storage.pausing = true;
  auto people = one.play(call, 2);
  people.until_heard(1000);

  // Something else is removed here meanwhile, and so it was looked for.
  one.has(provider.has("CA2", speech(1s)));
  ASSERT_EQ(one.fetched("CA2"), "ready");
  EXPECT_THAT(two.del(recording("CA2")), Has(204));
  EXPECT_TRUE(Server::eventually([&] { return one.files("audio") == 0; }));
  storage.go_on();
  people.until_the_end();
  EXPECT_THAT(people, Each(HeardExactly(call.audio)));
  EXPECT_EQ(call.requests(), 1U);
  EXPECT_TRUE(Server::eventually([&] { return one.files("audio") == 1; }));
}

}  // namespace
}  // namespace onetake::story
