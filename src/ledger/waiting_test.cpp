#include "ledger/waiting.hpp"

#include <gmock/gmock.h>

#include <future>

namespace onetake::ledger {
namespace {

using testing::ElementsAre;

struct Item {
  int number = 0;
  Deadline until = never;

  bool operator==(const Item&) const = default;
};

std::vector<int> numbers(const std::vector<Item>& items) {
  std::vector<int> all;
  for (const auto& item : items) all.push_back(item.number);
  return all;
}

TEST(Waiting, WhoeverWaitsGoesTogetherUpToTheMost) {
  Waiting<Item> waiting;
  for (int i = 1; i <= 5; ++i) waiting.add({i});
  EXPECT_THAT(numbers(waiting.take(3)), ElementsAre(1, 2, 3));
  EXPECT_THAT(numbers(waiting.take(3)), ElementsAre(4, 5));
}

TEST(Waiting, BesideOneThatIsAtWorkFewWaitForMore) {
  Waiting<Item> waiting{2};
  waiting.add({1});
  EXPECT_THAT(numbers(waiting.take(9)), ElementsAre(1)) << "nobody is at work";
  auto other = std::async(std::launch::async, [&] { return numbers(waiting.take(9)); });
  waiting.add({2});
  waiting.add({3});
  EXPECT_THAT(other.get(), ElementsAre(2, 3));
}

TEST(Waiting, NobodyWaitsForOneWhoIsHeldUp) {
  Waiting<Item> waiting{9};
  waiting.add({1});
  waiting.take(9);
  waiting.add({2});
  EXPECT_THAT(numbers(waiting.take(9)), ElementsAre(2));
}

TEST(Waiting, WhoHasBeenServedLetsTheNextBegin) {
  Waiting<Item> waiting{2};
  waiting.add({1});
  waiting.take(9);
  waiting.add({2});
  waiting.done();
  EXPECT_THAT(numbers(waiting.take(9)), ElementsAre(2));
}

TEST(Waiting, WhoIsLateIsTakenOutWheneverHeCame) {
  Waiting<Item> waiting;
  auto late = std::async(std::launch::async, [&] { return numbers(waiting.take_late()); });
  waiting.add({1, in(milliseconds{1})});
  EXPECT_THAT(late.get(), ElementsAre(1));
  waiting.add({2, in(milliseconds{1})});
  EXPECT_THAT(numbers(waiting.take_late()), ElementsAre(2));
  EXPECT_TRUE(waiting.empty());
}

// The first was taken in time. Nobody need tell of the next: it may wait longer.
TEST(Waiting, WhoComesAfterOneThatWasServedIsWatchedToo) {
  Waiting<Item> waiting;
  auto late = std::async(std::launch::async, [&] { return numbers(waiting.take_late()); });
  waiting.add({1, in(milliseconds{20})});
  waiting.take(1);
  waiting.done();
  waiting.add({2, in(milliseconds{30})});
  EXPECT_THAT(late.get(), ElementsAre(2));
}

TEST(Waiting, AtItsEndWhatWaitsIsStillTaken) {
  Waiting<Item> waiting{9};
  waiting.add({1});
  waiting.take(1);
  waiting.add({2});
  waiting.end();
  EXPECT_THAT(numbers(waiting.take(9)), ElementsAre(2));
  EXPECT_TRUE(waiting.take(9).empty());
  EXPECT_TRUE(waiting.take_late().empty());
}

}  // namespace
}  // namespace onetake::ledger
