#include "base/units.hpp"

#include <gtest/gtest.h>

namespace onetake {
namespace {

using namespace std::chrono_literals;

TEST(Units, SizesAreBinary) {
  EXPECT_EQ(parse_bytes("0"), 0U);
  EXPECT_EQ(parse_bytes("1000"), 1000U);
  EXPECT_EQ(parse_bytes("12B"), 12U);
  EXPECT_EQ(parse_bytes("64KiB"), 65'536U);
  EXPECT_EQ(parse_bytes("3MiB"), 3'145'728U);
  EXPECT_EQ(parse_bytes("20GiB"), 21'474'836'480U);
  EXPECT_EQ(parse_bytes("2TiB"), 2'199'023'255'552U);
  EXPECT_EQ(64_KiB, 65'536U);
  EXPECT_EQ(3_MiB, 3'145'728U);
  EXPECT_EQ(1_GiB, 1'073'741'824U);
}

TEST(Units, SizesEndBefore2To63) {
  EXPECT_EQ(parse_bytes("9223372036854775807"), 9'223'372'036'854'775'807U);
  EXPECT_EQ(parse_bytes("9223372036854775808"), std::nullopt);
  EXPECT_EQ(parse_bytes("18446744073709551616"), std::nullopt);
  EXPECT_EQ(parse_bytes("8589934591GiB"), 8'589'934'591ULL << 30);
  EXPECT_EQ(parse_bytes("8589934592GiB"), std::nullopt);
  EXPECT_EQ(parse_bytes("9007199254740992KiB"), std::nullopt);
}

TEST(Units, OtherSizesAreNone) {
  for (const char* text : {"", "KiB", "-1", "+1", " 1", "1 ", "1 KiB", "1KB", "1kib", "1k", "1.5GiB", "0x10", "1KiBs"})
    EXPECT_EQ(parse_bytes(text), std::nullopt) << '"' << text << '"';
}

TEST(Units, DurationsHaveAUnit) {
  EXPECT_EQ(parse_duration("0"), 0ms);
  EXPECT_EQ(parse_duration("0s"), 0ms);
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("15s"), 15s);
  EXPECT_EQ(parse_duration("5m"), 5min);
  EXPECT_EQ(parse_duration("2h"), 2h);
  EXPECT_EQ(parse_duration("7d"), 168h);
}

TEST(Units, DurationsEndAfterACentury) {
  EXPECT_EQ(parse_duration("36525d"), 24h * 36'525);
  EXPECT_EQ(parse_duration("36526d"), std::nullopt);
  EXPECT_EQ(parse_duration("3155760000001ms"), std::nullopt);
  EXPECT_EQ(parse_duration("18446744073709551615d"), std::nullopt);
}

TEST(Units, OtherDurationsAreNone) {
  for (const char* text : {"", "5", "00", "s", "-5s", "+5s", " 5s", "5 s", "5S", "5sec", "1.5s", "1m30s", "5us"})
    EXPECT_EQ(parse_duration(text), std::nullopt) << '"' << text << '"';
}

}  // namespace
}  // namespace onetake
