// What holds on either line: one suite, over PostgreSQL and over Redis.

#include <gmock/gmock.h>
#include <libpq-fe.h>

#include <memory>

#include "signal/line_wakes.hpp"
#include "signal/postgres_wakes.hpp"
#include "signal/redis_wakes.hpp"
#include "signal/test_ear.hpp"
#include "signal/test_redis.hpp"

namespace onetake::signal {
namespace {

using test::Ear;
using testing::Contains;
using testing::ElementsAre;
using testing::Not;

const Wake everything{.topic = Topic::everything, .id = {}};

/// What the nodes of one test are connected to, and nobody else.
class Between {
 public:
  virtual ~Between() = default;
  [[nodiscard]] virtual DialWakes dial() const = 0;
  /// Every connection breaks; new ones are taken.
  virtual void cut() = 0;
};

class PostgresBetween final : public Between {
 public:
  PostgresBetween() {
    std::ranges::replace(database_, '-', '_');
    says("CREATE DATABASE " + database_);
  }
  ~PostgresBetween() override { says("DROP DATABASE " + database_ + " WITH (FORCE)"); }
  [[nodiscard]] DialWakes dial() const override {
    return postgres_line(server_.substr(0, server_.rfind('/') + 1) + database_);
  }
  void cut() override {
    says("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '" + database_ + "'");
  }

 private:
  void says(const std::string& sql) const {
    PGconn* connection = PQconnectdb(server_.c_str());
    PGresult* answer = PQexec(connection, sql.c_str());
    const auto status = PQresultStatus(answer);
    EXPECT_TRUE(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) << PQerrorMessage(connection);
    PQclear(answer);
    PQfinish(connection);
  }

  const std::string server_ = test::shared_server("ONETAKE_POSTGRES");
  std::string database_ = "wakes_" + uuid7();
};

class RedisBetween final : public Between {
 public:
  [[nodiscard]] DialWakes dial() const override { return redis_line(server_.address()); }
  void cut() override {
    server_.kill();
    server_.start_again();
  }

 private:
  test::RedisServer server_;
};

template <class Between>
class WakesTest : public testing::Test {
 protected:
  /// Who listens has been told once that everything may have changed: from then on nothing is missed.
  struct Node {
    explicit Node(DialWakes dial)
        : wakes("test", std::move(dial), {.redial = milliseconds{5}, .redial_at_most = milliseconds{50}}) {
      wakes.listen(ear.heard());
      ear.until(everything);
    }
    Ear ear;
    LineWakes wakes;
  };

  Between between_;
  Node one_{between_.dial()};
  Node two_{between_.dial()};
  Node three_{between_.dial()};
};

using Lines = testing::Types<PostgresBetween, RedisBetween>;
TYPED_TEST_SUITE(WakesTest, Lines, );

TYPED_TEST(WakesTest, TheOthersHearIt) {
  const std::vector<Wake> said{{.topic = Topic::run_queued, .id = {}},
                               {.topic = Topic::run_ended, .id = uuid7()},
                               {.topic = Topic::recording_changed, .id = uuid7()}};
  for (const auto& wake : said) this->one_.wakes.announce(wake);
  for (auto* other : {&this->two_, &this->three_}) {
    other->ear.until(said.back());
    EXPECT_THAT(other->ear.all(), ElementsAre(everything, said[0], said[1], said[2]));
  }
}

TYPED_TEST(WakesTest, NobodyHearsItself) {
  const Wake mine{.topic = Topic::run_ended, .id = "mine"};
  const Wake yours{.topic = Topic::run_ended, .id = "yours"};
  this->one_.wakes.announce(mine);
  this->two_.ear.until(mine);
  this->two_.wakes.announce(yours);  // behind mine, on the way to the one
  this->one_.ear.until(yours);
  EXPECT_THAT(this->one_.ear.all(), ElementsAre(everything, yours));
}

TYPED_TEST(WakesTest, WhatIsQuotedArrivesAsItWas) {
  const Wake odd{.topic = Topic::run_ended, .id = R"(a"b\c,{d} 'e' %f)"};
  this->one_.wakes.announce(odd);
  this->two_.ear.until(odd);
}

TYPED_TEST(WakesTest, AfterALostLineEverythingMayHaveChanged) {
  this->between_.cut();
  for (auto* node : {&this->one_, &this->two_, &this->three_}) node->ear.until(everything, 2);
  const Wake after{.topic = Topic::run_ended, .id = "after"};
  this->one_.wakes.announce(after);
  this->two_.ear.until(after);
  this->three_.ear.until(after);
}

TYPED_TEST(WakesTest, AThousandArrive) {
  for (int i = 0; i < 900; ++i) this->one_.wakes.announce({.topic = Topic::run_ended, .id = std::to_string(i)});
  this->two_.ear.until({.topic = Topic::run_ended, .id = "899"});
  EXPECT_EQ(this->two_.ear.all().size(), 901u);
}

TEST(PostgresLine, LooksForTheHostThatCanBeWrittenTo) {
  auto url = test::shared_server("ONETAKE_POSTGRES");
  url.insert(url.find('@') + 1, "127.0.0.1:1,");  // nobody is there
  LineWakes wakes{"test", postgres_line(url)};
  Ear ear;
  wakes.listen(ear.heard());
  ear.until(everything);
}

TEST(RedisLine, IsNotMadeToAReplica) {
  const test::RedisServer primary;
  const test::RedisServer replica{
      {"--replicaof", primary.address().host + ' ' + std::to_string(primary.address().port)}};
  EXPECT_THROW(redis_line(replica.address())(), RedisLost);
  EXPECT_NO_THROW(redis_line(primary.address())());
}

TEST(RedisLine, NoticesAReplicaByItsSignOfLife) {
  const test::RedisServer primary;
  const test::RedisServer server;
  const auto line = redis_line(server.address())();
  line->send({});
  server.says({"REPLICAOF", primary.address().host, std::to_string(primary.address().port)});
  EXPECT_THROW(line->send({}), RedisLost);
}

TEST(RedisLine, KeepsDatabasesApart) {
  const test::RedisServer server;
  auto other_database = server.address();
  other_database.db = 1;
  const auto one = redis_line(server.address())();
  const auto other = redis_line(other_database)();
  one->send({"a"});
  one->send({});  // what was published is there by then
  other->send({});
  EXPECT_THAT(one->receive(), ElementsAre("a"));
  EXPECT_THAT(other->receive(), Not(Contains("a")));
}

}  // namespace
}  // namespace onetake::signal
