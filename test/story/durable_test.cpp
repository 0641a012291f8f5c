// The durable copy on S3-compatible storage: made without anybody waiting for it, and played from when the disk has
// nothing any more.

#include <csignal>

#include "story/bucket.hpp"
#include "story/story.hpp"

namespace onetake::story {
namespace {

namespace fs = std::filesystem;

std::string bytes(Bytes count) { return '"' + std::to_string(count) + '"'; }

/// Two recordings of which one fits; the first has been played and has made way for the second.
class Evicted : public testing::Test {
 protected:
  Evicted() {
    server.has(first);
    server.has(second);
    EXPECT_EQ(server.fetched("CA1"), "ready");
    EXPECT_TRUE(durable(1));
    const auto head = server.head(stream("CA1"));
    etag = head.field("ETag");
    modified = head.field("Last-Modified");
    EXPECT_EQ(server.fetched("CA2"), "ready");
    EXPECT_TRUE(durable(2));
    EXPECT_EQ(server.files("audio"), 1U);
    EXPECT_EQ(server.get(recording("CA1"))["/state"], "ready");
  }
  [[nodiscard]] bool durable(double count) const {
    return Server::eventually([&] { return server.metric("onetake_durable_copies_total", "made") >= count; });
  }
  void rot(bool gone = false) {
    const auto key = storage.key(server, "CA1");
    auto object = storage.bucket().objects().at(key);
    object.bytes[object.bytes.size() / 2] ^= 1;
    if (gone) object.bytes.clear();
    storage.bucket().put(key, object);
  }

  Storage storage;
  Provider provider;
  Call first = provider.has("CA1", speech(5s));
  Call second = provider.has("CA2", speech(5s));
  Server server{provider, storage.settings({{"cache.max_bytes", bytes(first.audio.size() * 3 / 2)},
                                            {"server.stream_wait", "\"1s\""}})};
  std::string etag;
  std::string modified;
};

TEST(Durable, WhatIsPlayedIsCopied) {
  Storage storage;
  Provider provider;
  Server server{provider, storage.settings()};
  auto call = provider.has("CA1", speech(5s));
  server.has(call);
  auto person = server.play(call);
  person.until_the_end();

  EXPECT_THAT(person, Each(HeardExactly(call.audio)));
  ASSERT_TRUE(storage.has_objects(1));
  EXPECT_EQ(storage.bucket().objects().at(storage.key(server, "CA1")).bytes.size(), call.audio.size());
  server.until("onetake_durable_copies_total", "made", 1);
  EXPECT_EQ(call.requests(), 1U);
}

// A long one goes to the storage while it arrives, and can be read there only when every check has passed.
TEST(Durable, ALongOneGrowsWhileItArrives) {
  Storage storage;
  Provider provider;
  Server server{provider, storage.settings()};
  auto call = provider.has("CA1", wav(24'000'000)).answering(hold_at(0.7, "late"));
  server.has(call);
  auto person = server.play(call);
  call.until(held("late"));
  ASSERT_TRUE(storage.has_a_part());
  EXPECT_THAT(storage.bucket().objects(), IsEmpty());

  call.release("late");
  person.until_the_end();
  EXPECT_THAT(person, Each(HeardExactly(call.audio)));
  server.until("onetake_durable_copies_total", "made", 1);
  EXPECT_EQ(storage.bucket().objects().begin()->second.bytes.size(), call.audio.size());
  EXPECT_THAT(storage.bucket().uploads(), IsEmpty());
}

// What turns out to be no recording leaves nothing there.
TEST(Durable, AnAbandonedOneIsTakenBack) {
  Storage storage;
  Provider provider;
  Server server{provider, storage.settings({{"fetch.max_attempts", "1"}})};
  auto call = provider.has("CA1", wav(24'000'000)).answering(hold_at(0.7, "late"));
  server.has(call);
  auto person = server.play(call);
  call.until(held("late"));
  ASSERT_TRUE(storage.has_a_part());
  EXPECT_THAT(server.del(recording("CA1")), Has(204));
  person.until_the_end();
  EXPECT_TRUE(Server::eventually([&] { return storage.bucket().uploads().empty(); }));
  EXPECT_THAT(storage.bucket().objects(), IsEmpty());
}

// The storage is down when a recording is ready: nobody waits for it, and it gets its copy when it is back.
TEST(Durable, WhileTheStorageIsDownNobodyWaits) {
  Storage storage;
  storage.down = true;
  Provider provider;
  Server server{provider, storage.settings()};
  auto call = provider.has("CA1", speech(5s));
  server.has(call);
  EXPECT_EQ(server.fetched("CA1"), "ready");
  EXPECT_THAT(server.get(stream("CA1")), Has(200));
  EXPECT_THAT(storage.bucket().objects(), IsEmpty());
  storage.down = false;
  EXPECT_TRUE(storage.has_objects(1));
}

// Killed behind the pointer and before the copy: the next life makes it.
TEST(Durable, WhatAKillHasPreventedIsCopiedAfterTheStart) {
  Storage storage;
  storage.down = true;
  Provider provider;
  Server server{provider, storage.settings()};
  for (const auto* const sid : {"CA1", "CA2"}) {
    auto call = provider.has(sid, speech(5s));
    server.has(call);
    ASSERT_EQ(server.fetched(sid), "ready");
  }
  server.signal(SIGKILL);
  ASSERT_EQ(server.wait(), -SIGKILL);
  storage.down = false;
  server.start();
  EXPECT_TRUE(storage.has_objects(2));
  server.until("onetake_durable_copies_total", "made", 2);
}

// What was recorded before there was a storage gets its copy too.
TEST(Durable, WhatIsThereAlreadyIsCopied) {
  Storage storage;
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s));
  server.has(call);
  ASSERT_EQ(server.fetched("CA1"), "ready");
  ASSERT_EQ(server.stop(), 0);
  server.start(storage.settings());
  EXPECT_TRUE(storage.has_objects(1));
}

// Evicted, it comes back from there: no run, no question to the provider, the same recording to the byte and the field.
TEST_F(Evicted, PlaysAgainFromItsCopy) {
  auto people = server.play(first, 10);
  people.until_the_end();
  EXPECT_THAT(people, Each(HeardExactly(first.audio)));
  EXPECT_EQ(people[0].field("ETag"), etag);
  EXPECT_EQ(people[0].field("Last-Modified"), modified);
  EXPECT_EQ(people[0].field("Content-Length"), std::to_string(first.audio.size()));

  EXPECT_EQ(first.requests(), 1U);
  EXPECT_EQ(server.get(recording("CA1"))["/run/cycle"], "1");
  server.until("onetake_durable_fills_total", "filled", 1);
  EXPECT_EQ(server.metric("onetake_durable_fills_total"), 1);
  EXPECT_THAT(server.get(stream("CA1"), {"If-None-Match: " + etag}), Has(304));
  EXPECT_TRUE(Server::eventually([&] { return server.files("temporary") == 0; }));
  EXPECT_EQ(server.files("audio"), 1U) << "the other one has made way";
}

// While it comes back it is heard from the first byte on, and a Range far ahead is answered at once.
TEST_F(Evicted, IsHeardWhileItComesBack) {
  storage.pausing = true;
  auto person = server.play(first);
  person.until_heard(1000);
  const auto size = first.audio.size();
  auto seeking = server.listen(
      server.request("GET", stream("CA1"), {"Range: bytes=" + std::to_string(size - 5000) + "-"}), 1, first.audio);
  seeking.until([](const Listener& each) { return each.status() != 0; });
  EXPECT_THAT(person, Each(IsStillListening()));
  EXPECT_THAT(seeking, Each(IsAnswered(206)));
  const auto head = server.head(stream("CA1"));
  EXPECT_THAT(head, Has(200));
  EXPECT_EQ(head.field("ETag"), etag);
  EXPECT_EQ(head.field("Content-Length"), std::to_string(size));
  EXPECT_THAT(server.get(stream("CA1"), {"Range: bytes=" + std::to_string(size) + "-"}), Has(416));
  EXPECT_THAT(server.post(recording("CA1") + "/fetch"), Has(200));

  storage.go_on();
  person.until_the_end();
  seeking.until_the_end();
  EXPECT_THAT(person, Each(HeardExactly(first.audio)));
  EXPECT_THAT(seeking, Each(HeardFrom(size - 5000, 5000)));
  server.until("onetake_durable_fills_total", "filled", 1);
  EXPECT_EQ(server.metric("onetake_durable_fills_total"), 1);
  EXPECT_EQ(first.requests(), 1U);
}

TEST_F(Evicted, ErasedWhileItComesBackItIsCut) {
  storage.pausing = true;
  auto person = server.play(first);
  person.until_heard(1000);
  EXPECT_THAT(server.del(recording("CA1")), Has(204));
  storage.go_on();
  person.until_the_end();
  EXPECT_THAT(person, Each(WasCutBefore(first.audio.size())));
  EXPECT_THAT(server.get(stream("CA1")), IsProblem(404, "recording_not_found"));
  EXPECT_TRUE(storage.has_objects(1));
  EXPECT_TRUE(Server::eventually([&] { return server.files("temporary") == 0; }));
}

// The copy has rotted: nobody takes it for the recording, it goes, and the provider is asked again.
TEST_F(Evicted, ARottenCopyIsFetchedAgain) {
  rot();
  storage.pausing = true;  // until somebody hears it
  auto person = server.play(first);
  person.until_heard(1000);
  storage.go_on();
  person.until_the_end();
  EXPECT_THAT(person, Each(Not(HeardExactly(first.audio))));
  EXPECT_EQ(person[0].standing(), Standing::cut);
  server.until("onetake_durable_fills_total", "spoiled", 1);

  auto again = server.play(first);
  again.until_the_end();
  EXPECT_THAT(again, Each(HeardExactly(first.audio)));
  EXPECT_EQ(first.requests(), 2U);
  ASSERT_EQ(server.settled("CA1"), "ready");
  EXPECT_EQ(server.get(recording("CA1"))["/run/cycle"], "2");
  EXPECT_NE(again[0].field("ETag"), etag);
  server.until("onetake_durable_copies_total", "made", 3);
  EXPECT_TRUE(storage.has_objects(2)) << "the rotten one is removed";
}

// Of another length it is found out before anybody hears of it: the same press is a fetch.
TEST_F(Evicted, ACopyOfAnotherLengthIsNotBegun) {
  rot(true);
  auto person = server.play(first);
  person.until_the_end();
  EXPECT_THAT(person, Each(HeardExactly(first.audio)));
  EXPECT_EQ(server.get(recording("CA1"))["/run/cycle"], "2");
  EXPECT_EQ(server.metric("onetake_durable_fills_total", "spoiled"), 1);
}

// The storage is away: it is said, and heals by itself.
TEST_F(Evicted, WhileTheStorageIsAwayItIsSaid) {
  storage.down = true;
  const auto got = server.get(stream("CA1"));
  EXPECT_THAT(got, IsProblem(503, "unavailable"));
  EXPECT_THAT(got["/detail"], HasSubstr("storage"));
  EXPECT_FALSE(got.field("Retry-After").empty());
  EXPECT_THAT(server.get(stream("CA2")), Has(200));
  storage.down = false;
  auto person = server.play(first);
  person.until_the_end();
  EXPECT_THAT(person, Each(HeardExactly(first.audio)));
  EXPECT_EQ(first.requests(), 1U);
}

// The bucket's name is wrong for a while, or a proxy answers in the storage's place: that is nobody's word that there
// is no copy.
TEST_F(Evicted, AMisconfiguredStorageLosesNothing) {
  for (const auto& said : {durable::test::refusal("404 Not Found", "NoSuchBucket"),
                           provider::test::answer("404 Not Found", "<html><body>Not Found<br></body></html>"),
                           provider::test::answer("404 Not Found", "")}) {
    storage.answer([said](const auto& seen) { return Storage::nothing_there(seen, said); });
    EXPECT_THAT(server.get(stream("CA1")), IsProblem(503, "unavailable")) << said;
    EXPECT_EQ(server.get(recording("CA1"))["/state"], "ready") << said;
  }
  storage.answer({});
  auto person = server.play(first);
  person.until_the_end();
  EXPECT_THAT(person, Each(HeardExactly(first.audio)));
  EXPECT_EQ(person[0].field("ETag"), etag);
  EXPECT_EQ(first.requests(), 1U);
  EXPECT_EQ(storage.bucket().objects().size(), 2U);
  EXPECT_EQ(server.metric("onetake_durable_fills_total", "spoiled"), 0);
}

// A proxy answers every request with a page of its own, which is not the recording: nobody hears it, and the copy
// stays.
TEST_F(Evicted, APageOfSomebodyInBetweenLosesNothing) {
  storage.answer([](const auto& seen) {
    const std::string page = "<html><body>Please log in</body></html>";
    return seen.method == "HEAD" ? "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(page.size()) + "\r\n\r\n"
                                 : provider::test::answer("200 OK", page);
  });
  EXPECT_THAT(server.get(stream("CA1")), IsProblem(503, "unavailable"));
  EXPECT_EQ(server.get(recording("CA1"))["/state"], "ready");
  storage.answer({});
  auto person = server.play(first);
  person.until_the_end();
  EXPECT_THAT(person, Each(HeardExactly(first.audio)));
  EXPECT_EQ(first.requests(), 1U);
}

// One read of it comes spoiled, and the copy is whole: it is read once more and not given up.
TEST_F(Evicted, ACopyThatIsWholeAtTheSecondReadIsKept) {
  auto object = storage.bucket().objects().at(storage.key(server, "CA1"));
  object.bytes[object.bytes.size() / 2] ^= 1;
  storage.answer([object, read = 0](const auto& seen) mutable {
    const bool spoiled = seen.method == "GET" && seen.field("range").empty() && read++ == 0;
    return spoiled ? provider::test::answer("200 OK", object.bytes, "ETag: " + object.etag + "\r\n") : "";
  });
  auto cut = server.play(first);
  cut.until_the_end();
  server.until("onetake_durable_fills_total", "filled", 1);
  auto person = server.play(first);
  person.until_the_end();
  EXPECT_THAT(person, Each(HeardExactly(first.audio)));
  EXPECT_EQ(server.metric("onetake_durable_fills_total", "spoiled"), 0);
  EXPECT_EQ(first.requests(), 1U);
}

// Something in between does not let one recording through: all others get their copies, and it is said that one waits.
TEST(Durable, OneThatIsNotTakenHoldsUpNobody) {
  Storage storage;
  Provider provider;
  Server server{provider, storage.settings()};
  auto large = provider.has("CA1", speech(5s));
  server.has(large);
  storage.answer([key = "/audio/" + server.get(recording("CA1"))["/id"]](const auto& seen) {
    return seen.target.contains(key) ? provider::test::answer("413 Content Too Large", "<html></html>") : "";
  });
  ASSERT_EQ(server.fetched("CA1"), "ready");
  server.until("onetake_durable_copies_total", "failed", 1);
  for (const auto* const sid : {"CA2", "CA3"}) {
    auto call = provider.has(sid, speech(5s));
    server.has(call);
    ASSERT_EQ(server.fetched(sid), "ready");
  }
  server.until("onetake_durable_copies_total", "made", 2);
  EXPECT_TRUE(storage.has_objects(2));
  EXPECT_TRUE(Server::eventually([&] { return server.metric("onetake_durable_pending") == 1; }));
}

// The disk has lost the file: the copy replaces it.
TEST(Durable, ALostFileComesBack) {
  Storage storage;
  Provider provider;
  Server server{provider, storage.settings()};
  auto call = provider.has("CA1", speech(5s));
  server.has(call);
  ASSERT_EQ(server.fetched("CA1"), "ready");
  server.until("onetake_durable_copies_total", "made", 1);
  ASSERT_EQ(server.stop(), 0);
  for (const auto& entry : fs::recursive_directory_iterator{server.folder() / "data" / "audio"})
    if (entry.is_regular_file()) fs::remove(entry.path());
  server.start();
  auto person = server.play(call);
  person.until_the_end();
  EXPECT_THAT(person, Each(HeardExactly(call.audio)));
  EXPECT_EQ(call.requests(), 1U);
  EXPECT_EQ(server.settled("CA1"), "ready");
}

// Erased, replaced, retired: the copy goes too, also where the storage is away for a while.
TEST(Durable, WhatIsErasedIsErasedThere) {
  Storage storage;
  Provider provider;
  Server server{provider, storage.settings()};
  auto erased = provider.has("CA1", speech(5s));
  auto replaced = provider.has("CA2", speech(5s));
  for (const auto& call : {erased, replaced}) {
    server.has(call);
    ASSERT_EQ(server.fetched(call.sid), "ready");
  }
  server.until("onetake_durable_copies_total", "made", 2);
  EXPECT_THAT(server.del(recording("CA1")), Has(204));
  EXPECT_EQ(storage.bucket().objects().size(), 1U) << "before the answer";
  server.until("onetake_durable_removed_total", "", 1);
  storage.down = true;
  server.has(replaced, "web");  // another source
  storage.down = false;
  EXPECT_TRUE(storage.has_objects(0));
  server.until("onetake_durable_removed_total", "", 2);
}

}  // namespace
}  // namespace onetake::story
