// The power fails: what was not synced is gone, all of it or any part of it. What had been answered as ready is ready
// and right, what had been erased is not there, and the server starts.
//
// ONETAKE_PREFIXES (2000) and ONETAKE_SEED (1) say after how many of the server's changes, and which.

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "app/foreground.hpp"
#include "app/verify.hpp"
#include "base/temp_folder.hpp"
#include "blob/store.hpp"
#include "crash/disk.hpp"
#include "ledger/sqlite_ledger.hpp"
#include "story/story.hpp"

namespace onetake::crash {
namespace {

namespace fs = std::filesystem;
using simulator::Provider;
using simulator::wav;
using story::recording;
using story::Server;

int number_in(const char* name, int otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

std::string content(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// What the server has said of a recording. Times are lengths of the log.
struct Said {
  std::string call_sid;
  bool ready = false;       ///< or erased
  std::uint64_t begun = 0;  ///< when it was asked for
  std::uint64_t at = 0;
};

/// A server's day: twelve recordings are fetched, some are erased, and one of those is registered again.
class Day {
 public:
  Day() : server_{provider_, {}, Server::Later{}} {
    const auto log = server_.folder() / "writes";
    fs::create_directories(server_.folder() / "data");
    server_.start({}, {"/usr/bin/env", "LD_PRELOAD=" ONETAKE_WRITE_LOG_LIBRARY, "ONETAKE_WRITE_LOG=" + log.string(),
                       "ONETAKE_WRITE_LOG_ROOT=" + (server_.folder() / "data").string()});
    for (unsigned n = 0; n < 12; ++n) {
      const auto sid = "CA" + std::to_string(n);
      audio_.emplace(sid, wav(2'000 + 100 * n, {.seed = n}));
      fetch(sid);
      if (n % 4 == 3) erase("CA" + std::to_string(n - 1));
    }
    fetch("CA2");
    server_.kill();
    entries_ = read_write_log(log);
  }

  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  [[nodiscard]] const simulator::Audio& audio(const std::string& call_sid) const { return audio_.at(call_sid); }

  /// What the server had last said of each recording when the log was so long.
  [[nodiscard]] std::map<std::string, bool> promised(std::uint64_t at) const {
    std::map<std::string, bool> ready;
    for (const auto& each : said_)
      if (each.at <= at) ready[each.call_sid] = each.ready;
    // What is being done about it while the power fails may be done or not.
    for (const auto& each : said_)
      if (each.at > at && each.begun <= at) ready.erase(each.call_sid);
    return ready;
  }

 private:
  std::uint64_t now() const {
    std::error_code none_yet;
    const auto size = fs::file_size(server_.folder() / "writes", none_yet);
    return none_yet ? 0 : size;
  }
  void fetch(const std::string& call_sid) {
    const auto begun = now();
    server_.has(provider_.has(call_sid, audio_.at(call_sid)), "web");
    EXPECT_EQ(server_.fetched(call_sid), "ready");
    said_.push_back({call_sid, true, begun, now()});
  }
  void erase(const std::string& call_sid) {
    const auto begun = now();
    EXPECT_EQ(server_.del(recording(call_sid)).status, 204);
    said_.push_back({call_sid, false, begun, now()});
  }

  Provider provider_;
  Server server_;
  std::map<std::string, simulator::Audio> audio_;
  std::vector<Said> said_;
  std::vector<Entry> entries_;
};

/// Starts on what the failure has left, as the server does, and looks: what is not as was promised.
std::vector<std::string> faults_after(const Disk& disk, std::mt19937* chance, const Day& day,
                                      const std::map<std::string, bool>& promised) {
  const TempFolder folder;
  disk.after_power_failure(folder.path(), chance);
  const auto& dir = folder.path();
  std::vector<std::string> faults;
  app::Foreground loop;
  const auto ledger = ledger::open_sqlite(dir / "onetake.db");
  loop.wait_for(ledger->recover(wall_now()));
  const blob::Store store{dir};
  for (const auto& [call_sid, ready] : promised) {
    const Key key{TenantId{"acme"}, CallSid{call_sid}, std::nullopt};
    const auto found = loop.wait_for(ledger->find(key));
    if (!ready) {
      if (found) faults.push_back(call_sid + " had been erased");
    } else if (!found || !found->media) {
      faults.push_back(call_sid + " had been ready");
    } else {
      const auto bytes = content(blob::Store::path_of(dir, found->media->blob));
      if (bytes.size() != day.audio(call_sid).size() || !day.audio(call_sid).holds(0, bytes))
        faults.push_back(call_sid + " is not what it was");
    }
  }
  const app::AskLedger ask = [&](const std::string& sql) -> app::Answer<ledger::Table> {
    auto table = loop.wait_for(ledger->query(sql));
    if (!table) return std::unexpected(table.error().detail);
    return *std::move(table);
  };
  const auto verified = app::verify(ask, ledger::sqlite_inquiry(), dir);
  if (!verified) return {verified.error()};
  for (const auto& each : verified->violations)
    faults.push_back(each.invariant + ' ' + each.subject + ' ' + each.detail);
  return faults;
}

class LostWrites : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ::setenv("TMPDIR", "/dev/shm", 0);  // thousands of little disks, none of which need outlive this machine's power
  }
};

TEST_F(LostWrites, NothingThatWasAnsweredIsLost) {
  const Day day;
  const auto& entries = day.entries();
  ASSERT_GT(entries.size(), 500u);
  const auto wanted = static_cast<std::size_t>(number_in("ONETAKE_PREFIXES", 2'000));
  std::mt19937 chance{static_cast<unsigned>(number_in("ONETAKE_SEED", 1))};

  // How often the power fails after each change: at first with everything lost, then with some of it kept.
  std::vector<std::size_t> failures(entries.size());
  for (std::size_t i = 0; i < wanted; ++i) ++failures[i < entries.size() ? i : chance() % entries.size()];

  Disk disk;
  std::size_t tried = 0;
  for (std::size_t i = 0; i < entries.size() && !HasFailure(); ++i) {
    disk.apply(entries[i]);
    for (std::size_t n = 0; n < failures[i]; ++n, ++tried)
      EXPECT_THAT(faults_after(disk, n == 0 ? nullptr : &chance, day, day.promised(entries[i].end)), testing::IsEmpty())
          << "after change " << i << (n == 0 ? ", everything lost" : ", some of it lost");
  }
  std::cout << "power failures: " << tried << " after " << entries.size() << " changes\n";
}

/// A server that forgets some of its syncs would be found out.
TEST_F(LostWrites, AMissingSyncWouldBeSeen) {
  const Day day;
  const auto end = day.entries().back().end;
  const auto faults_without_syncs_of = [&](const std::string& place) {
    Disk disk;
    for (const auto& entry : day.entries())
      if (entry.change != Entry::Change::sync || !entry.path.starts_with(place)) disk.apply(entry);
    return faults_after(disk, nullptr, day, day.promised(end));
  };
  EXPECT_THAT(faults_without_syncs_of("nothing of it"), testing::IsEmpty());
  EXPECT_THAT(faults_without_syncs_of("temporary/"), testing::Not(testing::IsEmpty()));
  EXPECT_THAT(faults_without_syncs_of("audio/"), testing::Not(testing::IsEmpty()));
  EXPECT_THAT(faults_without_syncs_of("onetake.db-wal"), testing::Not(testing::IsEmpty()));
}

}  // namespace
}  // namespace onetake::crash
