// A node that is cut off: from the database, from the other node, or from the storage. In a network namespace of the
// test's own, where packets can be dropped.

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>

#include "base/fd.hpp"
#include "base/temp_folder.hpp"
#include "story/balancer.hpp"
#include "story/bucket.hpp"
#include "story/shared_database.hpp"
#include "story/story.hpp"

namespace onetake::story {
namespace {

void shell(const std::string& command) {
  if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

/// Some containers forbid it, whoever one is in them: there, and there alone, these stories cannot be told.
bool permitted() {
  return std::system(
             "unshare -n sh -c 'ip link set lo up && iptables -w -A OUTPUT -p tcp --dport 9 -m owner "
             "--gid-owner 4242 -j DROP' >/dev/null 2>&1") == 0;
}

/// The loopback of a network that nobody else has, and a PostgreSQL on it. Before anything else of a test.
class Network {
 public:
  Network() : before_{::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)} {
    if (::unshare(CLONE_NEWNET) != 0) throw std::runtime_error("no network namespace: this test needs root");
    shell("ip link set lo up");
    shell(ONETAKE_SCRIPTS "/lib/postgres start " + url_file() + ' ' + std::to_string(::getpid()) + " >/dev/null");
    if (const char* said = std::getenv("ONETAKE_POSTGRES")) said_ = said;
    ::setenv("ONETAKE_POSTGRES", ('@' + url_file()).c_str(), 1);
  }
  ~Network() {
    ::setenv("ONETAKE_POSTGRES", said_.c_str(), 1);
    shell(ONETAKE_SCRIPTS "/lib/postgres stop " + url_file());
    if (::setns(before_.get(), CLONE_NEWNET) != 0) ADD_FAILURE() << "no way back to the network of before";
  }
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /// From now on what processes of this group send to this port is lost, until `heal`.
  static void cut(int group, int port) { rule("-A", group, port); }
  static void heal(int group, int port) { rule("-D", group, port); }

 private:
  [[nodiscard]] std::string url_file() const { return (folder_.path() / "postgres.url").string(); }
  static void rule(const std::string& verb, int group, int port) {
    shell("iptables -w " + verb + " OUTPUT -p tcp --dport " + std::to_string(port) + " -m owner --gid-owner " +
          std::to_string(group) + " -j DROP");
  }

  const Fd before_;
  TempFolder folder_;
  std::string said_;
};

constexpr int group = 4242;
/// A process that iptables can tell from the others.
const std::vector<std::string> in_group{"/usr/bin/setpriv", "--regid", std::to_string(group), "--clear-groups"};

int port_of(const std::string& url) { return std::stoi(url.substr(url.find(':', url.find('@')) + 1)); }

// Cut off from the database in mid-fetch, past its lease: it stops by itself, the other takes the run up, and whoever
// listens at either hears every byte of one recording. Who presses Play at it meanwhile is told so.
TEST(NodesCutOff, FromTheDatabase) {
  if (!permitted()) GTEST_SKIP() << "this machine permits no network namespace with iptables";
  const Network network;
  Provider provider;
  const SharedDatabase database;
  Server one{provider, database.node({{"server.stream_wait", "\"1s\""}}), Server::Later{}};
  one.start({}, in_group);
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half"), whole());
  std::vector<Call> others;
  for (unsigned n = 2; n < 6; ++n) others.push_back(provider.has("CA" + std::to_string(n), speech(1s, {.seed = n})));
  one.has(call);
  for (const auto& other : others) one.has(other);
  auto here = one.play(call, 3);
  here.until_heard(1000);
  Server two{provider, database.node()};
  auto there = two.play(call, 3);
  there.until_heard(1000);

  const int port = port_of(database.url());
  Network::cut(group, port);
  EXPECT_EQ(two.settled("CA1"), "ready");
  there.until_the_end();
  EXPECT_THAT(there, Each(HeardExactly(call.audio)));
  EXPECT_THAT(one.get(play("CA2")), IsProblem(503, "unavailable"));
  EXPECT_THAT(here, Each(IsStillListening()));

  Network::heal(group, port);
  call.release("half");
  here.until_the_end();
  EXPECT_THAT(here, Each(HeardExactly(call.audio)));
  EXPECT_TRUE(Server::eventually([&] { return one.get(play("CA2")).body == others[0].audio.bytes(); }));
  EXPECT_EQ(one.settled("CA2"), "ready");
  EXPECT_EQ(call.requests(), 2);

  // Behind nginx nobody hears of it: where one says that it cannot tell, the other is asked.
  const Balancer balancer{{&one, &two}};
  Network::cut(group, port);
  for (std::size_t n = 1; n < others.size(); ++n) {
    auto through = balancer.play(others[n], 2);
    through.until_the_end();
    EXPECT_THAT(through, Each(HeardExactly(others[n].audio)));
  }
  Network::heal(group, port);
  for (const auto& other : others) {
    EXPECT_EQ(two.settled(other.sid), "ready");
    EXPECT_EQ(other.requests(), 1) << other.sid;
  }
  EXPECT_EQ(one.files("audio") + two.files("audio"), 5) << "one of each recording";
  EXPECT_EQ(database.ask("SELECT count(*), max(cycle), min(status), max(status) FROM run"),
            "5|1|completed|completed\n");
}

// The nodes do not reach each other for a while: whoever listens to what the other has hears on when they do.
TEST(NodesCutOff, FromTheOtherNode) {
  if (!permitted()) GTEST_SKIP() << "this machine permits no network namespace with iptables";
  const Network network;
  Provider provider;
  const SharedDatabase database;
  Server one{provider, database.node()};
  Server two{provider, database.node(), Server::Later{}};
  two.start({}, in_group);
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half"));
  one.has(call);
  auto here = one.play(call, 3);
  here.until_heard(1000);
  auto there = two.play(call, 3);
  there.until_heard(1000);

  Network::cut(group, one.port());
  call.release("half");
  here.until_the_end();
  EXPECT_THAT(here, Each(HeardExactly(call.audio)));
  auto late = two.play(call, 2);
  two.until("onetake_relayed_requests_total", "failed", 1);
  Network::heal(group, one.port());
  there.until_the_end();
  late.until_the_end();

  EXPECT_THAT(there, Each(HeardExactly(call.audio)));
  EXPECT_THAT(late, Each(HeardExactly(call.audio)));
  EXPECT_EQ(one.settled("CA1"), "ready");
  EXPECT_EQ(call.requests(), 1);
  EXPECT_EQ(database.ask("SELECT count(*), max(cycle), min(status) FROM run"), "1|1|completed\n");
}

// Cut off from the durable storage alone: what it fetches is kept and copied when the storage is back, what the other
// has it passes on, and what only the storage has it cannot say is gone.
TEST(NodesCutOff, FromTheStorage) {
  if (!permitted()) GTEST_SKIP() << "this machine permits no network namespace with iptables";
  const Network network;
  Storage storage;
  Provider provider;
  const SharedDatabase database;
  Server one{provider, database.node(storage.settings()), Server::Later{}};
  one.start({}, in_group);
  Server two{provider, database.node(storage.settings())};
  const Balancer balancer{{&one, &two}};
  const auto ours = provider.has("CA1", speech(5s));
  const auto theirs = provider.has("CA2", speech(5s, {.seed = 2}));
  one.has(ours);
  one.has(theirs);

  const int port = port_of('@' + storage.bucket().settings().endpoint.substr(std::string{"http://"}.size()));
  Network::cut(group, port);
  auto here = one.play(ours, 3);
  auto there = two.play(theirs, 3);
  here.until_the_end();
  there.until_the_end();
  EXPECT_THAT(here, Each(HeardExactly(ours.audio)));
  EXPECT_THAT(there, Each(HeardExactly(theirs.audio)));
  EXPECT_EQ(one.settled("CA1"), "ready");
  two.until("onetake_durable_copies_total", "made", 1);
  for (const auto& call : {ours, theirs}) {
    auto people = balancer.play(call, 4);
    people.until_the_end();
    EXPECT_THAT(people, Each(HeardExactly(call.audio)));
    EXPECT_TRUE(one.get(stream(call.sid)).body == call.audio.bytes());
  }
  EXPECT_EQ(one.files("audio"), 1U) << "what the other has is passed on";
  EXPECT_TRUE(storage.has_objects(1));

  two.kill();
  EXPECT_THAT(one.get(play("CA2")), IsProblem(503, "unavailable"));
  EXPECT_TRUE(one.get(play("CA1")).body == ours.audio.bytes());
  Network::heal(group, port);
  EXPECT_TRUE(Server::eventually([&] { return one.get(play("CA2")).body == theirs.audio.bytes(); }));
  one.until("onetake_durable_copies_total", "made", 1);
  EXPECT_TRUE(storage.has_objects(2));
  EXPECT_EQ(ours.requests() + theirs.requests(), 2);
  EXPECT_EQ(database.ask("SELECT count(*), max(cycle), min(status) FROM run"), "2|1|completed\n");
}

}  // namespace
}  // namespace onetake::story
