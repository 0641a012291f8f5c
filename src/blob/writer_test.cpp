#include "blob/writer.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>

#include "base/temp_folder.hpp"
#include "blob/store.hpp"

namespace onetake::blob {
namespace {

using Phase = Growing::Phase;

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span{text}); }

class WriterTest : public testing::Test {
 protected:
  static std::string content(const Growing& growing, std::size_t size) {
    std::string text(size + 1, '\0');
    const auto n = ::pread(growing.fd(), text.data(), text.size(), 0);
    text.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    return text;
  }
  std::filesystem::path temporary(const std::string& name) const { return folder_.path() / "temporary" / name; }

  TempFolder folder_;
  Store store_{folder_.path()};
};

TEST_F(WriterTest, WhatComesAgainIsComparedAndGoesOn) {
  auto writer = store_.create("one");
  ASSERT_TRUE(writer.begin({}));
  ASSERT_TRUE(writer.append(bytes("abcdef")));
  writer.rewind();
  EXPECT_EQ(writer.position(), 0U);
  ASSERT_TRUE(writer.append(bytes("abc")));
  EXPECT_EQ(writer.position(), 3U);
  EXPECT_EQ(writer.written(), 6U);
  EXPECT_EQ(writer.growing()->view().watermark, 5U) << "what readers may read stays";
  ASSERT_TRUE(writer.append(bytes("defgh"))) << "half is known, half is new";
  EXPECT_EQ(writer.position(), 8U);
  EXPECT_EQ(writer.growing()->view().watermark, 7U);
  writer.finish();
  EXPECT_EQ(content(*writer.growing(), 8), "abcdefgh");
}

TEST_F(WriterTest, WhatDiffersStopsAtItsFirstByteAndChangesNothing) {
  auto writer = store_.create("one");
  ASSERT_TRUE(writer.begin({}));
  ASSERT_TRUE(writer.append(bytes("abcdef")));
  writer.rewind();
  ASSERT_TRUE(writer.append(bytes("ab")));
  const auto done = writer.append(bytes("cdXfgh"));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error(), Cause::wrong_content);
  EXPECT_EQ(writer.position(), 4U);
  EXPECT_EQ(writer.written(), 6U);
  EXPECT_EQ(content(*writer.growing(), 6), "abcdef");
  EXPECT_EQ(writer.growing()->view().watermark, 5U);
  EXPECT_EQ(writer.growing()->view().phase, Phase::arriving);
}

TEST_F(WriterTest, WhatDiffersInItsFirstAndItsLastByteIsSeen) {
  auto writer = store_.create("one");
  ASSERT_TRUE(writer.begin({}));
  ASSERT_TRUE(writer.append(bytes("abcdef")));
  writer.rewind();
  EXPECT_FALSE(writer.append(bytes("Xbcdef")));
  EXPECT_EQ(writer.position(), 0U);
  EXPECT_FALSE(writer.append(bytes("abcdeX")));
  EXPECT_EQ(writer.position(), 5U);
}

TEST_F(WriterTest, LongPiecesAreComparedWhole) {
  std::string audio(200'001, '\0');
  for (std::size_t i = 0; i < audio.size(); ++i) audio[i] = static_cast<char>(i * 7 + i / 251);
  auto writer = store_.create("one");
  ASSERT_TRUE(writer.begin({}));
  ASSERT_TRUE(writer.append(bytes(audio)));
  writer.rewind();
  ASSERT_TRUE(writer.append(bytes(audio)));
  EXPECT_EQ(writer.position(), audio.size());
  for (const std::size_t at : {0U, 16'383U, 16'384U, 16'385U, 131'072U, 200'000U}) {
    auto other = audio;
    other[at] = static_cast<char>(other[at] ^ 1);
    writer.rewind();
    EXPECT_FALSE(writer.append(bytes(other)));
    EXPECT_EQ(writer.position(), at);
  }
}

TEST_F(WriterTest, DestroyedBeforeTheEndItAbandonsAndRemovesTheFile) {
  std::shared_ptr<Growing> growing;
  {
    auto writer = store_.create("one");
    growing = writer.growing();
    ASSERT_TRUE(writer.begin({}));
    ASSERT_TRUE(writer.append(bytes("abc")));
    EXPECT_TRUE(std::filesystem::exists(temporary("one")));
  }
  EXPECT_EQ(growing->view().phase, Phase::abandoned);
  EXPECT_EQ(growing->cause().cause, Cause::internal);
  EXPECT_FALSE(std::filesystem::exists(temporary("one")));
  EXPECT_EQ(content(*growing, 3), "abc") << "who reads it reads on";
}

TEST_F(WriterTest, FinishedAndNotPublishedItRemovesTheFile) {
  std::shared_ptr<Growing> growing;
  {
    auto writer = store_.create("one");
    growing = writer.growing();
    ASSERT_TRUE(writer.begin({}));
    ASSERT_TRUE(writer.append(bytes("abc")));
    writer.finish();
  }
  EXPECT_EQ(growing->view().phase, Phase::whole);
  EXPECT_FALSE(std::filesystem::exists(temporary("one")));
}

TEST_F(WriterTest, MovedItIsTheSameWriter) {
  auto first = store_.create("one");
  const auto growing = first.growing();
  ASSERT_TRUE(first.begin({}));
  ASSERT_TRUE(first.append(bytes("abc")));
  {
    auto second = std::move(first);
    ASSERT_TRUE(second.append(bytes("def")));
    EXPECT_EQ(second.position(), 6U);
    first = std::move(second);
  }
  EXPECT_EQ(growing->view().phase, Phase::arriving);
  ASSERT_TRUE(first.append(bytes("g")));
  EXPECT_EQ(content(*growing, 7), "abcdefg");
}

TEST_F(WriterTest, AssignedToItAbandonsWhatItWrote) {
  auto writer = store_.create("one");
  const auto growing = writer.growing();
  writer = store_.create("two");
  EXPECT_EQ(growing->view().phase, Phase::abandoned);
  EXPECT_FALSE(std::filesystem::exists(temporary("one")));
  EXPECT_TRUE(std::filesystem::exists(temporary("two")));
  EXPECT_EQ(writer.growing()->view().phase, Phase::reserved);
}

TEST_F(WriterTest, ADiskThatIsFullSaysSoAndNothingHasChanged) {
  Space space{1'000'000};
  const auto growing = std::make_shared<Growing>(Fd{::open("/dev/full", O_RDWR | O_CLOEXEC)});
  Writer writer{growing, {}, space, Disk::real()};
  ASSERT_TRUE(writer.begin({}));
  const auto done = writer.append(bytes("abc"));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error(), Cause::no_space);
  EXPECT_EQ(writer.position(), 0U);
  EXPECT_EQ(writer.written(), 0U);
  EXPECT_EQ(growing->view().watermark, 0U);
  EXPECT_EQ(growing->view().phase, Phase::arriving);
}

TEST_F(WriterTest, AFileThatCannotBeWrittenIsNotAFullDisk) {
  Space space{1'000'000};
  Writer writer{std::make_shared<Growing>(Fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)}), {}, space, Disk::real()};
  ASSERT_TRUE(writer.begin({}));
  EXPECT_EQ(writer.append(bytes("abc")).error(), Cause::internal);
}

TEST_F(WriterTest, WhatWasWrittenAndCannotBeReadIsNotTakenForDifferent) {
  Space space{1'000'000};
  Writer writer{std::make_shared<Growing>(Fd{::open("/dev/null", O_RDWR | O_CLOEXEC)}), {}, space, Disk::real()};
  ASSERT_TRUE(writer.begin({}));
  ASSERT_TRUE(writer.append(bytes("abc")));
  writer.rewind();
  EXPECT_EQ(writer.append(bytes("abc")).error(), Cause::internal);
}

}  // namespace
}  // namespace onetake::blob
