#include "stream/reaper.hpp"

#include <gmock/gmock.h>

#include "base/temp_folder.hpp"
#include "base/test_loop.hpp"
#include "ledger/sqlite_ledger.hpp"
#include "run/test_copies.hpp"

namespace onetake::stream {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ReaperTest : public testing::Test {
 protected:
  void loose(const std::string& blob, WallTime due = {}) {
    copies_.has(blob, "audio");
    EXPECT_TRUE(loop_.run(ledger_->announce_object(blob, due)));
  }
  int sweep() { return loop_.run(reaper_.sweep()); }

  TempFolder folder_;
  TestLoop loop_;
  std::unique_ptr<ledger::Ledger> ledger_ = ledger::open_sqlite(folder_.path() / "ledger.db");
  run::test::ScriptedCopies copies_;
  Reaper reaper_{*ledger_, copies_};
};

TEST_F(ReaperTest, RemovesWhatNothingPointsTo) {
  for (int i = 0; i < 300; ++i) loose("a" + std::to_string(i));
  loose("being made", wall_now() + std::chrono::hours{1});
  EXPECT_EQ(sweep(), 300);
  EXPECT_THAT(copies_.objects(), testing::SizeIs(1));
  EXPECT_EQ(sweep(), 0);
  EXPECT_TRUE(loop_.run(ledger_->announce_object("a1", wall_now()))) << "the name is free";
}

// What cannot be removed now stays on the list, and nobody makes it anew meanwhile.
TEST_F(ReaperTest, WhatStaysIsRemembered) {
  for (int i = 0; i < 20; ++i) loose("a" + std::to_string(i));
  copies_.fail(durable::Trouble::Kind::unavailable);
  EXPECT_EQ(sweep(), 0);
  EXPECT_THAT(copies_.asked(), testing::SizeIs(4)) << "the storage is down: not one after the other";
  EXPECT_FALSE(loop_.run(ledger_->announce_object("a1", wall_now())));
  const auto later = wall_now() + std::chrono::hours{1};
  EXPECT_THAT(loop_.run(ledger_->take_objects(later, later, 100)), testing::SizeIs(20));
}

// The first by its name cannot be removed: all others are, and it is tried again.
TEST_F(ReaperTest, OneThatStaysHoldsUpNobody) {
  for (int i = 0; i < 300; ++i) loose("b" + std::to_string(i));
  loose("a");
  copies_.fail("a", durable::Trouble::Kind::refused);
  EXPECT_EQ(sweep(), 300);
  EXPECT_THAT(copies_.objects(), ElementsAre(testing::Key("a")));
  copies_.fail("a", {});
  const auto later = wall_now() + std::chrono::hours{1};
  EXPECT_THAT(loop_.run(ledger_->take_objects(later, later, 100)), ElementsAre("a"));
}

TEST_F(ReaperTest, WithNothingToDoItAsksNobody) {
  EXPECT_EQ(sweep(), 0);
  EXPECT_THAT(copies_.asked(), IsEmpty());
}

}  // namespace
}  // namespace onetake::stream
