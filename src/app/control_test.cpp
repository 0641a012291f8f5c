#include "app/control.hpp"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "app/control_message.hpp"
#include "app/test_file.hpp"

namespace onetake::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ControlVerbs verbs() {
  return {.query = [](const std::string& sql) -> Answer<ledger::Table> {
            if (sql == "throw") throw std::runtime_error("the disk is gone");
            if (sql == "wrong") return std::unexpected(std::string{"near \"wrong\": syntax error"});
            return ledger::Table{{"sql", "nothing"}, {{sql, std::nullopt}, {"", "\n\"\\"}}};
          },
          .migrate = []() -> Answer<Schema> { return Schema{3, 4}; }};
}

struct ControlTest : testing::Test {
  TempFolder folder;

  /// A connection that speaks by hand.
  [[nodiscard]] Fd raw() const {
    Fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, (folder.path() / "control.sock").c_str());
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return socket;
  }
  static void send(const Fd& socket, std::string_view text) {
    EXPECT_EQ(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  static std::string receive(const Fd& socket) {
    std::string line;
    for (char c = 0; ::recv(socket.get(), &c, 1, 0) == 1 && c != '\n';) line += c;
    return line;
  }
};

TEST_F(ControlTest, AnswersItsVerbs) {
  const ControlServer server{folder.path(), verbs()};
  auto client = ControlClient::connect(folder.path());
  ASSERT_TRUE(client);
  EXPECT_EQ(client->ping(), ::getpid());
  const auto table = client->query("SELECT 'é\t'");
  ASSERT_TRUE(table) << table.error();
  EXPECT_THAT(table->columns, ElementsAre("sql", "nothing"));
  ASSERT_EQ(table->rows.size(), 2U);
  EXPECT_THAT(table->rows[0], ElementsAre("SELECT 'é\t'", std::nullopt));
  EXPECT_THAT(table->rows[1], ElementsAre("", "\n\"\\"));
  const auto schema = client->migrate();
  ASSERT_TRUE(schema);
  EXPECT_EQ(schema->from, 3);
  EXPECT_EQ(schema->to, 4);
}

TEST_F(ControlTest, TellsWhatWentWrongAndGoesOn) {
  const ControlServer server{folder.path(), verbs()};
  auto client = ControlClient::connect(folder.path());
  ASSERT_TRUE(client);
  EXPECT_EQ(client->query("wrong").error(), "near \"wrong\": syntax error");
  EXPECT_EQ(client->query("throw").error(), "the disk is gone");
  EXPECT_TRUE(client->ping());
}

TEST_F(ControlTest, SpeaksOneObjectALine) {
  const ControlServer server{folder.path(), verbs()};
  const Fd socket = raw();
  send(socket, "{\"verb\":\"mig");
  send(socket, "rate\"}\n{\"verb\":\"verify\"}\n");
  EXPECT_EQ(receive(socket), R"({"from":3,"to":4})");
  EXPECT_EQ(receive(socket), R"({"error":"verify: not available in this version"})");
  for (const std::string_view text :
       {"\n", "not json\n", "[]\n", "{}\n", "{\"verb\":1}\n", "{\"verb\":\"query\",\"sql\":2}\n"}) {
    send(socket, text);
    EXPECT_THAT(receive(socket), HasSubstr("\"error\"")) << text;
  }
}

TEST_F(ControlTest, EndsALineThatDoesNotEnd) {
  const ControlServer server{folder.path(), verbs()};
  const Fd socket = raw();
  const std::string piece(1 << 16, 'x');
  // Until the server has had enough; it may close before all of it is sent.
  for (int i = 0; i < 64 && ::send(socket.get(), piece.data(), piece.size(), MSG_NOSIGNAL) > 0; ++i) {
  }
  EXPECT_EQ(receive(socket), "");
  EXPECT_TRUE(ControlClient::connect(folder.path())->ping());
}

TEST_F(ControlTest, CarriesAWideAnswer) {
  const std::string wide(3'000'000, 'w');
  ControlVerbs all = verbs();
  all.query = [&](const std::string&) -> Answer<ledger::Table> { return ledger::Table{{"w"}, {{wide}}}; };
  const ControlServer server{folder.path(), all};
  const auto table = ControlClient::connect(folder.path())->query("");
  ASSERT_TRUE(table);
  EXPECT_EQ(table->rows[0][0], wide);
}

TEST_F(ControlTest, IsItsOwnersAlone) {
  const ControlServer server{folder.path(), verbs()};
  struct stat found{};
  ASSERT_EQ(::stat((folder.path() / "control.sock").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600U);
}

TEST_F(ControlTest, NobodyListensBeforeOrAfter) {
  EXPECT_FALSE(ControlClient::connect(folder.path()));
  {
    const ControlServer server{folder.path(), verbs()};
    EXPECT_TRUE(ControlClient::connect(folder.path()));
  }
  EXPECT_FALSE(ControlClient::connect(folder.path()));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "control.sock"));
}

TEST_F(ControlTest, TakesThePlaceOfASocketThatWasLeft) {
  const auto left = write(folder, "control.sock", "a process that was killed");
  const ControlServer server{folder.path(), verbs()};
  EXPECT_TRUE(ControlClient::connect(folder.path())->ping());
}

// The end of the server does not wait for people who are connected and silent.
TEST_F(ControlTest, EndsInMidConnection) {
  auto server = std::make_unique<ControlServer>(folder.path(), verbs());
  const Fd socket = raw();
  send(socket, "{\"verb\":\"ping\"}\n{\"ver");
  EXPECT_THAT(receive(socket), HasSubstr("pid"));
  server.reset();
  EXPECT_EQ(receive(socket), "");
}

TEST_F(ControlTest, APathMayBeLongerThanAnAddress) {
  const auto deep = folder.path() / std::string(100, 'a') / std::string(100, 'b');
  std::filesystem::create_directories(deep);
  {
    const ControlServer server{deep, verbs()};
    EXPECT_TRUE(std::filesystem::is_socket(deep / "control.sock"));
    EXPECT_EQ(ControlClient::connect(deep)->ping(), ::getpid());
  }
  EXPECT_FALSE(ControlClient::connect(deep));
}

TEST_F(ControlTest, AClientOutlivesAServerThatEnds) {
  auto server = std::make_unique<ControlServer>(folder.path(), verbs());
  auto client = ControlClient::connect(folder.path());
  ASSERT_TRUE(client->ping());
  server.reset();
  EXPECT_EQ(client->ping().error(), "the server ended before it answered");
}

}  // namespace
}  // namespace onetake::app
