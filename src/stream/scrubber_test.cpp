#include "stream/scrubber.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "base/temp_folder.hpp"
#include "base/test_loop.hpp"
#include "ledger/sqlite_ledger.hpp"
#include "media/checksum.hpp"

namespace onetake::stream {
namespace {

const TenantId acme{"acme"};

class ScrubberTest : public testing::Test {
 protected:
  ~ScrubberTest() override { loop_.settle(); }

  /// Registered, fetched and published.
  void publish(const std::string& call_sid, const std::string& audio) {
    loop_.run(ledger_->put(acme, CallSid{call_sid}, {}, wall_now()));
    ledger::Play pressed;
    pressed.key = {.tenant = acme, .call_sid = CallSid{call_sid}, .recording_sid = {}};
    pressed.explicit_action = true;
    pressed.claim = true;
    pressed.now = wall_now();
    const auto lease = loop_.run(ledger_->play(pressed)).lease.value();
    auto writer = store_.create(call_sid);
    const auto bytes = std::as_bytes(std::span{audio});
    ASSERT_TRUE(writer.begin(bytes.size()));
    ASSERT_TRUE(writer.append(bytes));
    writer.finish();
    store_.publish(writer, call_sid);
    media::Checksum sha256{Digest::Algorithm::sha256};
    sha256.take(bytes);
    Media media;
    media.blob = call_sid;
    media.bytes = bytes.size();
    media.sha256 = media::hex(sha256.finish());
    media.cycle = 1;
    ASSERT_TRUE(loop_.run(ledger_->complete(lease, media, wall_now())));
  }
  std::filesystem::path file(const std::string& name) const { return blob::Store::path_of(folder_.path(), name); }
  State state(const std::string& call_sid) {
    return loop_.run(ledger_->find({.tenant = acme, .call_sid = CallSid{call_sid}, .recording_sid = {}}))->state;
  }

  TempFolder folder_;
  TestLoop loop_;
  std::unique_ptr<ledger::Ledger> ledger_ = ledger::open_sqlite(folder_.path() / "ledger.db");
  blob::Store store_{folder_.path()};
  Offload disk_{1};
  Shelf shelf_{10};
  Quarantine quarantine_{*ledger_, store_, disk_, shelf_};
  Scrubber scrubber_{
      *ledger_, store_, quarantine_, {.portion = 7, .pause = milliseconds{0}, .between = milliseconds{0}}};
};

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
