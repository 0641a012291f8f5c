#include "recording/byte_range.hpp"

#include <gmock/gmock.h>

namespace onetake {
namespace {

using testing::ElementsAre;
using testing::Optional;

TEST(ParseRange, TakesTheFormsOfRfc9110) {
  EXPECT_THAT(parse_range("bytes=0-"), Optional(ElementsAre(RangeSpec{0, {}})));
  EXPECT_THAT(parse_range("bytes=5-9"), Optional(ElementsAre(RangeSpec{5, 9})));
  EXPECT_THAT(parse_range("bytes=-500"), Optional(ElementsAre(RangeSpec{{}, 500})));
  EXPECT_THAT(parse_range("Bytes= 0-1 , 4-5"), Optional(ElementsAre(RangeSpec{0, 1}, RangeSpec{4, 5})));
}

TEST(ParseRange, IsAsIfAbsentWhenMalformed) {
  for (const char* field : {"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=9-5", "items=0-1", "bytes=0-1,x",
                            "bytes=0x1-2", "bytes=+1-2", "bytes=1 -2"})
    EXPECT_EQ(parse_range(field), std::nullopt) << field;
}

TEST(ParseRange, RefusesAFlood) {
  std::string field = "bytes=0-0";
  for (int i = 0; i < 32; ++i) field += ",0-0";
  EXPECT_EQ(parse_range(field), std::nullopt);
}

TEST(Resolve, CutsAtTheEndAndRefusesWhatLiesPastIt) {
  EXPECT_EQ(resolve({0, {}}, 10), (ByteRange{0, 9}));
  EXPECT_EQ(resolve({5, 99}, 10), (ByteRange{5, 9}));
  EXPECT_EQ(resolve({{}, 3}, 10), (ByteRange{7, 9}));
  EXPECT_EQ(resolve({{}, 99}, 10), (ByteRange{0, 9}));
  EXPECT_EQ(resolve({10, {}}, 10), std::nullopt);
  EXPECT_EQ(resolve({{}, 0}, 10), std::nullopt);
  EXPECT_EQ(resolve({0, {}}, 0), std::nullopt);
}

TEST(Resolve, NumbersPastEverythingAreEndsNotErrors) {
  const auto specs = parse_range("bytes=0-99999999999999999999999");
  ASSERT_TRUE(specs);
  EXPECT_EQ(resolve(specs->front(), 10), (ByteRange{0, 9}));
}

}  // namespace
}  // namespace onetake
