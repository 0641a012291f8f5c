// The server is killed, at every system call of its work in turn and at any moment under load. Started again it plays
// every byte, and nothing is left that should not be.
//
// ONETAKE_TRIALS (50) and ONETAKE_SEED (1) say how many of each kind and which.

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <thread>

#include "story/story.hpp"

namespace onetake::story {
namespace {

int number_in(const char* name, int otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

/// What changes something on the disk: between two of these one moment to be killed at is as good as another.
const std::vector<std::string> calls{"openat",    "pwrite64", "write",  "ftruncate", "fsync",
                                     "fdatasync", "rename",   "unlink", "unlinkat",  "mkdir"};

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

/// Where a server is killed: at the n-th such call of a thread, which does not take place.
struct Place {
  std::string call;
  int n = 0;

  [[nodiscard]] std::vector<std::string> strace() const {
    return {"/usr/bin/strace",
            "-D",  // the server is our child, and the tracer nobody's
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            "trace=" + call,
            "-e",
            "inject=" + call + ":signal=SIGKILL:when=" + std::to_string(n)};
  }
};

std::ostream& operator<<(std::ostream& out, const Place& place) { return out << place.call << " number " << place.n; }

/// The work that is interrupted: two recordings are registered, played by several, and become ready; the first is then
/// erased and registered anew.
class Work {
 public:
  explicit Work(Provider& provider)
      : first_(provider.has("CA1", wav(150'000))), second_(provider.has("CA2", wav(90'001, {.seed = 2}))) {}

  /// Throws when the server is gone.
  void run(Server& server) {
    for (auto* call : {&first_, &second_}) {
      put(server, *call);
      auto people = server.play(*call, 3);
      people.until_the_end();
      for (const auto& person : people)
        if (person.standing() == Standing::whole) EXPECT_THAT(person, HeardExactly(call->audio));
      if (server.settled(call->sid) != "ready") throw std::runtime_error("gone");
    }
    if (server.del(recording("CA1")).status != 204) throw std::runtime_error("gone");
    put(server, first_);
  }

  /// On a server that was started again.
  void check(Server& server) {
    for (auto* call : {&first_, &second_}) {
      put(server, *call);
      auto person = server.play(*call);
      person.until_the_end();
      EXPECT_THAT(person, Each(HeardExactly(call->audio)));
      EXPECT_EQ(server.settled(call->sid), "ready");
    }
    EXPECT_EQ(server.metric("onetake_duplicate_runs"), 0);
    EXPECT_EQ(server.metric("onetake_runs", "queued") + server.metric("onetake_runs", "running"), 0);
    EXPECT_EQ(server.files("temporary"), 0u);
    EXPECT_EQ(server.files("audio"), 2u);
    const auto verified = server.run({"verify", "CONFIG"});
    EXPECT_EQ(verified.status, 0) << verified.out;
  }

 private:
  static void put(Server& server, const simulator::Call& call) {
    const auto body = R"({"provider": "web", "source_url": ")" + call.media_url() + "\"}";
    if (const auto got = server.put(recording(call.sid), body); got.status / 100 != 2) throw std::runtime_error("gone");
  }

  simulator::Call first_;
  simulator::Call second_;
};

/// True if the server was killed on its way.
bool killed_at(const std::vector<std::string>& under) {
  Provider provider;
  Server server{provider, {}, Server::Later{}};
  Work work{provider};
  try {
    server.start({}, under);
    work.run(server);
  } catch (const std::exception&) {  // nobody there any more
  }
  const bool killed = server.kill();
  server.start();
  work.check(server);
  return killed;
}

/// How often a thread makes each call in the undisturbed work.
std::map<std::string, int> calls_of_a_thread() {
  Provider provider;
  Server server{provider, {}, Server::Later{}};
  Work work{provider};
  const auto trace = server.folder() / "trace";
  server.start({}, {"/usr/bin/strace", "-D", "-f", "-qq", "-o", trace.string(), "-e", "trace=" + joined(calls)});
  work.run(server);
  EXPECT_EQ(server.stop(), 0);

  std::map<std::pair<std::string, std::string>, int> counts;  // of a thread and a call
  std::ifstream lines{trace};
  for (std::string thread, line; lines >> thread >> std::ws && std::getline(lines, line);)
    for (const auto& call : calls)
      if (line.starts_with(call + '(')) ++counts[{thread, call}];
  std::map<std::string, int> most;
  for (const auto& [where, count] : counts) most[where.second] = std::max(most[where.second], count);
  return most;
}

TEST(Crash, AtEverySystemCall) {
  const auto most = calls_of_a_thread();
  ASSERT_GE(most.size(), 7u) << "the work no longer does what it did";
  std::mt19937 chance{static_cast<unsigned>(number_in("ONETAKE_SEED", 1))};

  const int trials = number_in("ONETAKE_TRIALS", 50);
  std::map<std::string, int> killed_in;
  int killed = 0;
  for (int i = 0; i < trials; ++i) {
    // One call after the other, each at any of its places: there are hundreds of writes, and few renames.
    const auto& [call, count] = *std::next(most.begin(), i % std::ssize(most));
    // Which thread makes which call is chance: a place that is not come by is drawn again, a few times.
    bool come_by = false;
    for (int draw = 0; draw < 3 && !come_by; ++draw) {
      const Place place{call, std::uniform_int_distribution{1, count}(chance)};
      SCOPED_TRACE(testing::PrintToString(place));
      come_by = killed_at(place.strace());
    }
    if (!come_by) continue;
    ++killed;
    ++killed_in[call];
  }
  std::cout << "trials: " << trials << ", killed: " << killed;
  for (const auto& [call, count] : killed_in) std::cout << ", " << call << ' ' << count << " at " << most.at(call);
  std::cout << '\n';
  EXPECT_GE(killed, trials / 2) << "most places are come by, or nothing has been tried";
}

TEST(Crash, AtAnyMomentUnderLoad) {
  std::mt19937 chance{static_cast<unsigned>(number_in("ONETAKE_SEED", 1))};
  const int trials = std::max(1, number_in("ONETAKE_TRIALS", 50) / 5);
  for (int i = 0; i < trials; ++i) {
    const auto moment = std::chrono::microseconds{std::uniform_int_distribution{0, 60'000}(chance)};
    SCOPED_TRACE(moment.count());
    Provider provider;
    Server server{provider};
    std::vector<simulator::Call> heard;
    for (unsigned n = 0; n < 12; ++n)
      heard.push_back(provider.has("CA" + std::to_string(n), wav(60'000 + 1'000 * n, {.seed = n})));
    for (const auto& call : heard) server.has(call);

    std::vector<Listeners> people;
    for (const auto& call : heard) people.push_back(server.play(call, 4));
    std::this_thread::sleep_for(moment);
    server.kill();
    for (auto& crowd : people) crowd.until_the_end();

    server.start();
    for (const auto& call : heard) {
      auto person = server.play(call);
      person.until_the_end();
      EXPECT_THAT(person, Each(HeardExactly(call.audio)));
      EXPECT_EQ(server.settled(call.sid), "ready");
    }
    EXPECT_EQ(server.metric("onetake_duplicate_runs"), 0);
    EXPECT_EQ(server.files("temporary"), 0u);
    EXPECT_EQ(server.files("audio"), heard.size());
  }
  std::cout << "trials: " << trials << '\n';
}

}  // namespace
}  // namespace onetake::story
