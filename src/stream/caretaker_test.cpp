#include "stream/caretaker.hpp"

#include <gmock/gmock.h>

#include "stream/evictor.hpp"
#include "stream/test_published.hpp"

namespace onetake::stream {
namespace {

class CaretakerTest : public PublishedTest {
 protected:
  run::Flights flights_;
  Caretaker caretaker_{*ledger_, store_, disk_, flights_, shelf_};
  Evictor evictor_{*ledger_, store_, disk_, flights_, shelf_};
};

TEST_F(CaretakerTest, RemovesWhatNothingPointsTo) {
  publish("CA1", "some audio");
  loop_.run(ledger_->erase(acme, CallSid{"CA1"}, {}, wall_now()));
  ASSERT_TRUE(std::filesystem::exists(file("CA1")));
  EXPECT_EQ(loop_.run(caretaker_.sweep()), 1);
  EXPECT_FALSE(std::filesystem::exists(file("CA1")));
  EXPECT_EQ(loop_.run(caretaker_.sweep()), 0);
}

// Nothing is left on the list: what is fetched again may have the same name.
TEST_F(CaretakerTest, WhatWasEvictedIsNotRemovedAgain) {
  publish("CA1", "some audio");
  store_.space().occupy(store_.space().most());
  loop_.run(evictor_.make_room(1));
  EXPECT_EQ(state("CA1"), State::remote);
  EXPECT_THAT(loop_.run(ledger_->loose_files(true, 10)), testing::IsEmpty());
}

TEST_F(CaretakerTest, NorIsWhatWasQuarantined) {
  publish("CA1", "some audio");
  std::filesystem::resize_file(file("CA1"), 3);
  EXPECT_EQ(loop_.run(scrubber_.round()), 1);
  EXPECT_THAT(loop_.run(ledger_->loose_files(true, 10)), testing::IsEmpty());
}

TEST_F(CaretakerTest, NothingStaysInQuarantineOfWhatIsNoMore) {
  const auto blob = uuid7() + "-1-1-1";
  publish("CA1", "some audio");
  const auto recording = loop_.run(ledger_->find(key("CA1")))->id;
  const auto kept = recording.str() + "-1-1-1";
  for (const auto& name : {blob, kept}) {
    auto writer = store_.create(name);
    ASSERT_TRUE(writer.begin(1));
    ASSERT_TRUE(writer.append(std::as_bytes(std::span{"x", 1})));
    writer.finish();
    store_.publish(writer, name);
    ASSERT_TRUE(store_.quarantine(name));
  }
  EXPECT_EQ(loop_.run(caretaker_.sweep()), 1) << "that of a recording that was erased elsewhere";
  EXPECT_THAT(store_.quarantined(), testing::ElementsAre(kept));
  loop_.run(ledger_->erase(acme, CallSid{"CA1"}, {}, wall_now()));
  loop_.run(caretaker_.sweep());
  EXPECT_THAT(store_.quarantined(), testing::IsEmpty());
}

}  // namespace
}  // namespace onetake::stream
