#include "run/lookout.hpp"

#include "run/test_join.hpp"

namespace onetake::run {
namespace {

using namespace test;
using namespace std::chrono_literals;
using ledger::Seen;

class LookoutTest : public JoinTest {
 protected:
  LookoutTest() {
    lookout_.emplace(loop_.loop(), ledger_, flights_, 1h, 15s);
    lookout_->start();
  }
  ~LookoutTest() override {
    lookout_->stop();
    loop_.settle();
  }

  std::shared_ptr<Flight> followed(int cycle = 1) {
    return flights_.open(recording(cycle, RunStatus::queued), Flights::By::onlooker);
  }
  /// What the ledger says of every run that it is asked for.
  void ledger_says(RunStatus status, const std::string& node = {}) {
    ledger_.on_look = [this, status, node](const std::vector<RunId>& ids) {
      asked_ = ids;
      std::vector<Seen> seen;
      for (const auto& id : ids) {
        auto run = *recording(1, status).run;
        run.id = id;
        run.received_bytes = 10;
        seen.push_back(Seen{.run = run, .node = node});
      }
      return seen;
    };
  }
  Flight::View after_a_look(const std::shared_ptr<Flight>& flight) {
    const auto before = flight->view().change;
    lookout_->look();
    return loop_.run(flight->changed(before, in(20s)));
  }

  std::vector<RunId> asked_;
  std::optional<Lookout> lookout_;
  TestLoop loop_;  ///< goes before what runs on it
};

TEST_F(LookoutTest, TellsWhichNodeFetchesIt) {
  const auto flight = followed();
  ledger_says(RunStatus::running, "http://two");
  const auto view = after_a_look(flight);
  EXPECT_EQ(view.node, "http://two");
  EXPECT_EQ(view.run.status, RunStatus::running);
  EXPECT_EQ(view.received(), 10);
  EXPECT_FALSE(view.ended);
}

TEST_F(LookoutTest, TellsHowItEnded) {
  const auto flight = followed();
  ledger_says(RunStatus::completed);
  const auto view = after_a_look(flight);
  EXPECT_TRUE(view.ended);
  EXPECT_EQ(view.run.status, RunStatus::completed);
  EXPECT_EQ(flights_.find(flight->recording()), nullptr);
  EXPECT_FALSE(flight->withdrawn) << "who listens may hear it to its end";
}

TEST_F(LookoutTest, WhatIsNoMoreWasErased) {
  const auto flight = followed();
  ledger_.on_look = [](const auto&) { return std::vector<Seen>{}; };
  const auto view = after_a_look(flight);
  EXPECT_TRUE(view.ended);
  EXPECT_EQ(view.run.status, RunStatus::cancelled);
  EXPECT_TRUE(flight->withdrawn);
}

TEST_F(LookoutTest, OfWhatSomebodyTellsOnlyThatIsAskedFor) {
  const auto flight = followed();
  auto other = recording(1, RunStatus::queued);
  other.id = RecordingId{"other"};
  other.run->id = RunId{"other-run"};
  const auto another = flights_.open(other, Flights::By::onlooker);
  ledger_says(RunStatus::running, "http://two");
  lookout_->look(RunId{"nobody follows it"});
  lookout_->look(other.run->id);
  EXPECT_EQ(loop_.run(another->changed(0, in(20s))).node, "http://two");
  EXPECT_THAT(asked_, testing::ElementsAre(RunId{"other-run"}));
  EXPECT_EQ(flight->view().node, "");
}

// A worker elsewhere may take a run up before the answer to the Play that created it has come here.
TEST_F(LookoutTest, WhatWasToldBeforeSomebodyFollowedItIsLookedAtOnce) {
  ledger_says(RunStatus::running, "http://two");
  flights_.on_following([this](const auto& run) { lookout_->follow(run); });
  lookout_->look(RunId{"run-1"});
  loop_.settle();
  EXPECT_TRUE(asked_.empty());
  const auto flight = followed();
  ASSERT_EQ(flight->run(), RunId{"run-1"});
  EXPECT_EQ(loop_.run(flight->changed(0, in(20s))).node, "http://two");
}

TEST_F(LookoutTest, WhatAnotherNodeHasInHandIsLookedAtOnce) {
  ledger_says(RunStatus::running, "http://two");
  flights_.on_following([this](const auto& run) { lookout_->follow(run); });
  const auto flight = flights_.open(recording(1, RunStatus::running), Flights::By::onlooker);
  EXPECT_EQ(loop_.run(flight->changed(0, in(20s))).node, "http://two");
}

TEST_F(LookoutTest, WhatIsQueuedWaitsForAWord) {
  ledger_says(RunStatus::queued);
  flights_.on_following([this](const auto& run) { lookout_->follow(run); });
  const auto flight = followed();
  loop_.settle();
  EXPECT_TRUE(asked_.empty());
}

TEST_F(LookoutTest, NothingIsAskedOfWhatNobodyHoldsOnTo) {
  ledger_says(RunStatus::queued);
  const auto id = followed()->recording();
  lookout_->look();
  loop_.settle();
  EXPECT_TRUE(asked_.empty());
  EXPECT_EQ(flights_.find(id), nullptr);
}

// What an attempt here has in hand it knows better; and a word that was on its way while something changed is old.
TEST_F(LookoutTest, LeavesAloneWhatIsInHandHere) {
  const auto in_hand = flights_.open(recording(1, RunStatus::running), Flights::By::worker);
  loop_.run([](Flight* flight) -> Task<void> {
    flight->in_hand = true;
    co_return;
  }(in_hand.get()));
  auto other = recording(1, RunStatus::queued);
  other.id = RecordingId{"other"};
  other.run->id = RunId{"other-run"};
  const auto flight = flights_.open(other, Flights::By::onlooker);
  ledger_says(RunStatus::running, "http://two");
  after_a_look(flight);
  EXPECT_THAT(asked_, testing::ElementsAre(RunId{"other-run"}));
  EXPECT_EQ(in_hand->view().node, "");

  ledger_.on_look = [&](const std::vector<RunId>& ids) {
    flight->update(*other.run);  // meanwhile a worker here has taken it up
    auto run = *other.run;
    run.status = RunStatus::running;
    return std::vector<Seen>{Seen{.run = run, .node = ids.empty() ? "" : "http://three"}};
  };
  after_a_look(flight);
  loop_.settle();
  EXPECT_EQ(flight->view().node, "");
}

}  // namespace
}  // namespace onetake::run
