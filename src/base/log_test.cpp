#include "base/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <thread>
#include <vector>

namespace onetake::log {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

/// What `act` writes to stderr.
template <class Act>
std::string written(Format format, Act act, Level level = Level::debug) {
  start(level, format);
  testing::internal::CaptureStderr();
  act();
  return testing::internal::GetCapturedStderr();
}

TEST(Log, JsonIsOneObjectALine) {
  const auto line = written(Format::json, [] {
    info("run.created", "a fetch begins",
         {{"tenant", "acme"}, {"bytes", 12}, {"big", std::uint64_t{1} << 40}, {"seconds", 0.25}, {"ready", true}});
  });
  EXPECT_THAT(
      line,
      MatchesRegex(
          "\\{\"time\":\"[0-9T:.-]+Z\",\"level\":\"info\",\"event\":\"run.created\",\"message\":\"a fetch begins\","
          "\"tenant\":\"acme\",\"bytes\":12,\"big\":1099511627776,\"seconds\":0.25,\"ready\":true\\}\n"));
}

TEST(Log, JsonEscapesWhatItMust) {
  const auto line = written(Format::json, [] { warn("a.b", "say \"hi\"\n", {{"path", "C:\\x\t\x01\x7f"}}); });
  EXPECT_THAT(line, HasSubstr(R"("message":"say \"hi\"\u000a")"));
  EXPECT_THAT(line, HasSubstr("\"path\":\"C:\\\\x\\u0009\\u0001\x7f\"}\n"));
}

TEST(Log, JsonReplacesWhatIsNotUtf8) {
  const auto line = written(Format::json, [] {
    info("a.b", "m",
         {{"good", "\xd7\xa0\xd7\x92\xd7\x9f \xf0\x9f\x8e\xa7"},
          {"lone", "a\xff z"},
          {"cut", "b\xd7"},
          {"long", "\xc0\xaf"},
          {"half", "\xed\xa0\x80"},
          {"past", "\xf4\x90\x80\x80"}});
  });
  EXPECT_THAT(line, HasSubstr("\"good\":\"\xd7\xa0\xd7\x92\xd7\x9f \xf0\x9f\x8e\xa7\""));
  EXPECT_THAT(line, HasSubstr(R"("lone":"a\ufffd z")"));
  EXPECT_THAT(line, HasSubstr(R"("cut":"b\ufffd")"));
  EXPECT_THAT(line, HasSubstr(R"("long":"\ufffd\ufffd")"));
  EXPECT_THAT(line, HasSubstr(R"("half":"\ufffd\ufffd\ufffd")"));
  EXPECT_THAT(line, HasSubstr(R"("past":"\ufffd\ufffd\ufffd\ufffd"})"));
}

TEST(Log, JsonHasNoNumberForWhatIsNone) {
  const auto line = written(Format::json, [] {
    info("a.b", "m",
         {{"nan", std::numeric_limits<double>::quiet_NaN()}, {"inf", std::numeric_limits<double>::infinity()}});
  });
  EXPECT_THAT(line, HasSubstr("\"nan\":null,\"inf\":null}"));
}

TEST(Log, TextIsOneLineWhateverAValueHolds) {
  const auto line = written(Format::text, [] {
    error("a.b", "two\nlines",
          {{"plain", "x=1"},
           {"space", "a b"},
           {"quote", "a\"b"},
           {"break", "a\rb\nc"},
           {"empty", ""},
           {"bell", "a\x1b[31m"},
           {"n", -3}});
  });
  EXPECT_THAT(line, MatchesRegex("[0-9T:.-]+Z error a\\.b: .*\n"));
  EXPECT_THAT(
      line, HasSubstr("two\\u000alines plain=x=1 space=\"a b\" quote=\"a\\\"b\" break=\"a\\u000db\\u000ac\" empty=\"\" "
                      "bell=\"a\\u001b[31m\" n=-3\n"));
  EXPECT_EQ(std::ranges::count(line, '\n'), 1);
}

TEST(Log, BelowTheLevelNothingIsWritten) {
  const auto lines = written(
      Format::text,
      [] {
        EXPECT_FALSE(enabled(Level::info));
        EXPECT_TRUE(enabled(Level::warn));
        debug("a.b", "quiet");
        info("a.b", "quiet");
        warn("a.b", "told");
        error("a.b", "told");
      },
      Level::warn);
  EXPECT_THAT(lines, Not(HasSubstr("quiet")));
  EXPECT_EQ(std::ranges::count(lines, '\n'), 2);
}

TEST(Log, LinesOfManyThreadsDoNotMix) {
  const auto lines = written(Format::json, [] {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([] {
        for (int i = 0; i < 100; ++i) info("a.b", std::string(200, 'm'));
      });
  });
  std::size_t count = 0;
  for (std::size_t begin = 0; begin < lines.size(); ++count) {
    const auto end = lines.find('\n', begin);
    ASSERT_NE(end, std::string::npos);
    EXPECT_THAT(lines.substr(begin, end - begin), EndsWith("\"message\":\"" + std::string(200, 'm') + "\"}"));
    begin = end + 1;
  }
  EXPECT_EQ(count, 400U);
}

}  // namespace
}  // namespace onetake::log
