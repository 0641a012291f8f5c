#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "base/temp_folder.hpp"
#include "base/test_loop.hpp"
#include "ledger/sqlite_ledger.hpp"
#include "media/checksum.hpp"
#include "stream/scrubber.hpp"

namespace onetake::stream {

inline const TenantId acme{"acme"};

/// Recordings on a disk, and what looks after them.
class PublishedTest : public testing::Test {
 protected:
  ~PublishedTest() override { loop_.settle(); }

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
    media.sha256 = media::hex(sha256.so_far());
    media.cycle = 1;
    ASSERT_TRUE(loop_.run(ledger_->complete(lease, media, wall_now())));
  }
  std::filesystem::path file(const std::string& name) const { return blob::Store::path_of(folder_.path(), name); }
  static Key key(const std::string& call_sid) {
    return {.tenant = acme, .call_sid = CallSid{call_sid}, .recording_sid = {}};
  }
  State state(const std::string& call_sid) { return loop_.run(ledger_->find(key(call_sid)))->state; }

  TempFolder folder_;
  TestLoop loop_;
  std::unique_ptr<ledger::Ledger> ledger_ = ledger::open_sqlite(folder_.path() / "ledger.db");
  blob::Store store_{folder_.path(), 1_MiB};
  Offload disk_{1};
  Shelf shelf_{10};
  Quarantine quarantine_{*ledger_, store_, disk_, shelf_};
  Scrubber scrubber_{
      *ledger_, store_, quarantine_, {.portion = 7, .pause = milliseconds{0}, .between = milliseconds{0}}};
};

}  // namespace onetake::stream
