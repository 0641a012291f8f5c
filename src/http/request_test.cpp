#include "http/request.hpp"

#include <gtest/gtest.h>

namespace onetake::http {
namespace {

std::optional<std::string> parameter(std::string_view query, std::string_view name) {
  Request request;
  request.query = query;
  return request.parameter(name);
}

TEST(PercentDecoded, ReadsEscapesInEitherCase) {
  EXPECT_EQ(percent_decoded("", false), "");
  EXPECT_EQ(percent_decoded("a-b.c_d~", false), "a-b.c_d~");
  EXPECT_EQ(percent_decoded("%41%4a%4A%2F%25", false), "AJJ/%");
  EXPECT_EQ(percent_decoded("%D7%A0%d7%92", false), "\xd7\xa0\xd7\x92");
  EXPECT_EQ(percent_decoded("%2541", false), "%41") << "once";
}

TEST(PercentDecoded, APlusIsASpaceInAQueryOnly) {
  EXPECT_EQ(percent_decoded("a+b%2B", true), "a b+");
  EXPECT_EQ(percent_decoded("a+b%2B", false), "a+b+");
}

TEST(PercentDecoded, BrokenEscapesAndNulAreNone) {
  for (const char* text : {"%", "%4", "a%", "a%4", "%4g", "%g4", "% 4", "%-1", "%%41", "%00", "a%00b"})
    EXPECT_EQ(percent_decoded(text, true), std::nullopt) << text;
  EXPECT_EQ(percent_decoded(std::string_view{"a\0b", 3}, true), std::nullopt);
}

TEST(Parameter, FindsItsNameAndDecodesItsValue) {
  EXPECT_EQ(parameter("", "a"), std::nullopt);
  EXPECT_EQ(parameter("a=1", "a"), "1");
  EXPECT_EQ(parameter("a=1&b=2&c=3", "b"), "2");
  EXPECT_EQ(parameter("a=1&b=2&c=3", "c"), "3");
  EXPECT_EQ(parameter("q=%2B972+50&x=", "q"), "+972 50");
  EXPECT_EQ(parameter("a=b=c", "a"), "b=c");
}

TEST(Parameter, WithoutAValueItIsEmpty) {
  EXPECT_EQ(parameter("a", "a"), "");
  EXPECT_EQ(parameter("a=", "a"), "");
  EXPECT_EQ(parameter("b&a&c", "a"), "");
}

TEST(Parameter, TheFirstOfTwoCounts) { EXPECT_EQ(parameter("a=1&a=2", "a"), "1"); }

TEST(Parameter, PartsOfNamesAreOtherNames) {
  EXPECT_EQ(parameter("ab=1&xa=2&A=3", "a"), std::nullopt);
  EXPECT_EQ(parameter("b=a=1", "a"), std::nullopt);
  EXPECT_EQ(parameter("&&=&a=1&&", "a"), "1");
}

// Not to be taken for one that is not there.
TEST(Parameter, ABrokenValueStandsForItself) {
  EXPECT_EQ(parameter("a=%", "a"), "%");
  EXPECT_EQ(parameter("a=%00", "a"), "%00");
  EXPECT_EQ(parameter("a=RE2%&b=1", "a"), "RE2%");
}

TEST(ListsToken, WhateverItsPlaceCaseAndParameters) {
  EXPECT_TRUE(lists_token("respond-async", "respond-async"));
  EXPECT_TRUE(lists_token("Respond-Async", "respond-async"));
  EXPECT_TRUE(lists_token("wait=10, respond-async", "respond-async"));
  EXPECT_TRUE(lists_token(" \trespond-async\t ,x", "respond-async"));
  EXPECT_TRUE(lists_token("respond-async; foo=bar", "respond-async"));
  EXPECT_TRUE(lists_token("prefetch;anonymous-client-ip", "prefetch"));
  EXPECT_TRUE(lists_token("wait=10", "wait"));
  EXPECT_TRUE(lists_token(",,x,", "x"));
}

TEST(ListsToken, AndNothingElse) {
  EXPECT_FALSE(lists_token("", "x"));
  EXPECT_FALSE(lists_token(",", "x"));
  EXPECT_FALSE(lists_token("xx", "x"));
  EXPECT_FALSE(lists_token("a x", "x"));
  EXPECT_FALSE(lists_token("a=x", "x"));
  EXPECT_FALSE(lists_token("a;x", "x"));
}

}  // namespace
}  // namespace onetake::http
