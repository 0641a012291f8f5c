#include <gmock/gmock.h>

#include "app/commands.hpp"
#include "app/instance.hpp"
#include "app/test_commands.hpp"
#include "app/test_data.hpp"
#include "base/temp_folder.hpp"
#include "ledger/sqlite_ledger.hpp"
#include "ledger/test_postgres.hpp"

namespace onetake::app {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

/// A data directory that was served on SQLite, and has stopped.
struct MoveCommand : testing::Test {
  MoveCommand() {
    settings.server.data_dir = folder.path() / "data";
    settings.database.url = schema.url();
    const auto server = Instance::claim(settings.server.data_dir);
    Foreground loop;
    const auto ledger = ledger::open_sqlite(file);
    Served served{loop, *ledger, settings.server.data_dir};
    served.fetch("CA-ready");
    served.play("CA-fetching");
  }

  [[nodiscard]] Said say_move(const std::string& from, const std::string& to,
                              const std::optional<fs::path>& data_dir = {}) const {
    return run([&] { return move({.from = from, .to = to, .data_dir = data_dir}); });
  }
  [[nodiscard]] Said say_move() const { return say_move("sqlite:" + file.string(), schema.url()); }

  [[nodiscard]] Said say_query(const std::string& sql) const {
    return run([&] { return query(settings, sql); });
  }

  TempFolder folder;
  ledger::Schema schema;
  Settings settings = default_settings();
  fs::path file = folder.path() / "data" / "onetake.db";
};

TEST_F(MoveCommand, TheSameDataDirectoryIsServedFromTheNewDatabase) {
  const auto said = say_move();
  EXPECT_EQ(said.status, 0) << said.err;
  EXPECT_THAT(said.out, StartsWith("moved 2 recordings, 2 runs, 1 files, 0 traces of erased recordings\nnext: "));
  EXPECT_THAT(say_query("SELECT status, count(*) AS n FROM run GROUP BY status ORDER BY 1").out,
              "status\tn\ncompleted\t1\nqueued\t1\n");
  const auto verified = run([&] { return verify(settings, true); });
  EXPECT_EQ(verified.status, 0) << verified.out;
  EXPECT_THAT(verified.out, HasSubstr(R"("bytes":16)")) << "the file is this node's";
  EXPECT_EQ(say_query("SELECT node FROM copy").out, "node\n" + *Instance::node_of(settings.server.data_dir) + "\n");
}

TEST_F(MoveCommand, TheFileMayLieElsewhere) {
  const auto elsewhere = folder.path() / "elsewhere.db";
  fs::rename(file, elsewhere);
  const auto refused = say_move("sqlite:" + elsewhere.string(), schema.url());
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("--data-dir"));
  EXPECT_FALSE(fs::exists(folder.path() / "LOCK")) << "nothing is made in a folder that is not ours";
  EXPECT_EQ(say_move("sqlite:" + elsewhere.string(), schema.url(), settings.server.data_dir).status, 0);
}

TEST_F(MoveCommand, RefusesWhileItsServerRuns) {
  const auto server = Instance::claim(settings.server.data_dir);
  const auto said = say_move();
  EXPECT_EQ(said.status, 1);
  EXPECT_THAT(said.err, HasSubstr("is in use by process " + std::to_string(::getpid()) + ": stop it first"));
}

TEST_F(MoveCommand, RefusesTwiceAndWhatCannotBeMeant) {
  EXPECT_EQ(say_move("onetake.db", schema.url()).status, 2);
  EXPECT_EQ(say_move("sqlite:", schema.url()).status, 2);
  EXPECT_EQ(say_move("sqlite:" + file.string(), "sqlite:other.db").status, 2);
  EXPECT_THAT(say_move("sqlite:" + file.string() + "x", schema.url()).err, HasSubstr("is not there"));
  EXPECT_EQ(say_move("sqlite:" + file.string(), "postgresql://postgres@127.0.0.1:1/postgres").status, 1);
  ASSERT_EQ(say_move().status, 0);
  const auto again = say_move();
  EXPECT_EQ(again.status, 1);
  EXPECT_THAT(again.err, HasSubstr("not empty"));
}

}  // namespace
}  // namespace onetake::app
