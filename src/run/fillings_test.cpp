// How a recording comes back from its durable copy.

#include "run/fillings.hpp"

#include "run/test_copies.hpp"
#include "run/test_worker.hpp"

namespace onetake::run {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::IsEmpty;
using End = Filling::End;

class FillingsTest : public WorkerTest {
 protected:
  FillingsTest()
      : fillings_(
            loop_.loop(), *ledger_, store_, disk_, flights_, [this](Bytes bytes) { return make_room(bytes); }, copies_,
            milliseconds{60'000}) {}
  ~FillingsTest() override { copies_.release(); }

  /// Fetched, copied and evicted.
  Recording away(const std::string& copy = wav(1000)) {
    provider_->will(sends(wav(1000)));
    EXPECT_EQ(end_of(play()).run.status, RunStatus::completed);
    const auto found = recording();
    const auto& blob = found.media->blob;
    copies_.has(blob, copy);
    EXPECT_TRUE(loop_.run(ledger_->announce_object(blob, wall_now())));
    EXPECT_TRUE(loop_.run(ledger_->made_durable(found.id, blob)));
    evict(found);
    return found;
  }
  void evict(const Recording& found) {
    const auto& blob = found.media->blob;
    EXPECT_TRUE(loop_.run(ledger_->disown(found.id, blob)));
    std::vector<std::string> gone{blob};
    EXPECT_EQ(loop_.run(ledger_->strike_files(std::move(gone), false)), 1);
    store_.remove(blob);
  }
  End end(const std::shared_ptr<Filling>& filling) {
    loop_.run(ended(filling->flight));
    return filling->end();
  }
  /// The cache is full.
  void crowd() { store_.space().occupy(store_.space().most()); }
  bool here() { return loop_.run(ledger_->whereabouts(key(), milliseconds{1000}))->here; }

  ScriptedCopies copies_;
  Fillings fillings_;
};

TEST_F(FillingsTest, HoweverManyAskItComesOnce) {
  const auto found = away();
  copies_.hold();
  const auto filling = fillings_.open(found);
  EXPECT_EQ(fillings_.open(found), filling);
  EXPECT_EQ(fillings_.find(found.id, found.media->blob), filling);
  ASSERT_TRUE(loop_.run(copies_.until_held()));

  const auto live = filling->flight->view().live;
  ASSERT_TRUE(live);
  EXPECT_EQ(readable(*live->audio), wav(1000).substr(0, 499)) << "the last byte is held back";
  EXPECT_EQ(live->audio->view().total, 1000);
  EXPECT_EQ(live->content_type, found.media->content_type);
  EXPECT_EQ(live->version, found.media->version);
  EXPECT_EQ(live->last_modified, found.media->last_modified);
  EXPECT_TRUE(flights_.followed(found.id)) << "it is not evicted meanwhile";
  copies_.release();

  EXPECT_EQ(end(filling), End::filled);
  EXPECT_EQ(readable(*live->audio), wav(1000));
  EXPECT_TRUE(here());
  EXPECT_EQ(store_.open(found.media->blob)->size, 1000);
  EXPECT_EQ(recording().media, found.media);
  EXPECT_EQ(fillings_.find(found.id, found.media->blob), nullptr);
  EXPECT_EQ(copies_.asked().size(), 1U);
  EXPECT_EQ(provider_->asked().size(), 1U) << "once, when it was fetched";
  EXPECT_EQ(temporaries(), 0U);
}

TEST_F(FillingsTest, ACopyThatHasRottenIsNobodys) {
  auto rotten = wav(1000);
  rotten[700] ^= 1;
  const auto found = away(rotten);
  const auto filling = fillings_.open(found);
  EXPECT_EQ(end(filling), End::spoiled);
  EXPECT_EQ(filling->flight->view().live->audio->view().phase, blob::Growing::Phase::abandoned);
  EXPECT_LT(filling->flight->view().live->audio->view().watermark, 1000U);
  EXPECT_EQ(recording().state, State::remote);
  EXPECT_EQ(published(), 0U);
  EXPECT_EQ(temporaries(), 0U);
  EXPECT_THAT(loop_.run(ledger_->take_objects(wall_now(), wall_now(), 10)), ElementsAre(found.media->blob));
}

// It may have been the answer of somebody in between, and it may be the only copy.
TEST_F(FillingsTest, OneReadThatDoesNotMatchIsReadOnceMore) {
  auto rotten = wav(1000);
  rotten[700] ^= 1;
  const auto found = away();
  for (const auto& instead : {rotten, wav(500), wav(2000)}) {
    copies_.read_next(instead);
    EXPECT_EQ(end(fillings_.open(found)), End::filled) << instead.size();
    EXPECT_EQ(recording().state, State::ready);
    EXPECT_EQ(store_.open(found.media->blob)->size, 1000);
    EXPECT_EQ(temporaries(), 0U);
    evict(found);
  }
  EXPECT_THAT(loop_.run(ledger_->take_objects(wall_now(), wall_now(), 10)), IsEmpty());
}

TEST_F(FillingsTest, ABodyWithoutALengthThatEndsEarlyWasInterrupted) {
  const auto found = away();
  copies_.read_next(wav(800), false);
  EXPECT_EQ(end(fillings_.open(found)), End::unavailable);
  EXPECT_EQ(recording().state, State::ready);
  EXPECT_EQ(end(fillings_.open(found)), End::filled);
}

// A page of somebody in between, for as long as it stands there, is no reason to give up what lies behind it.
TEST_F(FillingsTest, WhatHasNoFieldOfOursIsNotGivenUp) {
  const auto found = away(wav(500));
  copies_.lose_fields();
  EXPECT_EQ(end(fillings_.open(found)), End::unavailable);
  EXPECT_EQ(recording().state, State::ready);
  copies_.has(found.media->blob, wav(1000));
  EXPECT_EQ(end(fillings_.open(found)), End::filled);
}

TEST_F(FillingsTest, ACopyOfAnotherLengthIsNotHeard) {
  for (const std::size_t size : {998, 1002}) {
    const auto filling = fillings_.open(away(wav(size)));
    EXPECT_EQ(end(filling), End::spoiled) << size;
    EXPECT_FALSE(filling->flight->view().live) << size;
  }
}

TEST_F(FillingsTest, AStorageThatIsAwayChangesNothing) {
  const auto found = away();
  copies_.fail(durable::Trouble::Kind::unavailable);
  EXPECT_EQ(end(fillings_.open(found)), End::unavailable);
  EXPECT_EQ(recording().state, State::ready);
  copies_.fail({});
  EXPECT_EQ(end(fillings_.open(found)), End::filled) << "the next one begins anew";
}

TEST_F(FillingsTest, WhatIsErasedMeanwhileStaysNowhere) {
  const auto found = away();
  copies_.hold();
  const auto filling = fillings_.open(found);
  ASSERT_TRUE(loop_.run(copies_.until_held()));
  const auto left = loop_.run(ledger_->erase(acme, CallSid{"CA"}, {}, wall_now()));
  copies_.release();
  EXPECT_EQ(end(filling), End::moved_on);
  EXPECT_TRUE(filling->flight->withdrawn);
  EXPECT_EQ(published(), 0U);
  EXPECT_THAT(loop_.run(ledger_->loose_files(true, 10)), testing::Each(found.media->blob));
}

TEST_F(FillingsTest, WhatAnotherNodeHasErasedIsWithdrawn) {
  const auto found = away();
  copies_.hold();
  const auto filling = fillings_.open(found);
  ASSERT_TRUE(loop_.run(copies_.until_held()));
  EXPECT_EQ(loop_.run(fillings_.look()), 0);
  EXPECT_FALSE(filling->flight->withdrawn);
  loop_.run(ledger_->erase(acme, CallSid{"CA"}, {}, wall_now()));
  EXPECT_EQ(loop_.run(fillings_.look()), 1);
  EXPECT_TRUE(filling->flight->withdrawn) << "who listens is cut now";
  copies_.release();
  EXPECT_EQ(end(filling), End::moved_on);
  EXPECT_EQ(loop_.run(fillings_.look()), 0);
}

// It was evicted under this very name: no list of files to be removed may still have it, before a byte has come.
TEST_F(FillingsTest, WhatIsOnItsWayBackIsNotLoose) {
  const auto found = away();
  const auto& blob = found.media->blob;
  loop_.run(ledger_->copied(found.id, blob, wall_now()));
  loop_.run(ledger_->disown(found.id, blob));
  ASSERT_EQ(loop_.run(ledger_->loose_files(false, 10)).size(), 1U);
  copies_.hold();
  const auto filling = fillings_.open(found);
  ASSERT_TRUE(loop_.run(copies_.until_held()));
  EXPECT_TRUE(loop_.run(ledger_->loose_files(false, 10)).empty());
  flights_.withdraw_file(found.id, found.cycle);
  EXPECT_FALSE(filling->flight->withdrawn) << "it is another file that is no more";
  copies_.release();
  EXPECT_EQ(end(filling), End::filled);
  EXPECT_TRUE(here());
}

TEST_F(FillingsTest, WhereItWasErasedHereItStopsAtOnce) {
  const auto found = away();
  copies_.hold();
  const auto filling = fillings_.open(found);
  ASSERT_TRUE(loop_.run(copies_.until_held()));
  flights_.withdraw(found.id, found.cycle);
  copies_.release();
  EXPECT_EQ(end(filling), End::moved_on);
  EXPECT_FALSE(here());
}

TEST_F(FillingsTest, WithoutRoomItIsNotBegun) {
  const auto found = away();
  crowd();
  room_ = [] { return false; };
  EXPECT_EQ(end(fillings_.open(found)), End::no_room);
  EXPECT_THAT(copies_.asked(), ElementsAre("look " + found.media->blob));
  EXPECT_EQ(room_asked_.back(), 1000U);
}

TEST_F(FillingsTest, AStorageThatIsAwayDrivesNothingOut) {
  const auto found = away();
  crowd();
  copies_.fail(durable::Trouble::Kind::unavailable);
  const auto asked = room_asked_.size();
  EXPECT_EQ(end(fillings_.open(found)), End::unavailable);
  EXPECT_EQ(room_asked_.size(), asked);
  EXPECT_EQ(recording().state, State::ready);
}

TEST_F(FillingsTest, NorDoesACopyThatIsMissing) {
  const auto found = away();
  crowd();
  copies_.lose(found.media->blob);
  const auto asked = room_asked_.size();
  EXPECT_EQ(end(fillings_.open(found)), End::spoiled);
  EXPECT_EQ(room_asked_.size(), asked);
  EXPECT_EQ(recording().state, State::remote);
}

// A look has no body and may be answered by anybody: what it says makes no room, and gives nothing up.
TEST_F(FillingsTest, ALookThatSaysAnotherLengthGivesNothingUp) {
  const auto found = away(wav(500));
  crowd();
  const auto asked = room_asked_.size();
  copies_.read_next(wav(1000));
  EXPECT_EQ(end(fillings_.open(found)), End::no_room);
  EXPECT_EQ(room_asked_.size(), asked);
  EXPECT_EQ(recording().state, State::ready);
}

TEST_F(FillingsTest, ADiskThatFailsIsNotTheCopysFault) {
  const auto found = away();
  faulty_.fail(blob::test::FaultyDisk::Call::sync);
  EXPECT_EQ(end(fillings_.open(found)), End::unavailable);
  faulty_.fail(blob::test::FaultyDisk::Call::none);
  EXPECT_EQ(recording().state, State::ready);
  EXPECT_FALSE(here());
  EXPECT_EQ(end(fillings_.open(found)), End::filled);
}

}  // namespace
}  // namespace onetake::run
