#include "ledger/group_commit.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <latch>

#include "base/temp_folder.hpp"

namespace onetake::ledger {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// What happened to a job, in the order in which it did.
class Diary {
 public:
  void write(const std::string& line) {
    const std::lock_guard lock{mutex_};
    lines_.push_back(line);
  }
  std::vector<std::string> read() {
    const std::lock_guard lock{mutex_};
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

class TestJob final : public Job {
 public:
  TestJob(bool writes, Diary& diary, std::string name, std::function<void(Connection&)> work)
      : Job(writes), diary_(diary), name_(std::move(name)), work_(std::move(work)) {}

  void run(Connection& db) override { work_(db); }
  void answer() override { diary_.write(name_ + " answered"); }
  void fail(std::exception_ptr error) override {
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      diary_.write(name_ + " failed: " + e.what());
    }
  }

 private:
  Diary& diary_;
  std::string name_;
  std::function<void(Connection&)> work_;
};

class GroupCommitTest : public testing::Test {
 protected:
  GroupCommitTest() {
    auto db = std::make_unique<Connection>(folder_.path() / "ledger.db");
    db->execute("CREATE TABLE t (x INTEGER UNIQUE)");
    sqlite3_commit_hook(
        db->handle(),
        [](void* self) {
          static_cast<GroupCommitTest*>(self)->diary_.write("commit");
          return static_cast<GroupCommitTest*>(self)->refuse_next_.exchange(false) ? 1 : 0;
        },
        this);
    jobs_ = std::make_unique<GroupCommit>(std::move(db));
    // The thread is held in a job, so that what is added meanwhile waits together.
    add_read("hold", [this](Connection&) {
      held_.count_down();
      go_.wait();
    });
    held_.wait();
  }

  void add(const std::string& name, std::function<void(Connection&)> work) {
    jobs_->add(std::make_unique<TestJob>(true, diary_, name, std::move(work)));
  }
  void add_read(const std::string& name, std::function<void(Connection&)> work) {
    jobs_->add(std::make_unique<TestJob>(false, diary_, name, std::move(work)));
  }
  static auto insert(int x) {
    return [x](Connection& db) { db.run("INSERT INTO t VALUES (?)", x); };
  }
  /// Lets the thread go, and waits until all is done.
  std::vector<std::string> happened() {
    go_.count_down();
    jobs_.reset();
    auto lines = diary_.read();
    EXPECT_EQ(lines.front(), "hold answered");
    lines.erase(lines.begin());
    return lines;
  }
  std::int64_t rows() {
    Connection db{folder_.path() / "ledger.db"};
    auto count = db.select("SELECT count(*) FROM t");
    count.next();
    return count->integer();
  }

  TempFolder folder_;
  Diary diary_;
  std::latch held_{1};
  std::latch go_{1};
  std::atomic<bool> refuse_next_ = false;
  std::unique_ptr<GroupCommit> jobs_;
};

TEST_F(GroupCommitTest, WhoWaitsTogetherIsCommittedTogetherAndAnsweredAfterwards) {
  add("a", insert(1));
  add("b", insert(2));
  add("c", insert(3));
  EXPECT_THAT(happened(), ElementsAre("commit", "a answered", "b answered", "c answered"));
  EXPECT_EQ(rows(), 3);
}

TEST_F(GroupCommitTest, NoBatchIsLargerThanTheMost) {
  constexpr int jobs = static_cast<int>(GroupCommit::most) * 2;
  for (int i = 0; i < jobs; ++i) add("x", insert(i));
  const auto lines = happened();
  EXPECT_EQ(std::ranges::count(lines, "x answered"), jobs);
  EXPECT_EQ(std::ranges::count(lines, "commit"), 2);
}

TEST_F(GroupCommitTest, AJobThatThrowsFailsAloneAndLeavesNothing) {
  add("a", insert(1));
  add("b", [](Connection& db) {
    db.run("INSERT INTO t VALUES (100)");
    throw std::runtime_error("bad luck");
  });
  add("c", insert(3));
  EXPECT_THAT(happened(), ElementsAre("commit", "a answered", "b failed: bad luck", "commit", "c answered"));
  EXPECT_EQ(rows(), 2);
}

TEST_F(GroupCommitTest, AnErrorOfTheDatabaseFailsAloneToo) {
  add("a", insert(1));
  add("b", insert(1));
  add("c", insert(3));
  const auto lines = happened();
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_THAT(lines[2], HasSubstr("UNIQUE"));
  EXPECT_EQ(lines[4], "c answered");
  EXPECT_EQ(rows(), 2);
}

TEST_F(GroupCommitTest, ACommitThatFailsFailsItsBatchAndIsNotTriedAgain) {
  refuse_next_ = true;
  add("a", insert(1));
  add("b", insert(2));
  const auto lines = happened();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0], "commit");
  EXPECT_THAT(lines[1], HasSubstr("a failed"));
  EXPECT_THAT(lines[2], HasSubstr("b failed"));
  EXPECT_EQ(rows(), 0);
}

TEST_F(GroupCommitTest, AfterAFailedCommitTheNextOnesGoOn) {
  refuse_next_ = true;
  add("a", [this, &jobs = *jobs_](Connection& db) {
    insert(1)(db);
    jobs.add(std::make_unique<TestJob>(true, diary_, "b", insert(2)));
  });
  EXPECT_THAT(happened(), ElementsAre("commit", HasSubstr("a failed"), "commit", "b answered"));
  EXPECT_EQ(rows(), 1);
}

TEST_F(GroupCommitTest, ReadingWaitsForNoCommit) {
  add("write", insert(1));
  add_read("read", [](Connection& db) { db.select("SELECT 1").next(); });
  add_read("bad", [](Connection& db) { db.run("SELECT x FROM nothing"); });
  EXPECT_THAT(happened(), ElementsAre("read answered", HasSubstr("bad failed"), "commit", "write answered"));
}

TEST_F(GroupCommitTest, ABatchThatOnlyReadsCommitsNothing) {
  add_read("a", [](Connection& db) { db.select("SELECT count(*) FROM t").next(); });
  add_read("b", [](Connection& db) { db.select("SELECT count(*) FROM t").next(); });
  EXPECT_THAT(happened(), ElementsAre("a answered", "b answered"));
}

/// A mebibyte, then the next one, in a batch of its own: there is always somebody waiting.
void write_much(GroupCommit& jobs, Diary& diary, const std::filesystem::path& log, std::uintmax_t& longest, int more) {
  jobs.add(std::make_unique<TestJob>(true, diary, "x", [&jobs, &diary, log, &longest, more](Connection& db) {
    longest = std::max(longest, std::filesystem::file_size(log));
    db.run("INSERT INTO much VALUES (zeroblob(1048576))");
    if (more > 0) write_much(jobs, diary, log, longest, more - 1);
  }));
}

TEST_F(GroupCommitTest, TheLogDoesNotGrowForEver) {
  add("table", [](Connection& db) { db.run("CREATE TABLE much (x BLOB)"); });
  std::uintmax_t longest = 0;
  write_much(*jobs_, diary_, folder_.path() / "ledger.db-wal", longest, 50);
  happened();
  EXPECT_GT(longest, 1u << 20);
  EXPECT_LT(longest, 24u << 20);
}

}  // namespace
}  // namespace onetake::ledger
