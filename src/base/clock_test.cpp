#include "base/clock.hpp"

#include <gtest/gtest.h>

namespace onetake {
namespace {

using namespace std::chrono;

WallTime at(int y, unsigned mo, unsigned d, int h = 0, int mi = 0, int s = 0, int ms = 0) {
  return WallTime{sys_days{year{y} / month{mo} / day{d}}} + hours{h} + minutes{mi} + seconds{s} + milliseconds{ms};
}

TEST(Rfc3339, PrintsUtcWithMilliseconds) {
  EXPECT_EQ(rfc3339(at(2026, 11, 22, 9, 30)), "2026-11-22T09:30:00.000Z");
  EXPECT_EQ(rfc3339(at(2026, 1, 2, 3, 4, 5, 6)), "2026-01-02T03:04:05.006Z");
  EXPECT_EQ(rfc3339(WallTime{milliseconds{0}}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(rfc3339(WallTime{milliseconds{-1}}), "1969-12-31T23:59:59.999Z");
}

TEST(Rfc3339, ReadsWhatItPrints) {
  for (const auto time : {at(0, 1, 1), at(1969, 12, 31, 23, 59, 59, 999), at(2024, 2, 29, 12),
                          at(2026, 11, 22, 9, 30, 1, 7), at(9999, 12, 31, 23, 59, 59, 999)})
    EXPECT_EQ(parse_rfc3339(rfc3339(time)), time) << rfc3339(time);
}

TEST(Rfc3339, TakesOffsets) {
  const auto noon = at(2026, 11, 22, 12);
  for (const char* text :
       {"2026-11-22T12:00:00Z", "2026-11-22t12:00:00z", "2026-11-22 12:00:00Z", "2026-11-22T14:00:00+02:00",
        "2026-11-22T08:30:00-03:30", "2026-11-22T12:00:00-00:00", "2026-11-23T01:45:00+13:45"})
    EXPECT_EQ(parse_rfc3339(text), noon) << text;
  EXPECT_EQ(parse_rfc3339("2026-12-31T23:30:00-01:00"), at(2027, 1, 1, 0, 30));
}

TEST(Rfc3339, CutsWhatIsFinerThanAMillisecond) {
  EXPECT_EQ(parse_rfc3339("2026-11-22T12:00:00.5Z"), at(2026, 11, 22, 12, 0, 0, 500));
  EXPECT_EQ(parse_rfc3339("2026-11-22T12:00:00.1239999999Z"), at(2026, 11, 22, 12, 0, 0, 123));
}

TEST(Rfc3339, ALeapSecondIsTheNextMinute) { EXPECT_EQ(parse_rfc3339("2016-12-31T23:59:60Z"), at(2017, 1, 1)); }

TEST(Rfc3339, OtherFormsAreNone) {
  for (const char* text : {"",
                           "2026",
                           "2026-11-22",
                           "2026-11-22T12:00",
                           "2026-11-22T12:00Z",
                           "2026-11-22T12:00:00",
                           "2026-11-22T12:00:00.Z",
                           "2026-11-22T12:00:00 Z",
                           "2026-11-22T12:00:00Zx",
                           "2026-11-22T12:00:00+0200",
                           "2026-11-22T12:00:00+02",
                           "2026-11-22T12:00:00+24:00",
                           "2026-11-22T12:00:00+02:60",
                           "2026-11-22T24:00:00Z",
                           "2026-11-22T12:60:00Z",
                           "2026-11-22T12:00:61Z",
                           "2026-13-01T00:00:00Z",
                           "2026-00-01T00:00:00Z",
                           "2026-02-29T00:00:00Z",
                           "2026-11-31T00:00:00Z",
                           "2026-11-00T00:00:00Z",
                           "26-11-22T12:00:00Z",
                           "+2026-11-22T12:00:00Z",
                           "2026-1-22T12:00:00Z",
                           "2026/11/22T12:00:00Z",
                           "2026-11-22X12:00:00Z",
                           "2026-11-22T-1:00:00Z",
                           "20 6-11-22T12:00:00Z"})
    EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
}

// What cannot be printed with four digits of a year would not come back.
TEST(Rfc3339, AnOffsetDoesNotLeadOutOfFourDigitYears) {
  EXPECT_EQ(parse_rfc3339("0000-01-01T00:00:00+00:01"), std::nullopt);
  EXPECT_EQ(parse_rfc3339("9999-12-31T23:59:59-00:01"), std::nullopt);
  EXPECT_EQ(parse_rfc3339("9999-12-31T23:59:60Z"), std::nullopt);
}

TEST(HttpDate, PrintsImfFixdate) {
  EXPECT_EQ(http_date(at(1994, 11, 6, 8, 49, 37)), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(http_date(at(2026, 11, 22, 23, 59, 59, 999)), "Sun, 22 Nov 2026 23:59:59 GMT");
  EXPECT_EQ(http_date(at(1969, 12, 31, 23, 59, 59, 1)), "Wed, 31 Dec 1969 23:59:59 GMT");
}

TEST(HttpDate, ReadsTheThreeForms) {
  const auto time = at(1994, 11, 6, 8, 49, 37);
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), time);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), time);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), time);
  EXPECT_EQ(parse_http_date("Wed Nov 16 08:49:37 1994"), at(1994, 11, 16, 8, 49, 37));
}

TEST(HttpDate, ReadsWhatItPrints) {
  for (const auto time :
       {at(1, 1, 1), at(1970, 1, 1), at(2024, 2, 29, 1, 2, 3), at(2038, 1, 19, 3, 14, 8), at(9999, 12, 31, 23, 59, 59)})
    EXPECT_EQ(parse_http_date(http_date(time)), time) << http_date(time);
}

// RFC 9110 section 5.6.7: more than 50 years ahead is the past.
TEST(HttpDate, TwoDigitsOfAYearAreAtMostFiftyYearsAhead) {
  const int now = int{year_month_day{floor<days>(wall_now())}.year()};
  const auto read = [](int y) {
    std::string text = "Sunday, 06-Nov-00 08:49:37 GMT";
    text[15] = static_cast<char>('0' + y / 10 % 10);
    text[16] = static_cast<char>('0' + y % 10);
    return parse_http_date(text);
  };
  for (int y = now - 49; y <= now + 50; ++y) EXPECT_EQ(read(y), at(y, 11, 6, 8, 49, 37)) << y;
}

TEST(HttpDate, OtherFormsAreNone) {
  for (const char* text : {"",
                           "Sun",
                           "Sun, 06 Nov 1994 08:49:37",
                           "Sun, 06 Nov 1994 08:49:37 UTC",
                           "Sun, 06 Nov 1994 08:49:37 gmt",
                           "Sun, 06 Nov 1994 08:49:37 GMT ",
                           " Sun, 06 Nov 1994 08:49:37 GMT",
                           "sun, 06 nov 1994 08:49:37 GMT",
                           "Sun, 6 Nov 1994 08:49:37 GMT",
                           "Sun,06 Nov 1994 08:49:37 GMT",
                           "Sun, 06  Nov 1994 08:49:37 GMT",
                           "Sunday, 06 Nov 1994 08:49:37 GMT",
                           "Sun, 06-Nov-94 08:49:37 GMT",
                           "Sun, 06 November 1994 08:49:37 GMT",
                           "Sun, 06 Nov 94 08:49:37 GMT",
                           "Sun, 06 Nov 1994 8:49:37 GMT",
                           "Sun, 06 Nov 1994 24:00:00 GMT",
                           "Sun, 06 Nov 1994 08:60:37 GMT",
                           "Sun, 06 Nov 1994 08:49:61 GMT",
                           "Sun, 00 Nov 1994 08:49:37 GMT",
                           "Sun, 31 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 08:49:37 GMTx",
                           "Sun Nov 6 08:49:37 1994",
                           "Sun Nov 06 08:49:37 94",
                           "Xyz, 06 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Xyz 1994 08:49:37 GMT",
                           "1994-11-06T08:49:37Z",
                           "784111777"})
    EXPECT_EQ(parse_http_date(text), std::nullopt) << text;
  EXPECT_EQ(parse_http_date(std::string_view{"Sun, 06 Nov 1994 08:49:37 GMT\0x", 31}), std::nullopt);
}

}  // namespace
}  // namespace onetake
