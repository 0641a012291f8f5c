#include "http/conditional.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace onetake::http {
namespace {

constexpr std::string_view tag = "\"id-1-2\"";
/// Sun, 22 Nov 2026 09:30:00 GMT, and a part of a second that Last-Modified cannot say.
const WallTime modified{milliseconds{1'795'339'800'250}};
constexpr std::string_view then = "Sun, 22 Nov 2026 09:30:00 GMT";
constexpr std::string_view before = "Sun, 22 Nov 2026 09:29:59 GMT";
constexpr std::string_view after = "Sun, 22 Nov 2026 09:30:01 GMT";

using Fields = std::vector<std::pair<Field, std::string_view>>;

Request with(const Fields& fields) {
  Request request;
  request.method = "GET";
  for (const auto& [name, value] : fields) request.fields[static_cast<std::size_t>(name)] = value;
  return request;
}
Precondition of(const Fields& fields) { return evaluate(with(fields), tag, modified); }
bool ranges(std::string_view if_range) { return range_applies(with({{Field::if_range, if_range}}), tag, modified); }

using enum Precondition;

TEST(Conditional, WithoutAFieldItProceeds) { EXPECT_EQ(of({}), proceed); }

TEST(Conditional, IfMatchComparesStrongly) {
  for (const std::string_view field :
       {"\"id-1-2\"", "*", "\"x\", \"id-1-2\"", "\"x\",\"id-1-2\",\"y\"", ", ,\"id-1-2\"", " \"id-1-2\" ",
        "\"a,b\", \"id-1-2\"", "W/\"id-1-2\", \"id-1-2\""})
    EXPECT_EQ(of({{Field::if_match, field}}), proceed) << field;
  for (const std::string_view field : {"\"id-1-3\"", "W/\"id-1-2\"", "id-1-2", "\"id-1-2", "\"x\"", "\"id-1-2x\"",
                                       "\"\"", "garbage \"id-1-2\"", "w/\"id-1-2\""})
    EXPECT_EQ(of({{Field::if_match, field}}), failed) << field;
}

TEST(Conditional, IfNoneMatchComparesWeakly) {
  for (const std::string_view field : {"\"id-1-2\"", "W/\"id-1-2\"", "*", "\"x\", W/\"id-1-2\"", "W/\"x\", \"id-1-2\""})
    EXPECT_EQ(of({{Field::if_none_match, field}}), not_modified) << field;
  for (const std::string_view field : {"\"id-1-3\"", "id-1-2", "\"id-1-2", "W/", "W/id-1-2", "\"\""})
    EXPECT_EQ(of({{Field::if_none_match, field}}), proceed) << field;
}

TEST(Conditional, IfUnmodifiedSinceFailsOnceItIsNewer) {
  EXPECT_EQ(of({{Field::if_unmodified_since, then}}), proceed) << "to the second";
  EXPECT_EQ(of({{Field::if_unmodified_since, after}}), proceed);
  EXPECT_EQ(of({{Field::if_unmodified_since, before}}), failed);
  EXPECT_EQ(of({{Field::if_unmodified_since, "yesterday"}}), proceed) << "what is no date is not there";
}

TEST(Conditional, IfModifiedSinceIsNotModifiedUntilItIsNewer) {
  EXPECT_EQ(of({{Field::if_modified_since, then}}), not_modified) << "to the second";
  EXPECT_EQ(of({{Field::if_modified_since, after}}), not_modified);
  EXPECT_EQ(of({{Field::if_modified_since, before}}), proceed);
  EXPECT_EQ(of({{Field::if_modified_since, "Sunday, 22-Nov-26 09:30:00 GMT"}}), not_modified);
  EXPECT_EQ(of({{Field::if_modified_since, "Sun Nov 22 09:29:59 2026"}}), proceed);
  EXPECT_EQ(of({{Field::if_modified_since, "0"}}), proceed) << "what is no date is not there";
}

TEST(Conditional, TagsComeBeforeDates) {
  EXPECT_EQ(of({{Field::if_match, tag}, {Field::if_unmodified_since, before}}), proceed);
  EXPECT_EQ(of({{Field::if_match, "\"x\""}, {Field::if_unmodified_since, after}}), failed);
  EXPECT_EQ(of({{Field::if_none_match, "\"x\""}, {Field::if_modified_since, after}}), proceed);
  EXPECT_EQ(of({{Field::if_none_match, tag}, {Field::if_modified_since, before}}), not_modified);
}

TEST(Conditional, WhatMustHoldComesBeforeWhatMustNot) {
  EXPECT_EQ(of({{Field::if_match, "\"x\""}, {Field::if_none_match, tag}}), failed);
  EXPECT_EQ(of({{Field::if_match, tag}, {Field::if_none_match, tag}}), not_modified);
  EXPECT_EQ(of({{Field::if_unmodified_since, before}, {Field::if_none_match, tag}}), failed);
  EXPECT_EQ(of({{Field::if_unmodified_since, after}, {Field::if_modified_since, after}}), not_modified);
}

TEST(Conditional, IfRangeTakesTheStrongTagOrTheVeryDate) {
  EXPECT_TRUE(range_applies(with({}), tag, modified));
  EXPECT_TRUE(ranges(tag));
  EXPECT_TRUE(ranges(then));
  for (const std::string_view field : {"W/\"id-1-2\"", "\"x\"", "*", "\"id-1-2\", \"x\"", "id-1-2",
                                       "Sun, 22 Nov 2026 09:29:59 GMT", "Sun, 22 Nov 2026 09:30:01 GMT", "soon"})
    EXPECT_FALSE(ranges(field)) << field;
}

}  // namespace
}  // namespace onetake::http
