#include "blob/store.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "base/temp_folder.hpp"
#include "blob/note.hpp"
#include "blob/test_disk.hpp"

namespace onetake::blob {
namespace {

namespace fs = std::filesystem;
using test::FaultyDisk;

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span{text}); }

std::string content(const Published& file) {
  std::string text(file.size, '\0');
  EXPECT_EQ(::pread(file.file.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  return text;
}

class StoreTest : public testing::Test {
 protected:
  void publish(Store& store, const std::string& name, std::string_view audio) {
    auto writer = store.create(name);
    ASSERT_TRUE(writer.begin(audio.size()));
    ASSERT_TRUE(writer.append(bytes(audio)));
    writer.finish();
    store.publish(writer, name);
  }
  std::vector<fs::path> files_in(const std::string& folder) const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator{folder_.path() / folder})
      if (entry.is_regular_file()) files.push_back(entry.path());
    return files;
  }

  TempFolder folder_;
};

TEST_F(StoreTest, PublishingMovesTheFileToTheNameItKeeps) {
  Store store{folder_.path()};
  publish(store, "rec-1-1-1", "some audio");
  EXPECT_TRUE(files_in("temporary").empty());
  ASSERT_EQ(files_in("audio").size(), 1U);
  EXPECT_EQ(files_in("audio").front().filename(), "rec-1-1-1");
  const auto file = store.open("rec-1-1-1");
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(file->size, 10U);
  EXPECT_FALSE(file->withdrawn);
  EXPECT_EQ(content(*file), "some audio");
}

TEST_F(StoreTest, WhoListensWhileItIsPublishedReadsOn) {
  Store store{folder_.path()};
  auto writer = store.create("a");
  const auto growing = writer.growing();
  ASSERT_TRUE(writer.begin({}));
  ASSERT_TRUE(writer.append(bytes("abc")));
  writer.finish();
  store.publish(writer, "b");
  std::string text(3, '\0');
  EXPECT_EQ(::pread(growing->fd(), text.data(), 3, 0), 3);
  EXPECT_EQ(text, "abc");
}

TEST_F(StoreTest, WhatIsPublishedOutlivesItsWriterAndTheStore) {
  {
    Store store{folder_.path()};
    publish(store, "kept", "audio");
  }
  const Store again{folder_.path()};
  const auto file = again.open("kept");
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(content(*file), "audio");
}

TEST_F(StoreTest, AnEmptyFileIsAFile) {
  Store store{folder_.path()};
  publish(store, "empty", "");
  ASSERT_NE(store.open("empty"), nullptr);
  EXPECT_EQ(store.open("empty")->size, 0U);
}

TEST_F(StoreTest, ANameIsGivenOnce) {
  Store store{folder_.path()};
  const auto writer = store.create("one");
  EXPECT_THROW(static_cast<void>(store.create("one")), std::system_error);
  EXPECT_TRUE(fs::exists(folder_.path() / "temporary" / "one")) << "the refusal leaves the first one's file";
}

TEST_F(StoreTest, StartRemovesTheTemporariesOfEarlierLives) {
  {
    const Store store{folder_.path()};
  }
  std::ofstream{folder_.path() / "temporary" / "left"} << "half";
  Store store{folder_.path()};
  EXPECT_TRUE(files_in("temporary").empty());
  const auto writer = store.create("left");
}

TEST_F(StoreTest, WhatIsMissingIsNull) {
  const Store store{folder_.path()};
  EXPECT_EQ(store.open("nothing"), nullptr);
}

TEST_F(StoreTest, RemovingIsFinalAndRepeatable) {
  Store store{folder_.path()};
  publish(store, "one", "audio");
  const auto reader = store.open("one");
  store.remove("one");
  EXPECT_EQ(store.open("one"), nullptr);
  EXPECT_EQ(content(*reader), "audio") << "who has it open reads on";
  store.remove("one");
  store.remove("never was");
}

TEST_F(StoreTest, TheLatestInQuarantineStay) {
  Store store{folder_.path()};
  for (std::size_t n = 0; n < Store::quarantined_most + 2; ++n) {
    publish(store, std::to_string(n), "x");
    ASSERT_TRUE(store.quarantine(std::to_string(n)));
  }
  const auto names = store.quarantined();
  EXPECT_EQ(names.size(), Store::quarantined_most);
  EXPECT_EQ(names.front(), std::to_string(Store::quarantined_most + 1));
  EXPECT_EQ(names.back(), "2");
  store.remove_quarantined("2");
  EXPECT_EQ(store.quarantined().size(), Store::quarantined_most - 1);
  EXPECT_FALSE(store.quarantine("2"));
}

TEST_F(StoreTest, PublishingWithoutItsFileFails) {
  Store store{folder_.path()};
  auto writer = store.create("one");
  ASSERT_TRUE(writer.begin({}));
  ASSERT_TRUE(writer.append(bytes("abc")));
  writer.finish();
  fs::remove(folder_.path() / "temporary" / "one");
  EXPECT_THROW(store.publish(writer, "one"), std::system_error);
  EXPECT_EQ(store.open("one"), nullptr);
}

TEST_F(StoreTest, ManyThreadsPublishAtOnce) {
  Store store{folder_.path()};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 25; ++i)
          publish(store, std::to_string(t) + '-' + std::to_string(i), std::to_string(t * 100 + i));
      });
  }
  EXPECT_EQ(files_in("audio").size(), 100U);
  for (int t = 0; t < 4; ++t)
    for (int i = 0; i < 25; ++i)
      EXPECT_EQ(content(*store.open(std::to_string(t) + '-' + std::to_string(i))), std::to_string(t * 100 + i));
}

// A folder made by a life that lost its power must not be one that the disk does not know of.
TEST_F(StoreTest, EveryFolderIsThereBeforeTheFirstFile) {
  const Store store{folder_.path()};
  int folders = 0;
  for (const auto& entry : fs::directory_iterator{folder_.path() / "audio"}) folders += entry.is_directory() ? 1 : 0;
  EXPECT_EQ(folders, 256);
}

// The last sixteenth of a disk belongs to the database: without it not even an eviction could be written.
TEST_F(StoreTest, TheDiskIsNotFilledToTheBrim) {
  FaultyDisk disk;
  disk.say({.size = 16'000, .available = 3000});
  Store store{folder_.path(), 1_MiB, disk};
  EXPECT_TRUE(store.space().has(2000));
  EXPECT_FALSE(store.space().has(2001));
  auto writer = store.create("one");
  ASSERT_FALSE(writer.begin(2001));
  EXPECT_EQ(writer.begin(2001).error(), Cause::no_space);
  EXPECT_TRUE(writer.begin(2000));
  disk.say({.size = 16'000, .available = 500});
  EXPECT_FALSE(store.space().has(1)) << "somebody else has taken of it";
}

TEST_F(StoreTest, AKnownLengthIsHeldOnTheDiskBeforeItsBytesCome) {
  FaultyDisk disk;
  Store store{folder_.path(), 1_MiB, disk};
  auto writer = store.create("one");
  disk.fail(FaultyDisk::Call::reserve, ENOSPC);
  ASSERT_FALSE(writer.begin(1000));
  EXPECT_EQ(writer.begin(1000).error(), Cause::no_space);
  disk.fail(FaultyDisk::Call::none);
  EXPECT_TRUE(writer.begin(1000));
  EXPECT_EQ(fs::file_size(folder_.path() / "temporary" / "one"), 0U);
}

TEST_F(StoreTest, AFullDiskIsNoBrokenOne) {
  FaultyDisk disk;
  Store store{folder_.path(), 1_MiB, disk};
  auto writer = store.create("one");
  ASSERT_TRUE(writer.begin({}));
  ASSERT_TRUE(writer.append(bytes("abc")));
  disk.fail(FaultyDisk::Call::write, ENOSPC);
  EXPECT_EQ(writer.append(bytes("def")).error(), Cause::no_space);
  disk.fail(FaultyDisk::Call::write, EIO);
  EXPECT_EQ(writer.append(bytes("def")).error(), Cause::internal);
  disk.fail(FaultyDisk::Call::none);
  ASSERT_TRUE(writer.append(bytes("def")));
  writer.finish();
  store.publish(writer, "one");
  EXPECT_EQ(content(*store.open("one")), "abcdef");
}

// What the kernel could not write it may have dropped: a second fsync would say that all is well.
TEST_F(StoreTest, AFailedSyncIsNotTriedAgainAndNothingIsPublished) {
  for (const auto call : {FaultyDisk::Call::sync, FaultyDisk::Call::rename, FaultyDisk::Call::sync_folder}) {
    FaultyDisk disk;
    Store store{folder_.path(), 1_MiB, disk};
    {
      auto writer = store.create("one");
      ASSERT_TRUE(writer.begin(3));
      ASSERT_TRUE(writer.append(bytes("abc")));
      writer.finish();
      disk.fail(call);
      EXPECT_THROW(store.publish(writer, "one"), std::system_error);
      EXPECT_EQ(disk.failures(), 1);
      disk.fail(FaultyDisk::Call::none);
    }
    EXPECT_EQ(store.open("one"), nullptr);
    EXPECT_TRUE(files_in("temporary").empty());
    EXPECT_EQ(store.space().used(), 0U);
  }
}

// What was being written when the process ended.

TEST_F(StoreTest, WhatHasANoteOfThisBootIsGoneOnWith) {
  {
    Store store{folder_.path()};
    auto writer = store.create("half");
    ASSERT_TRUE(writer.begin(10));
    ASSERT_TRUE(writer.append(bytes("abcdef")));
    writer.note("first");
    writer.note("second");
    writer.leave();
  }
  Store store{folder_.path()};
  EXPECT_EQ(store.unfinished(), std::vector<std::string>{"half"});
  auto resumed = store.resume("half");
  ASSERT_TRUE(resumed);
  EXPECT_EQ(resumed->note, "second");
  EXPECT_EQ(resumed->writer.position(), 6U);
  ASSERT_TRUE(resumed->writer.begin(10));
  EXPECT_EQ(resumed->writer.growing()->view().watermark, 5U) << "one short of what is written";
  ASSERT_TRUE(resumed->writer.append(bytes("ghij")));
  resumed->writer.finish();
  store.publish(resumed->writer, "whole");
  EXPECT_EQ(content(*store.open("whole")), "abcdefghij");
  EXPECT_EQ(store.space().used(), 10U);
  EXPECT_TRUE(store.unfinished().empty());
  EXPECT_FALSE(store.resume("half"));
  EXPECT_TRUE(files_in("notes").empty());
}

TEST_F(StoreTest, WhatIsNotLeftIsRemovedWithItsNote) {
  Store store{folder_.path()};
  {
    auto writer = store.create("half");
    writer.note("text");
  }
  EXPECT_TRUE(files_in("temporary").empty());
  EXPECT_TRUE(files_in("notes").empty());
}

TEST_F(StoreTest, ANoteOfAnotherBootOrHalfANoteIsNone) {
  const auto note = note_for_this_boot("text");
  for (const auto& text : {'x' + note, note.substr(0, note.size() - 1), std::string{}}) {
    {
      Store store{folder_.path()};
      auto writer = store.create("half");
      writer.note("text");
      writer.leave();
    }
    std::ofstream{folder_.path() / "notes" / "half"} << text;
    const Store store{folder_.path()};
    EXPECT_TRUE(store.unfinished().empty());
    EXPECT_TRUE(files_in("temporary").empty());
    EXPECT_TRUE(files_in("notes").empty());
  }
}

TEST_F(StoreTest, WhatNobodyGoesOnWithIsDiscarded) {
  {
    Store store{folder_.path()};
    auto writer = store.create("half");
    writer.note("text");
    writer.leave();
  }
  Store store{folder_.path()};
  store.discard("half");
  store.discard("never was");
  EXPECT_TRUE(files_in("temporary").empty());
  EXPECT_TRUE(files_in("notes").empty());
  EXPECT_FALSE(store.resume("half"));
}

}  // namespace
}  // namespace onetake::blob
