#include "app/instance.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/test_file.hpp"

namespace onetake::app {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct InstanceTest : testing::Test {
  TempFolder folder;
  fs::path data = folder.path() / "deep" / "data";

  static std::string content(const fs::path& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
  }
  static unsigned mode(const fs::path& path) {
    struct stat found{};
    EXPECT_EQ(::stat(path.c_str(), &found), 0);
    return found.st_mode & 0777;
  }
};

TEST_F(InstanceTest, MakesTheDirectoryForItsOwnerAlone) {
  const auto instance = Instance::claim(data);
  ASSERT_TRUE(instance) << instance.error();
  EXPECT_EQ(mode(data), 0700U);
  EXPECT_EQ(content(data / "FORMAT"), "1\n");
  EXPECT_EQ(content(data / "LOCK"), std::to_string(::getpid()) + "\n");
}

TEST_F(InstanceTest, LeavesTheModeOfADirectoryThatIsThere) {
  fs::create_directories(data);
  fs::permissions(data, fs::perms{0750});
  ASSERT_TRUE(Instance::claim(data));
  EXPECT_EQ(mode(data), 0750U);
}

TEST_F(InstanceTest, TheSecondIsToldTheFirstsPid) {
  std::optional first{Instance::claim(data)};
  ASSERT_TRUE(*first);
  const auto second = Instance::claim(data);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error(), data.string() + " is in use by process " + std::to_string(::getpid()));
  EXPECT_EQ(content(data / "LOCK"), std::to_string(::getpid()) + "\n");
  EXPECT_TRUE(Instance::in_use(data));
  first.reset();
  EXPECT_FALSE(Instance::in_use(data));
  EXPECT_TRUE(Instance::claim(data));
}

// A process that dies lets go, whatever stands in LOCK.
TEST_F(InstanceTest, ALockOfTheDeadIsFree) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto instance = Instance::claim(data);
    ::_exit(instance ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  EXPECT_EQ(content(data / "LOCK"), std::to_string(child) + "\n");
  EXPECT_TRUE(Instance::claim(data));
}

TEST_F(InstanceTest, RefusesALayoutThatItDoesNotKnow) {
  fs::create_directories(data);
  std::ofstream{data / "FORMAT"} << "2\n";
  const auto newer = Instance::claim(data);
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error(), data.string() + " has layout 2, this onetake knows 1: a newer version has been here");
  for (const char* const text : {"", "\n", "one\n", "0\n", "1x\n", "-1\n"}) {
    std::ofstream{data / "FORMAT"} << text;
    const auto odd = Instance::claim(data);
    ASSERT_FALSE(odd) << text;
    EXPECT_THAT(odd.error(), HasSubstr("FORMAT: not a version"));
  }
}

TEST_F(InstanceTest, SaysWhyADirectoryCannotBe) {
  const auto file = write(folder, "file", "");
  const auto instance = Instance::claim(file / "data");
  ASSERT_FALSE(instance);
  EXPECT_THAT(instance.error(), HasSubstr("Not a directory"));
}

TEST_F(InstanceTest, TheSessionSecretStays) {
  std::string secret;
  {
    const auto instance = Instance::claim(data);
    ASSERT_TRUE(instance);
    secret = instance->session_secret();
    EXPECT_EQ(secret.size(), 32U);
    EXPECT_EQ(instance->session_secret(), secret);
    EXPECT_EQ(mode(data / "session.key"), 0600U);
  }
  EXPECT_EQ(Instance::claim(data)->session_secret(), secret);
  std::ofstream{data / "session.key"} << "damaged";
  const auto replaced = Instance::claim(data)->session_secret();
  EXPECT_EQ(replaced.size(), 32U);
  EXPECT_NE(replaced, secret);
}

}  // namespace
}  // namespace onetake::app
