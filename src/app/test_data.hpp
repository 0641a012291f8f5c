#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <utility>

#include "app/foreground.hpp"
#include "blob/store.hpp"
#include "ledger/ledger.hpp"
#include "media/checksum.hpp"

namespace onetake::app {

/// What a server would have put into its data directory and its ledger.
class Served {
 public:
  Served(Foreground& loop, ledger::Ledger& ledger, const std::filesystem::path& data_dir)
      : loop_(loop), ledger_(ledger), store_(data_dir) {}

  /// Registered, and being fetched.
  ledger::Lease play(const std::string& call_sid) {
    Registration said;
    said.provider = "main";
    said.source_url = "https://media.example.com/" + call_sid;
    const TenantId acme{"acme"};
    const CallSid call{call_sid};
    loop_.wait_for(ledger_.put(acme, call, said, wall_now()));
    ledger::Play press;
    press.key = {acme, call, {}};
    press.explicit_action = press.claim = true;
    press.lease = milliseconds{3'600'000};
    press.now = wall_now();
    return loop_.wait_for(ledger_.play(std::move(press))).lease.value();
  }

  void fail(const std::string& call_sid) {
    loop_.wait_for(ledger_.fail(play(call_sid), {.cause = Cause::forbidden, .detail = "no"}, wall_now()));
  }

  /// Ready. The name of its file.
  std::string fetch(const std::string& call_sid) {
    const auto lease = play(call_sid);
    const std::string audio = "as good as audio";
    Media media;
    media.blob = lease.recording.str() + "-1-1-1";
    auto writer = store_.create(lease.run.str() + "-1-1");
    EXPECT_TRUE(writer.begin(audio.size()));
    EXPECT_TRUE(writer.append(std::as_bytes(std::span{audio})));
    writer.finish();
    store_.publish(writer, media.blob);
    media::Checksum sum{Digest::Algorithm::sha256};
    sum.take(std::as_bytes(std::span{audio}));
    media.bytes = audio.size();
    media.sha256 = media::hex(sum.so_far());
    media.content_type = "audio/wav";
    media.cycle = media.version = 1;
    EXPECT_TRUE(loop_.wait_for(ledger_.complete(lease, media, wall_now())));
    return media.blob;
  }

 private:
  Foreground& loop_;
  ledger::Ledger& ledger_;
  blob::Store store_;
};

}  // namespace onetake::app
