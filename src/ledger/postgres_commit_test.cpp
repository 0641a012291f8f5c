// The connection is cut while a change is committed: it is in, or it is not, and the caller hears which.

#include <gmock/gmock.h>

#include "ledger/postgres_session.hpp"
#include "ledger/test_postgres.hpp"
#include "ledger/test_proxy.hpp"

namespace onetake::ledger {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

const TenantId acme{"acme"};

WallTime at(std::int64_t ms) { return WallTime{milliseconds{1'795'339'800'000 + ms}}; }

class Commit : public testing::TestWithParam<Proxy::Cut> {
 protected:
  Commit() {
    // One connection for each kind of call: the proxy sees all that is said in its order.
    ledger_ = open_postgres(schema_.url_by_port(proxy_.port()), {.node = "http://one", .pool = 2});
  }
  /// The next commit loses its connection.
  void cut_the_commit() { proxy_.cut_at("COMMIT", GetParam()); }

  Put put(const std::string& call, const std::string& url = "https://media.example.com/1.wav") {
    Registration r;
    r.provider = "main";
    r.source_url = url;
    return loop_.run(ledger_->put(acme, CallSid{call}, r, at(0)));
  }
  Recording find(const std::string& call) { return loop_.run(ledger_->find({acme, CallSid{call}, {}})).value(); }
  Admission play(const std::string& call, bool claim) {
    Play play;
    play.key = {acme, CallSid{call}, {}};
    play.explicit_action = true;
    play.claim = claim;
    play.now = at(0);
    return loop_.run(ledger_->play(play));
  }
  Lease claimed(const std::string& call) {
    put(call);
    return play(call, true).lease.value();
  }
  static Media media(const std::string& blob) {
    Media m;
    m.blob = blob;
    m.bytes = 1000;
    m.cycle = 1;
    return m;
  }
  std::int64_t count(const std::string& what) {
    auto rows = schema_.connect()->execute("SELECT count(*) FROM " + what);
    rows.next();
    return rows.integer();
  }

  Schema schema_;
  Proxy proxy_{schema_.port()};
  TestLoop loop_;
  std::unique_ptr<Ledger> ledger_;
};

std::string named(const testing::TestParamInfo<Proxy::Cut>& cut) {
  return cut.param == Proxy::Cut::before ? "NotIn" : "In";
}
INSTANTIATE_TEST_SUITE_P(Postgres, Commit, testing::Values(Proxy::Cut::before, Proxy::Cut::after), named);

TEST_P(Commit, OfARegistration) {
  cut_the_commit();
  EXPECT_TRUE(put("CA1").created);
  EXPECT_EQ(proxy_.cuts(), 1);
  EXPECT_EQ(count("recording"), 1);
}

TEST_P(Commit, OfAnErasure) {
  put("CA1");
  cut_the_commit();
  EXPECT_THAT(loop_.run(ledger_->erase(acme, CallSid{"CA1"}, {}, at(9))).recordings, SizeIs(1));
  EXPECT_EQ(proxy_.cuts(), 1);
  EXPECT_EQ(count("recording"), 0);
  EXPECT_EQ(count("tombstone"), 1);
}

TEST_P(Commit, OfAClaim) {
  for (const std::string call : {"CA1", "CA2"}) {
    put(call);
    play(call, false);
  }
  cut_the_commit();
  const auto claimed = loop_.run(ledger_->claim(1, 10, milliseconds{60'000}, at(1)));
  EXPECT_EQ(proxy_.cuts(), 1);
  ASSERT_THAT(claimed, SizeIs(1));
  EXPECT_EQ(claimed[0].lease.token, 1);
  EXPECT_EQ(count("run WHERE status = 'running'"), 1) << "none is claimed that nobody knows of";
}

TEST_P(Commit, OfARetry) {
  const auto lease = claimed("CA1");
  cut_the_commit();
  EXPECT_TRUE(loop_.run(ledger_->retry(lease, Reason::retrying, {Cause::unavailable, "why", 503}, at(5), true)));
  EXPECT_EQ(proxy_.cuts(), 1);
  EXPECT_EQ(find("CA1").run->status, RunStatus::queued);
  EXPECT_EQ(find("CA1").run->attempt, 1);
}

TEST_P(Commit, OfACompletion) {
  const auto lease = claimed("CA1");
  cut_the_commit();
  EXPECT_TRUE(loop_.run(ledger_->complete(lease, media("blob-1"), at(5)))) << "or the file would be unlinked";
  EXPECT_EQ(proxy_.cuts(), 1);
  EXPECT_EQ(find("CA1").media->blob, "blob-1");
  EXPECT_EQ(loop_.run(ledger_->counts()).runs[RunStatus::completed], 1);
}

TEST_P(Commit, OfAFailure) {
  const auto lease = claimed("CA1");
  cut_the_commit();
  EXPECT_TRUE(loop_.run(ledger_->fail(lease, {Cause::forbidden, "why", 403}, at(5))));
  EXPECT_EQ(proxy_.cuts(), 1);
  EXPECT_EQ(find("CA1").state, State::failed);
}

TEST_P(Commit, OfADisowning) {
  const auto lease = claimed("CA1");
  ASSERT_TRUE(loop_.run(ledger_->complete(lease, media("blob-1"), at(5))));
  cut_the_commit();
  EXPECT_TRUE(loop_.run(ledger_->disown(lease.recording, "blob-1")));
  EXPECT_EQ(proxy_.cuts(), 1);
  EXPECT_EQ(find("CA1").state, State::remote);
}

// An admission is one statement, committed with its answer: it is known again by the run's id.
TEST_P(Commit, OfAnAdmission) {
  for (const std::string call : {"CA1", "CA2"}) put(call);
  ASSERT_EQ(play("CA1", false).found, Found::created);
  proxy_.cut_at("{\"remote\"}", GetParam());
  const auto admission = play("CA2", true);
  EXPECT_EQ(proxy_.cuts(), 1);
  EXPECT_EQ(admission.found, Found::created);
  ASSERT_TRUE(admission.lease) << "or nobody would fetch it before its lease has run out";
  EXPECT_EQ(find("CA2").run->id, admission.lease->run);
  EXPECT_EQ(find("CA2").run->token, admission.lease->token);
  EXPECT_EQ(count("run"), 2);
  EXPECT_TRUE(loop_.run(ledger_->complete(*admission.lease, media("blob-2"), at(5))));
}

// It waited for its tenant, and before it is asked for again another node has claimed it: the lease is theirs.
TEST_P(Commit, OfAnAdmissionThatAnotherHasClaimedSince) {
  put("CA1");
  ASSERT_TRUE(play("CA1", true).lease);
  put("CA2");
  schema_.connect()->execute(
      "CREATE FUNCTION another() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE run SET status = 'running', "
      "attempt = 1, token = 1, node = 'http://two', started_at = created_at, due_at = NULL, "
      "lease_expires_at = now() + interval '1 hour' WHERE id = new.id; RETURN NULL; END $$;"
      "CREATE TRIGGER another AFTER INSERT ON run FOR EACH ROW EXECUTE FUNCTION another()");
  proxy_.cut_at("{\"remote\"}", GetParam());
  Play press;
  press.key = {acme, CallSid{"CA2"}, {}};
  press.explicit_action = press.claim = true;
  press.per_tenant = 1;
  const auto admission = loop_.run(ledger_->play(press));
  EXPECT_EQ(proxy_.cuts(), 1);
  EXPECT_EQ(admission.found, Found::created);
  EXPECT_FALSE(admission.lease);
  EXPECT_EQ(count("run"), 2);
}

// The backend dies before the commit was asked for: what it did is undone, and done again.
TEST(PostgresSession, DoesAgainWhatALostConnectionHasUndone) {
  Schema schema;
  const auto beside = schema.connect();
  beside->execute("CREATE TABLE t (x integer)");
  pg::Session session{pg::Target{.url = schema.url()}};
  int tries = 0;
  EXPECT_EQ(session.once([&](pg::Connection& db) {
    db.execute("INSERT INTO t VALUES (1)");
    if (++tries == 1) beside->select("SELECT pg_terminate_backend($1)", PQbackendPID(db.handle()));
    db.execute("INSERT INTO t VALUES (2)");
    return tries;
  }),
            2);
  EXPECT_EQ(beside->execute("SELECT x FROM t").size(), 2);
}

TEST(PostgresSession, GivesUpWhereConnectionsAreAlwaysLost) {
  Schema schema;
  const auto beside = schema.connect();
  pg::Session session{pg::Target{.url = schema.url()}};
  int tries = 0;
  EXPECT_THROW(session.once([&](pg::Connection& db) {
    ++tries;
    beside->select("SELECT pg_terminate_backend($1)", PQbackendPID(db.handle()));
    return db.run("SELECT 1");
  }),
               Unavailable);
  EXPECT_EQ(tries, 4);
}

}  // namespace
}  // namespace onetake::ledger
