#include "stream/shelf.hpp"

#include <gtest/gtest.h>

namespace onetake::stream {
namespace {

class ShelfTest : public testing::Test {
 protected:
  static Key key(const std::string& call_sid, std::optional<std::string> recording_sid = {},
                 const std::string& tenant = "acme") {
    return {.tenant = TenantId{tenant}, .call_sid = CallSid{call_sid}, .recording_sid = std::move(recording_sid)};
  }
  static std::shared_ptr<const Ready> ready(const std::string& blob, WallTime expires = WallTime::max()) {
    return std::make_shared<const Ready>(Ready{.file = std::make_shared<const blob::Published>(Fd{}, 10),
                                               .recording = RecordingId{"rec"},
                                               .blob = blob,
                                               .content_type = "audio/wav",
                                               .etag = "\"e\"",
                                               .last_modified = {},
                                               .expires = expires});
  }
  std::shared_ptr<const Ready> put(const Key& key, const std::string& blob, WallTime expires = WallTime::max()) {
    auto made = ready(blob, expires);
    EXPECT_TRUE(shelf_.put(key, made, shelf_.epoch(key), WallTime{}));
    return made;
  }
  std::shared_ptr<const Ready> find(const Key& key, WallTime at = {}) { return shelf_.find(key, at); }

  Shelf shelf_{3};
};

TEST_F(ShelfTest, FindsWhatWasPutThere) {
  EXPECT_EQ(find(key("a")), nullptr);
  const auto a = put(key("a"), "blob");
  EXPECT_EQ(find(key("a")), a);
  EXPECT_EQ(find(key("a", "RE")), nullptr);
  EXPECT_EQ(find(key("a", {}, "other")), nullptr);
  EXPECT_EQ(find(key("A")), nullptr);
}

TEST_F(ShelfTest, TheLeastRecentlyPlayedGoes) {
  const auto a = put(key("a"), "1");
  put(key("b"), "2");
  const auto c = put(key("c"), "3");
  EXPECT_EQ(find(key("a")), a);
  const auto d = put(key("d"), "4");
  EXPECT_EQ(find(key("b")), nullptr);
  EXPECT_EQ(find(key("a")), a);
  EXPECT_EQ(find(key("c")), c);
  EXPECT_EQ(find(key("d")), d);
}

TEST_F(ShelfTest, PutAgainItIsReplacedAndPlayed) {
  put(key("a"), "1");
  put(key("b"), "2");
  put(key("c"), "3");
  const auto again = put(key("a"), "4");
  EXPECT_EQ(find(key("a")), again);
  EXPECT_NE(find(key("b")), nullptr) << "nobody had to go";
  put(key("b"), "2");
  put(key("d"), "5");
  EXPECT_EQ(find(key("c")), nullptr);
}

TEST_F(ShelfTest, WhatIsPastRetentionIsNotThere) {
  const WallTime end{milliseconds{1000}};
  put(key("a"), "1", end);
  EXPECT_NE(find(key("a"), end - milliseconds{1}), nullptr);
  EXPECT_EQ(find(key("a"), end), nullptr);
  EXPECT_EQ(find(key("a"), end - milliseconds{1}), nullptr) << "and does not come back";
}

TEST_F(ShelfTest, WhatWasReadBeforeAChangeIsNotPutBack) {
  const auto epoch = shelf_.epoch(key("a"));
  shelf_.forget(TenantId{"acme"}, CallSid{"a"}, {});
  EXPECT_FALSE(shelf_.put(key("a"), ready("1"), epoch, WallTime{}));
  EXPECT_EQ(find(key("a")), nullptr);
  EXPECT_TRUE(shelf_.put(key("a"), ready("1"), shelf_.epoch(key("a")), WallTime{}));
}

// Another node's change: it was being opened while its file was taken away, and may not come on the shelf afterwards.
TEST_F(ShelfTest, WhatWasReadBeforeAWithdrawalIsNotPutHere) {
  const auto epoch = shelf_.epoch(key("a"));
  shelf_.withdraw({"1"});
  EXPECT_FALSE(shelf_.put(key("a"), ready("1"), epoch, WallTime{}));
  const auto later = shelf_.epoch(key("a"));
  shelf_.withdraw({});
  EXPECT_TRUE(shelf_.put(key("a"), ready("2"), later, WallTime{})) << "nothing was withdrawn";
}

TEST_F(ShelfTest, AChangeConcernsEveryRecordingOfItsCallAndNoOther) {
  put(key("a"), "1");
  put(key("a", "RE"), "2");
  const auto other = put(key("a", {}, "other"), "3");
  const auto with_sid = shelf_.epoch(key("a", "RE"));
  shelf_.forget(TenantId{"acme"}, CallSid{"a"}, {});
  EXPECT_EQ(find(key("a")), nullptr);
  EXPECT_EQ(find(key("a", "RE")), nullptr);
  EXPECT_EQ(find(key("a", {}, "other")), other);
  EXPECT_FALSE(shelf_.put(key("a", "RE"), ready("2"), with_sid, WallTime{}));
}

// Registering a recording again, as it is, must not cut who listens to it.
TEST_F(ShelfTest, OnlyBlobsThatAreNoMoreAreWithdrawn) {
  const auto first = put(key("a"), "1");
  const auto second = put(key("a", "RE"), "2");
  shelf_.forget(TenantId{"acme"}, CallSid{"a"}, {});
  EXPECT_FALSE(first->file->withdrawn);
  EXPECT_FALSE(second->file->withdrawn);
  shelf_.forget(TenantId{"acme"}, CallSid{"a"}, {"2"});
  EXPECT_FALSE(first->file->withdrawn);
  EXPECT_TRUE(second->file->withdrawn) << "it was forgotten before, and is being sent";
}

TEST_F(ShelfTest, WhatIsBeingSentIsWithdrawnHoweverItLeftTheShelf) {
  const auto evicted = put(key("a"), "evicted");
  const auto replaced = put(key("b"), "replaced");
  const auto expired = put(key("c"), "expired", WallTime{milliseconds{1}});
  put(key("b"), "replaced");
  find(key("c"), WallTime{milliseconds{2}});
  put(key("d"), "4");
  put(key("e"), "5");
  ASSERT_EQ(find(key("a")), nullptr);
  for (const auto* sid : {"a", "b", "c"})
    shelf_.forget(TenantId{"acme"}, CallSid{sid}, {"evicted", "replaced", "expired"});
  EXPECT_TRUE(evicted->file->withdrawn);
  EXPECT_TRUE(replaced->file->withdrawn);
  EXPECT_TRUE(expired->file->withdrawn);
}

TEST_F(ShelfTest, FilesThatNobodySendsAreClosed) {
  std::weak_ptr<const blob::Published> file;
  {
    const auto a = put(key("a"), "1");
    file = a->file;
  }
  EXPECT_FALSE(file.expired());
  shelf_.forget(TenantId{"acme"}, CallSid{"a"}, {});
  EXPECT_TRUE(file.expired());
}

TEST_F(ShelfTest, WhatNobodyHoldsIsLetGo) {
  put(key("a"), "1");
  put(key("a", ""), "1");
  put(key("b"), "2");
  const auto before = shelf_.epoch(key("a"));
  EXPECT_TRUE(shelf_.let_go(TenantId{"acme"}, CallSid{"a"}, "1"));
  EXPECT_EQ(find(key("a")), nullptr);
  EXPECT_EQ(find(key("a", "")), nullptr);
  EXPECT_NE(find(key("b")), nullptr);
  EXPECT_FALSE(shelf_.put(key("a"), ready("1"), before, WallTime{})) << "it was read from the ledger before";
  EXPECT_TRUE(shelf_.let_go(TenantId{"acme"}, CallSid{"c"}, "never here"));
}

TEST_F(ShelfTest, WhatSomebodyHoldsIsNotLetGo) {
  auto answered = put(key("a"), "1");
  EXPECT_FALSE(shelf_.let_go(TenantId{"acme"}, CallSid{"a"}, "1")) << "an answer is being made";
  auto sent = answered->file;
  answered.reset();
  EXPECT_FALSE(shelf_.let_go(TenantId{"acme"}, CallSid{"a"}, "1")) << "its file is being sent";
  EXPECT_EQ(find(key("a"))->file, sent);
  for (const auto* const more : {"b", "c", "d"}) put(key(more), more);
  ASSERT_EQ(find(key("a")), nullptr) << "too many came after it";
  EXPECT_FALSE(shelf_.let_go(TenantId{"acme"}, CallSid{"a"}, "1")) << "it is still being sent";
  EXPECT_FALSE(sent->withdrawn);
  sent.reset();
  EXPECT_TRUE(shelf_.let_go(TenantId{"acme"}, CallSid{"a"}, "1"));
}

TEST_F(ShelfTest, TellsOnceWhatWasPlayed) {
  const auto at = [](int ms) { return WallTime{milliseconds{ms}}; };
  const auto times = [this] {
    std::vector<WallTime> all;
    for (const auto& play : shelf_.take_plays()) all.push_back(play.at);
    return all;
  };
  put(key("a"), "1");
  put(key("b"), "2");
  put(key("c"), "3");
  EXPECT_EQ(times(), (std::vector<WallTime>{}));
  find(key("a"), at(10));
  find(key("c"), at(20));
  find(key("a"), at(30));
  EXPECT_EQ(times(), (std::vector{at(30), at(20)}));
  EXPECT_EQ(times(), (std::vector<WallTime>{}));
  find(key("b"), at(40));
  for (const auto* const more : {"d", "e", "f"}) put(key(more), more);
  EXPECT_EQ(times(), std::vector{at(40)}) << "also of what is no longer here";
}

}  // namespace
}  // namespace onetake::stream
