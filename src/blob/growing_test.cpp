#include "blob/growing.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <future>
#include <string>
#include <thread>
#include <utility>

#include "base/temp_folder.hpp"
#include "base/test_loop.hpp"
#include "blob/store.hpp"

namespace onetake::blob {
namespace {

using Phase = Growing::Phase;

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span{text}); }

Task<result<Growing::View>> past(std::shared_ptr<Growing> growing, Bytes offset, Deadline deadline) {
  co_return co_await growing->past(offset, deadline);
}
Task<result<Growing::View>> sized(std::shared_ptr<Growing> growing, Deadline deadline) {
  co_return co_await growing->sized(deadline);
}

/// One recording from its temporary file on, row by row of the table in growing.hpp.
class GrowingTest : public testing::Test {
 protected:
  std::string readable() const {
    std::string text(growing_->view().watermark, '\0');
    EXPECT_EQ(::pread(growing_->fd(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    return text;
  }
  std::future<result<Growing::View>> reader_at(Bytes offset, Deadline deadline = never) {
    auto reader = loop_.start(past(growing_, offset, deadline));
    loop_.run(
        sleep_for(milliseconds{0}));  // it began before this, and is suspended now unless there was something for it
    return reader;
  }
  static bool waits(const std::future<result<Growing::View>>& reader) {
    return reader.wait_for(std::chrono::seconds{0}) == std::future_status::timeout;
  }

  TempFolder folder_;
  Store store_{folder_.path()};
  Writer writer_ = store_.create("one");
  std::shared_ptr<Growing> growing_ = writer_.growing();
  TestLoop loop_;
};

TEST_F(GrowingTest, ReservedHasNothingAndAReaderWaits) {
  const auto view = growing_->view();
  EXPECT_EQ(view.phase, Phase::reserved);
  EXPECT_EQ(view.watermark, 0U);
  EXPECT_EQ(view.total, std::nullopt);
  EXPECT_FALSE(view.final());

  auto reader = reader_at(0);
  EXPECT_TRUE(waits(reader));
  EXPECT_TRUE(writer_.begin(4));
  EXPECT_TRUE(waits(reader)) << "beginning is no byte";
  writer_.abandon({.cause = Cause::interrupted, .detail = {}});
  EXPECT_EQ(reader.get()->phase, Phase::abandoned);
}

TEST_F(GrowingTest, ReservedMayBeAbandonedAndTellsTheCause) {
  writer_.abandon({.cause = Cause::gone, .detail = "410", .provider_status = 410});
  const auto view = growing_->view();
  EXPECT_EQ(view.phase, Phase::abandoned);
  EXPECT_TRUE(view.final());
  EXPECT_EQ(growing_->cause().cause, Cause::gone);
  EXPECT_EQ(growing_->cause().detail, "410");
  EXPECT_EQ(growing_->cause().provider_status, 410);
}

TEST_F(GrowingTest, ArrivingKnowsTheTotalFromTheBeginningOn) {
  ASSERT_TRUE(writer_.begin(10));
  EXPECT_EQ(growing_->view().phase, Phase::arriving);
  EXPECT_EQ(growing_->view().total, 10U);
}

TEST_F(GrowingTest, ArrivingStaysOneByteShortOfWhatIsWritten) {
  ASSERT_TRUE(writer_.begin(5));
  ASSERT_TRUE(writer_.append(bytes("a")));
  EXPECT_EQ(growing_->view().watermark, 0U);
  ASSERT_TRUE(writer_.append(bytes("bcd")));
  EXPECT_EQ(readable(), "abc");
  ASSERT_TRUE(writer_.append(bytes("e")));
  EXPECT_EQ(readable(), "abcd") << "every byte is written, and nobody may take it for whole yet";
  EXPECT_EQ(writer_.written(), 5U);
  writer_.finish();
  EXPECT_EQ(readable(), "abcde");
}

TEST_F(GrowingTest, ArrivingAppendsNothing) {
  ASSERT_TRUE(writer_.begin({}));
  ASSERT_TRUE(writer_.append({}));
  EXPECT_EQ(growing_->view().watermark, 0U);
  ASSERT_TRUE(writer_.append(bytes("ab")));
  ASSERT_TRUE(writer_.append({}));
  EXPECT_EQ(growing_->view().watermark, 1U);
}

TEST_F(GrowingTest, ArrivingWakesAReaderOnceItsByteMayBeRead) {
  ASSERT_TRUE(writer_.begin({}));
  auto reader = reader_at(3);
  ASSERT_TRUE(writer_.append(bytes("abcd")));
  loop_.settle();
  EXPECT_TRUE(waits(reader)) << "the watermark is 3: the byte at 3 may not be read yet";
  ASSERT_TRUE(writer_.append(bytes("e")));
  const auto view = reader.get();
  ASSERT_TRUE(view);
  EXPECT_EQ(view->watermark, 4U);
  EXPECT_EQ(view->phase, Phase::arriving);
}

TEST_F(GrowingTest, ArrivingAnswersAtOnceWhatMayBeRead) {
  ASSERT_TRUE(writer_.begin({}));
  ASSERT_TRUE(writer_.append(bytes("abcd")));
  EXPECT_EQ(loop_.run(past(growing_, 2, Deadline::min()))->watermark, 3U);
}

TEST_F(GrowingTest, ArrivingTellsAReaderWhenItsTimeIsUp) {
  ASSERT_TRUE(writer_.begin({}));
  const auto view = loop_.run(past(growing_, 0, in(milliseconds{1})));
  ASSERT_FALSE(view);
  EXPECT_EQ(view.error().fault, Fault::request_timeout);
  const auto size = loop_.run(sized(growing_, in(milliseconds{1})));
  ASSERT_FALSE(size);
  EXPECT_EQ(size.error().fault, Fault::request_timeout);
}

TEST_F(GrowingTest, ArrivingManyReadersOnTwoLoopsGetEveryByte) {
  TestLoop other;
  ASSERT_TRUE(writer_.begin({}));
  std::vector<std::future<result<Growing::View>>> readers;
  for (Bytes at = 0; at < 100; ++at) readers.push_back((at % 2 ? other : loop_).start(past(growing_, at, never)));
  std::jthread transfer{[this] {
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(writer_.append(bytes("x")));
    writer_.finish();
  }};
  for (Bytes at = 0; at < 100; ++at) EXPECT_GT(readers[at].get()->watermark, at);
}

TEST_F(GrowingTest, SizedWaitsForTheTotal) {
  auto reader = loop_.start(sized(growing_, never));
  ASSERT_TRUE(writer_.begin(7));
  EXPECT_EQ(reader.get()->total, 7U);
}

TEST_F(GrowingTest, SizedWaitsForTheEndWhereTheProviderTellsNoLength) {
  auto reader = loop_.start(sized(growing_, never));
  ASSERT_TRUE(writer_.begin({}));
  ASSERT_TRUE(writer_.append(bytes("abc")));
  loop_.settle();
  EXPECT_TRUE(waits(reader));
  writer_.finish();
  const auto view = reader.get();
  EXPECT_EQ(view->total, 3U);
  EXPECT_EQ(view->phase, Phase::whole);
}

TEST_F(GrowingTest, WholeGivesEveryByteAndTheTotal) {
  ASSERT_TRUE(writer_.begin({}));
  ASSERT_TRUE(writer_.append(bytes("abc")));
  auto last = reader_at(2);
  auto beyond = reader_at(99);
  EXPECT_TRUE(waits(last));
  writer_.finish();
  EXPECT_EQ(last.get()->watermark, 3U);
  EXPECT_EQ(beyond.get()->phase, Phase::whole);
  EXPECT_EQ(growing_->view().total, 3U);
  EXPECT_EQ(readable(), "abc");
}

TEST_F(GrowingTest, WholeIsNotAbandonedAnyMore) {
  ASSERT_TRUE(writer_.begin({}));
  ASSERT_TRUE(writer_.append(bytes("abc")));
  writer_.finish();
  writer_.abandon({.cause = Cause::internal, .detail = {}});
  EXPECT_EQ(growing_->view().phase, Phase::whole);
}

TEST_F(GrowingTest, AbandonedGivesWhatThereIsThenTheCause) {
  ASSERT_TRUE(writer_.begin(10));
  ASSERT_TRUE(writer_.append(bytes("abcd")));
  auto reader = reader_at(5);
  writer_.abandon({.cause = Cause::stalled, .detail = "no byte"});
  const auto view = reader.get();
  EXPECT_EQ(view->phase, Phase::abandoned);
  EXPECT_EQ(view->watermark, 3U) << "the last byte is never given";
  EXPECT_EQ(view->total, 10U);
  EXPECT_EQ(growing_->cause().cause, Cause::stalled);
}

TEST_F(GrowingTest, AbandonedIsFinal) {
  ASSERT_TRUE(writer_.begin({}));
  ASSERT_TRUE(writer_.append(bytes("abcd")));
  writer_.abandon({.cause = Cause::stalled, .detail = {}});
  writer_.abandon({.cause = Cause::gone, .detail = {}});
  writer_.finish();
  EXPECT_EQ(growing_->view().phase, Phase::abandoned);
  EXPECT_EQ(growing_->view().watermark, 3U);
  EXPECT_EQ(growing_->cause().cause, Cause::stalled);
}

}  // namespace
}  // namespace onetake::blob
