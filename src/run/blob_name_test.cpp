#include "run/blob_name.hpp"

#include <gtest/gtest.h>

namespace onetake::run {
namespace {

const RecordingId recording{"01a20449-bf24-7000-988c-b50eac8e32f2"};

TEST(BlobName, TellsWhoseItIs) {
  const auto name = BlobName{.recording = recording, .cycle = 12}.str(7, 1000007);
  EXPECT_EQ(name, "01a20449-bf24-7000-988c-b50eac8e32f2-12-7-1000007");
  const auto parsed = BlobName::parse(name);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->recording, recording);
  EXPECT_EQ(parsed->cycle, 12);
}

TEST(BlobName, OtherNamesAreNone) {
  for (const auto* const name :
       {"", "blob-1", "01a20449-bf24-7000-988c-b50eac8e32f2", "01a20449-bf24-7000-988c-b50eac8e32f2-",
        "01a20449-bf24-7000-988c-b50eac8e32f2-x-7", "01a20449-bf24-7000-988c-b50eac8e32f2-12"})
    EXPECT_FALSE(BlobName::parse(name)) << name;
}

}  // namespace
}  // namespace onetake::run
