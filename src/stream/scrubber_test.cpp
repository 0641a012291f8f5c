#include "stream/scrubber.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "stream/test_published.hpp"

namespace onetake::stream {
namespace {

using ScrubberTest = PublishedTest;

TEST_F(ScrubberTest, LeavesAloneWhatIsAsItWas) {
  publish("CA1", "some audio in several portions");
  publish("CA2", "x");
  EXPECT_EQ(loop_.run(scrubber_.round()), 0);
  EXPECT_EQ(state("CA1"), State::ready);
  EXPECT_EQ(state("CA2"), State::ready);
}

TEST_F(ScrubberTest, FindsAChangedByteAShorterFileAndNone) {
  for (const auto* const call : {"changed", "shorter", "gone", "sound"})
    publish(call, "some audio in several portions");
  std::fstream{file("changed"), std::ios::in | std::ios::out}.put('S');
  std::filesystem::resize_file(file("shorter"), 10);
  std::filesystem::remove(file("gone"));
  EXPECT_EQ(loop_.run(scrubber_.round()), 3);
  EXPECT_EQ(state("changed"), State::remote);
  EXPECT_EQ(state("shorter"), State::remote);
  EXPECT_EQ(state("gone"), State::remote);
  EXPECT_EQ(state("sound"), State::ready);
  EXPECT_FALSE(std::filesystem::exists(file("changed")));
  EXPECT_TRUE(std::filesystem::exists(folder_.path() / "quarantine" / "changed"));
  EXPECT_TRUE(std::filesystem::exists(folder_.path() / "quarantine" / "shorter"));
  EXPECT_EQ(loop_.run(scrubber_.round()), 0);
}

TEST_F(ScrubberTest, WhoeverIsSentWhatRottedIsCut) {
  publish("CA1", "some audio");
  const Key key{.tenant = acme, .call_sid = CallSid{"CA1"}, .recording_sid = {}};
  const auto ready = std::make_shared<const Ready>(Ready{.file = store_.open("CA1"),
                                                         .recording = RecordingId{"rec"},
                                                         .blob = "CA1",
                                                         .content_type = "audio/wav",
                                                         .etag = "\"e\"",
                                                         .last_modified = {},
                                                         .expires = WallTime::max()});
  ASSERT_TRUE(shelf_.put(key, ready, shelf_.epoch(key), wall_now()));
  std::fstream{file("CA1"), std::ios::in | std::ios::out}.put('S');
  EXPECT_EQ(loop_.run(scrubber_.round()), 1);
  EXPECT_TRUE(ready->file->withdrawn);
  EXPECT_EQ(shelf_.find(key, wall_now()), nullptr);
}

}  // namespace
}  // namespace onetake::stream
