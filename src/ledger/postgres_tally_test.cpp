// Totals that many add to at once.

#include <gmock/gmock.h>

#include <future>
#include <map>

#include "ledger/postgres_migrations.hpp"
#include "ledger/test_postgres.hpp"

namespace onetake::ledger {
namespace {

constexpr std::size_t slots = 16;

class PostgresTally : public testing::Test {
 protected:
  PostgresTally() { pg::migrate(pg::Target{.url = schema_.url()}); }
  static void add(pg::Connection& db, const std::string& what, int more) {
    db.execute("SELECT add_to_tally('" + what + "', " + std::to_string(more) + ")");
  }
  std::int64_t total(const std::string& what) const {
    auto rows = schema_.connect()->select("SELECT coalesce(sum(value), 0)::bigint FROM tally WHERE name = $1", what);
    rows.next();
    return rows.integer();
  }

  Schema schema_;
};

// The end of a run adds to the ended ones and then to the bytes, an erasure the other way round.
TEST_F(PostgresTally, TwoWithOneSlotDoNotWaitForEachOther) {
  std::map<int, std::unique_ptr<pg::Connection>> by_slot;
  std::unique_ptr<pg::Connection> ends;
  std::unique_ptr<pg::Connection> erases;
  while (!erases) {  // of so many and one more two have the same
    auto next = schema_.connect();
    auto& place = by_slot[PQbackendPID(next->handle()) % static_cast<int>(slots)];
    if (place) {
      ends = std::move(place);
      erases = std::move(next);
    } else {
      place = std::move(next);
    }
  }
  ends->begin();
  erases->begin();
  add(*ends, "completed", 1);
  add(*erases, "published_bytes", -1000);
  add(*ends, "published_bytes", 1000);
  add(*erases, "completed", -1);
  add(*erases, "completed", 5);
  ends->commit();
  erases->commit();
  EXPECT_EQ(total("completed"), 5);
  EXPECT_EQ(total("published_bytes"), 0);
}

TEST_F(PostgresTally, WhoFindsNoSlotFreeWaitsAndHasNone) {
  std::vector<std::unique_ptr<pg::Connection>> all;
  for (std::size_t i = 0; i < slots; ++i) {
    all.push_back(schema_.connect());
    all.back()->begin();
    add(*all.back(), "completed", 1);
  }
  const auto last = schema_.connect();
  auto waits = std::async(std::launch::async, [&] { add(*last, "completed", 1); });
  for (auto& each : all) add(*each, "published_bytes", 10);
  for (auto& each : all) each->commit();
  waits.get();
  EXPECT_EQ(total("completed"), 17);
  EXPECT_EQ(total("published_bytes"), 160);
}

}  // namespace
}  // namespace onetake::ledger
