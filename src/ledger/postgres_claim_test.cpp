// A claim is committed with its answer. Where that is lost, it is found out what was claimed.

#include <gmock/gmock.h>

#include "ledger/postgres_migrations.hpp"
#include "ledger/postgres_recordings.hpp"
#include "ledger/postgres_runs.hpp"
#include "ledger/test_postgres.hpp"
#include "ledger/test_proxy.hpp"

namespace onetake::ledger {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

const TenantId acme{"acme"};
constexpr milliseconds hour{3'600'000};

WallTime at(std::int64_t ms) { return WallTime{milliseconds{1'795'339'800'000 + ms}}; }

class PostgresClaim : public testing::TestWithParam<Proxy::Cut> {
 protected:
  PostgresClaim() {
    pg::migrate(pg::Target{.url = schema_.url()});
    for (const std::string call : {"CA1", "CA2", "CA3"}) {
      beside_.once([&](pg::Connection& db) { return pg::put(db, acme, CallSid{call}, {}, at(0)).created; });
      Play play;
      play.key = {acme, CallSid{call}, {}};
      play.explicit_action = true;
      play.now = at(0);
      const std::array presses{pg::Press{play, RunId{uuid7()}}};
      beside_.again([&](pg::Connection& db) { return pg::admit(db, presses, "one").size(); });
    }
  }
  std::vector<Claimed> claim(pg::Session& session, int limit) {
    return pg::claim(session, "o'ne", limit, 100, hour, at(1));
  }

  Schema schema_;
  Proxy proxy_{schema_.port()};
  pg::Session session_{pg::Target{.url = schema_.url_by_port(proxy_.port())}};
  pg::Session beside_{pg::Target{.url = schema_.url()}};
};

std::string named(const testing::TestParamInfo<Proxy::Cut>& cut) {
  return cut.param == Proxy::Cut::before ? "NotIn" : "In";
}
INSTANTIATE_TEST_SUITE_P(Postgres, PostgresClaim, testing::Values(Proxy::Cut::before, Proxy::Cut::after), named);

TEST_P(PostgresClaim, WhoseAnswerIsLostIsKnownAgain) {
  ASSERT_THAT(claim(session_, 1), SizeIs(1));
  proxy_.cut_at("claim_runs", GetParam());
  const auto claimed = claim(session_, 1);
  EXPECT_EQ(proxy_.cuts(), 1);
  ASSERT_THAT(claimed, SizeIs(1));
  EXPECT_EQ(claimed[0].recording.call_sid.str(), "CA2");
  EXPECT_EQ(claimed[0].recording.run->status, RunStatus::running);
  EXPECT_EQ(claimed[0].lease.token, 1);
  EXPECT_THAT(claim(session_, 10), SizeIs(1)) << "none is claimed that nobody knows of";
  EXPECT_THAT(claim(session_, 10), IsEmpty());
}

}  // namespace
}  // namespace onetake::ledger
