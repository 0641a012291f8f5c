// The machine misbehaves: calls fail or hang, the process is stopped at the worst moment, descriptors run out, somebody
// sets the clock. Nothing is fetched or published twice, nothing is lost, and all of it heals by itself.

#include <fcntl.h>

#include <csignal>
#include <fstream>

#include "story/story.hpp"

namespace onetake::story {
namespace {

namespace fs = std::filesystem;

/// The third field of /proc/…/stat, behind the name in parentheses.
char state_of(pid_t pid) {
  std::ifstream file{"/proc/" + std::to_string(pid) + "/stat"};
  const std::string stat{std::istreambuf_iterator<char>{file}, {}};
  const auto name_ends = stat.rfind(')');
  return name_ends == std::string::npos ? 'X' : stat.at(name_ends + 2);
}

bool traced(pid_t pid) {
  for (const auto& thread : fs::directory_iterator{"/proc/" + std::to_string(pid) + "/task"}) {
    std::ifstream status{thread.path() / "status"};
    for (std::string word; status >> word;)
      if (word == "TracerPid:" && status >> word && word == "0") return false;
  }
  return true;
}

/// Lets the server's calls fail, hang or be answered by a signal, from now until this goes: strace's words, as in
/// "fsync:error=EIO".
class Trouble {
 public:
  Trouble(const Server& server, const std::string& inject, const std::string& path = {})
      : strace_(words(server, inject, path), server.folder() / "strace") {
    if (!Server::eventually([&] { return traced(server.pid()); })) throw std::runtime_error("strace does not get hold");
  }

 private:
  static std::vector<std::string> words(const Server& server, const std::string& inject, const std::string& path) {
    std::vector<std::string> all{"/usr/bin/strace",
                                 "-f",
                                 "-qq",
                                 "-o",
                                 "/dev/null",
                                 "-e",
                                 "trace=" + inject.substr(0, inject.find(':')),
                                 "-e",
                                 "inject=" + inject,
                                 "-p",
                                 std::to_string(server.pid())};
    if (!path.empty()) all.insert(all.end(), {"-P", path});
    return all;
  }

  Process strace_;
};

const Server::Settings short_leases{
    {"fetch.lease", "\"500ms\""}, {"fetch.heartbeat", "\"100ms\""}, {"fetch.sweep", "\"50ms\""}};

/// One run, one publication, and the bytes are right.
void expect_fetched_once(const Server& server, const simulator::Call& call) {
  EXPECT_EQ(server.settled(call.sid), "ready");
  EXPECT_TRUE(server.get(stream(call.sid)).body == call.audio.bytes());
  EXPECT_EQ(server.get(recording(call.sid))["/run/cycle"], "1");
  EXPECT_EQ(server.metric("onetake_duplicate_runs"), 0);
  EXPECT_EQ(server.metric("onetake_runs_total", "completed"), 1);
  EXPECT_EQ(server.files("audio"), 1);
  EXPECT_TRUE(Server::eventually([&] { return server.files("temporary") == 0; }));
}

// The database hangs while bytes flow: heartbeats do not get through, the attempt stops by itself and goes on later.
TEST(Machine, ADatabaseThatHangsCostsTheLeaseAndNotTheRecording) {
  Provider provider;
  Server server{provider, short_leases};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half"), the_rest());
  server.has(call);
  auto people = server.play(call, 5);
  people.until_heard(1000);
  {
    const Trouble hanging{server, "fdatasync:delay_enter=1500ms"};
    call.until(held("half"));
    EXPECT_TRUE(Server::eventually([&] { return server.log().find("run.lease_lost") != std::string::npos; }));
  }
  people.until_the_end();

  EXPECT_THAT(people, Each(HeardExactly(call.audio)));
  expect_fetched_once(server, call);
  EXPECT_EQ(call.bytes_sent(), call.audio.size());
}

// The database hangs: whoever watches is told so, and everything that needs no database.
TEST(Machine, ADatabaseThatHangsHidesNoOtherNumbers) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(1s));
  EXPECT_THAT(server.get("/metrics").body, HasSubstr("\nonetake_ledger_up 1\n"));
  auto writing = server.connect();
  {
    const Trouble hanging{server, "fdatasync:delay_enter=50s"};
    writing.send(
        server.request("PUT", recording("CA1"), {}, R"({"provider": "main", "source_url": ")" + call.url() + "\"}"));
    EXPECT_TRUE(Server::eventually([&] { return server.get("/readyz").status == 503; }));
    EXPECT_THAT(server.get("/readyz"), AllOf(IsProblem(503, "unavailable"), Says("Retry-After", "1")));
    const auto numbers = server.get("/metrics");
    EXPECT_THAT(numbers, Has(200));
    EXPECT_THAT(numbers.body,
                AllOf(HasSubstr("\nonetake_ledger_up 0\n"), HasSubstr("\nprocess_open_fds "),
                      HasSubstr(R"(onetake_http_requests_total{code="503",method="GET",route="/readyz"})")));
  }
  EXPECT_THAT(writing.answer(), Has(201));

  EXPECT_THAT(server.get("/readyz"), Has(200));
  EXPECT_THAT(server.get("/metrics").body, HasSubstr("\nonetake_ledger_up 1\n"));
}

// Stopped between the rename and the commit for longer than the lease: the sweep and the completion meet when it goes
// on, and whoever comes first, one file is left and it is the one that is pointed to.
TEST(Machine, StoppedBetweenRenameAndCommitItPublishesOnce) {
  for (int trial = 0; trial < 3; ++trial) {
    Provider provider;
    Server server{provider, short_leases};
    auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half"), the_rest());
    server.has(call);
    auto people = server.play(call, 5);
    people.until_heard(1000);
    {
      const Trouble stopped{server, "rename:signal=SIGSTOP:when=1", (server.folder() / "data").string()};
      call.release("half");
      ASSERT_TRUE(Server::eventually([&] { return state_of(server.pid()) == 'T' || state_of(server.pid()) == 't'; }));
      std::this_thread::sleep_for(700ms);  // the pause itself
    }
    server.signal(SIGCONT);
    people.until_the_end();

    EXPECT_THAT(people, Each(HeardExactly(call.audio)));
    expect_fetched_once(server, call);
  }
}

// A failed fsync is not tried again: the file goes, and the recording is fetched anew.
TEST(Machine, AFailedSyncIsFetchedAgain) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half"), whole());
  server.has(call);
  auto people = server.play(call, 5);
  people.until_heard(1000);
  {
    const Trouble failing{server, "fsync:error=EIO:when=1"};
    call.release("half");
    EXPECT_EQ(server.settled("CA1"), "ready");
  }
  EXPECT_THAT(server.log(), HasSubstr("the disk failed"));
  EXPECT_GE(call.requests(), 2);  // "when=1" counts by thread
  EXPECT_EQ(call.seen().at(1).range, "");
  expect_fetched_once(server, call);
}

// The database's disk fails: what cannot be promised is said, and when the disk is back so is everything else.
TEST(Machine, ADatabaseThatFailsIsSaidAndHeals) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(10s));
  server.has(call);
  {
    const Trouble failing{server, "fdatasync:error=EIO"};
    const auto answer = server.get(play("CA1"));
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer["/code"], "unavailable");
  }
  auto people = server.play(call, 5);
  people.until_the_end();

  EXPECT_THAT(people, Each(HeardExactly(call.audio)));
  expect_fetched_once(server, call);
  EXPECT_EQ(call.requests(), 1);
}

// Descriptors run out: those who are served go on, a fetch under way ends well, and one that finds none waits until
// there are some.
TEST(Machine, OutOfDescriptorsNobodyWhoIsServedNotices) {
  Provider provider;
  Server server{provider, {{"fetch.max_attempts", "1000"}}, Server::Later{}};
  server.start({}, {"/usr/bin/prlimit", "--nofile=120:120"});
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half"), the_rest());
  auto other = provider.has("CA2", speech(10s), {}).answering(hold_at(0.5, "half"), whole());
  server.has(call);
  server.has(other);
  auto people = server.play(call, 20);
  people.until_heard(1000);
  auto asking = server.connect();  // is served already, so it can ask
  asking.send(server.request("GET", "/healthz"));
  EXPECT_EQ(asking.answer().status, 200);
  {
    std::vector<Connection> crowd;
    while (server.log().find("http.accept_failed") == std::string::npos && crowd.size() < 1000)
      crowd.push_back(server.connect());
    ASSERT_LT(crowd.size(), 1000U);
    asking.send(server.request("POST", recording("CA2") + "/fetch"));
    EXPECT_EQ(asking.answer().status, 202);
    call.release("half");
    people.until_the_end();
    EXPECT_THAT(people, Each(HeardExactly(call.audio)));
  }
  other.release("half");

  EXPECT_EQ(server.settled("CA2"), "ready");
  EXPECT_EQ(server.settled("CA1"), "ready");
  for (const auto& each : {call, other}) EXPECT_TRUE(server.get(stream(each.sid)).body == each.audio.bytes());
  EXPECT_EQ(server.metric("onetake_runs_total", "completed"), 2);
  EXPECT_EQ(server.metric("onetake_runs_total", "failed"), 0);
}

const std::string faketime = ONETAKE_FAKETIME;

/// The clock of the wall as the server sees it; its monotonic clock is left alone.
class Clock {
 public:
  explicit Clock(const Server& server) : file_(server.folder() / "clock") { set("+0"); }
  /// "+1d": a day ahead of ours.
  void set(const std::string& offset) const {
    std::ofstream{file_.string() + ".new"} << offset << '\n';
    fs::rename(file_.string() + ".new", file_);
  }
  [[nodiscard]] std::vector<std::string> words() const {
    return {"/usr/bin/env", "LD_PRELOAD=" + faketime, "FAKETIME_TIMESTAMP_FILE=" + file_.string(),
            "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"};
  }

 private:
  fs::path file_;
};

// A server of role api whose worker is nowhere: a minute of its clock is a second of ours.
TEST(Machine, AQueueThatNobodyWorksIsSaid) {
  Provider provider;
  Server server{provider, {{"server.role", "\"api\""}}, Server::Later{}};
  server.start({}, {"/usr/bin/env", "LD_PRELOAD=" + faketime, "FAKETIME=+0 x60"});
  const auto call = provider.has("CA1", speech(1s));
  server.has(call);
  const auto first = server.get(play("CA1"), {"Prefer: respond-async"});
  EXPECT_THAT(first, AnyOf(Has(202), IsProblem(500, "no_worker")));  // the minute may have gone by

  EXPECT_TRUE(Server::eventually([&] { return server.get(play("CA1"), {"Prefer: respond-async"}).status == 500; }));

  EXPECT_THAT(server.get(play("CA1"), {"Prefer: respond-async"}), IsProblem(500, "no_worker"));
  EXPECT_THAT(server.head(play("CA1")), Has(500));
  EXPECT_EQ(server.metric("onetake_runs", "queued"), 1);
  EXPECT_EQ(call.requests(), 0);
}

struct Set {
  const char* name;
  const char* before;
  const char* after;
};

void PrintTo(const Set& set, std::ostream* out) { *out << set.name; }

class ClockIsSet : public testing::TestWithParam<Set> {};

// Somebody sets the clock while recordings arrive, one waits for its turn, and one has failed: the transfers, their
// leases and listeners do not notice, and what waits or is pressed afterwards is fetched.
TEST_P(ClockIsSet, NothingIsStuck) {
  const auto& [name, before, after] = GetParam();
  auto settings = short_leases;
  settings["fetch.max_concurrent"] = "2";
  settings["fetch.run_deadline"] = "\"48h\"";
  Provider provider;
  Server server{provider, settings, Server::Later{}};
  const Clock clock{server};
  clock.set(before);
  server.start({}, clock.words());
  auto failed = provider.has("CA-failed", speech(5s)).answering(forbidden(), whole());
  server.has(failed);
  EXPECT_EQ(server.fetched("CA-failed"), "failed");
  auto heard = provider.has("CA-heard", speech(10s)).answering(hold_at(0.5, "half"), the_rest());
  auto fetched = provider.has("CA-fetched", speech(5s)).answering(hold_at(0.5, "half"), the_rest());
  auto waiting = provider.has("CA-waiting", speech(5s));
  for (const auto& each : {heard, fetched, waiting}) server.has(each);
  auto people = server.play(heard, 5);
  people.until_heard(1000);
  for (const auto* const sid : {"CA-fetched", "CA-waiting"})
    EXPECT_EQ(server.post(recording(sid) + "/fetch").status, 202);
  fetched.until(held("half"));

  clock.set(after);
  fetched.release("half");
  EXPECT_EQ(server.settled("CA-fetched"), "ready");
  EXPECT_EQ(server.settled("CA-waiting"), "ready");
  heard.release("half");
  people.until_the_end();

  EXPECT_THAT(people, Each(HeardExactly(heard.audio)));
  EXPECT_EQ(server.settled("CA-heard"), "ready");
  EXPECT_EQ(server.metric("onetake_lease_rescues_total"), 0);
  EXPECT_EQ(server.fetched("CA-failed"), "ready");
  EXPECT_EQ(server.metric("onetake_duplicate_runs"), 0);
}

INSTANTIATE_TEST_SUITE_P(By, ClockIsSet,
                         testing::Values(Set{"ADayAhead", "+0", "+1d"}, Set{"ADayBack", "+0", "-1d"},
                                         Set{"BackFromADayAhead", "+1d", "+0"}),
                         [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace onetake::story
