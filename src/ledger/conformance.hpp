#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "base/test_loop.hpp"
#include "ledger/ledger.hpp"

namespace onetake::ledger {

/// One empty database for one test.
class Engine {
 public:
  virtual ~Engine() = default;
  /// Again: the same data.
  virtual std::unique_ptr<Ledger> open() = 0;
};

struct EngineKind {
  const char* name;
  std::function<std::unique_ptr<Engine>()> make;
};

inline void PrintTo(const EngineKind& kind, std::ostream* out) { *out << kind.name; }

/// What every implementation of the port promises. `conformance*_test.cpp` has the tests; an implementation's own test
/// instantiates them with its engine.
class Conformance : public testing::TestWithParam<EngineKind> {
 protected:
  Conformance() : engine_(GetParam().make()), ledger_(engine_->open()) {}

  void reopen() {
    ledger_.reset();
    ledger_ = engine_->open();
  }

  /// 2026-11-22T09:30:00Z and some milliseconds.
  static WallTime at(std::int64_t ms) { return WallTime{milliseconds{1'795'339'800'000 + ms}}; }

  static Registration source(const std::string& url = "https://media.example.com/1.wav") {
    Registration r;
    r.provider = "main";
    r.source_url = url;
    return r;
  }
  static Media media(const std::string& blob, int cycle = 1) {
    Media m;
    m.blob = blob;
    m.bytes = 1000;
    m.sha256 = std::string(64, 'a');
    m.content_type = "audio/wav";
    m.duration_seconds = 12.5;
    m.channels = 2;
    m.codec = "pcm_s16le";
    m.cycle = cycle;
    m.version = 1;
    m.last_modified = at(77);
    return m;
  }
  static ledger::Play pressed(const std::string& call_sid, WallTime now = at(0)) {
    ledger::Play play;
    play.key = {acme, CallSid{call_sid}, std::nullopt};
    play.explicit_action = true;
    play.now = now;
    return play;
  }
  static ledger::Play pressed_and_claimed(const std::string& call_sid, WallTime now = at(0)) {
    auto play = pressed(call_sid, now);
    play.claim = true;
    return play;
  }

  Put put(const std::string& call_sid, Registration registration = source(), WallTime now = at(0)) {
    return loop_.run(ledger_->put(acme, CallSid{call_sid}, std::move(registration), now));
  }
  std::optional<Recording> find(const std::string& call_sid, std::optional<std::string> recording_sid = {}) {
    return loop_.run(ledger_->find({acme, CallSid{call_sid}, std::move(recording_sid)}));
  }
  static ledger::Play retried(const std::string& call_sid, WallTime now) {
    auto play = pressed(call_sid, now);
    play.asked_by = AskedBy::retry;
    return play;
  }
  Cancelled cancel(const RunId& run, WallTime now = at(7), const TenantId& tenant = acme) {
    return loop_.run(ledger_->cancel(tenant, run, now));
  }
  Admission play(ledger::Play play) { return loop_.run(ledger_->play(std::move(play))); }
  std::vector<Claimed> claim(int limit = 10, WallTime now = at(0), int per_tenant = 100, milliseconds lease = hour) {
    return loop_.run(ledger_->claim(limit, per_tenant, lease, now));
  }
  bool progress(const Lease& lease, Bytes received, std::optional<Bytes> total, milliseconds extend = hour) {
    return loop_.run(ledger_->progress(lease, received, total, extend));
  }
  std::optional<WallTime> next_due(WallTime now) { return loop_.run(ledger_->next_due(now)); }
  bool complete(const Lease& lease, const Media& m, WallTime now = at(5)) {
    return loop_.run(ledger_->complete(lease, m, now));
  }
  bool fail(const Lease& lease, Cause cause, WallTime now = at(5)) {
    return loop_.run(ledger_->fail(lease, {cause, "why", 418}, now));
  }
  bool retry(const Lease& lease, bool counts, WallTime due = at(10)) {
    return loop_.run(ledger_->retry(lease, counts ? Reason::retrying : Reason::not_ready,
                                    {counts ? Cause::unavailable : Cause::not_ready, "why", counts ? 503 : 404}, due,
                                    counts));
  }
  Counts counts() { return loop_.run(ledger_->counts()); }

  /// Every page's call sids.
  std::vector<std::string> list_all(ListQuery query) {
    query.tenant = acme;
    std::vector<std::string> all;
    for (;;) {
      const auto page = loop_.run(ledger_->list(query));
      EXPECT_TRUE(page);
      EXPECT_LE(std::ssize(page->items), query.limit);
      for (const auto& item : page->items) all.push_back(item.call_sid.str());
      if (page->next_cursor.empty()) return all;
      EXPECT_EQ(std::ssize(page->items), query.limit);
      query.cursor = page->next_cursor;
    }
  }
  std::vector<std::string> list_runs(RunQuery query) {
    query.tenant = acme;
    std::vector<std::string> all;
    for (;;) {
      const auto page = loop_.run(ledger_->runs(query));
      EXPECT_TRUE(page);
      for (const auto& item : page->items) all.push_back(item.call_sid.str());
      if (page->next_cursor.empty()) return all;
      query.cursor = page->next_cursor;
    }
  }
  static Registration started(std::int64_t ms) {
    auto r = source();
    r.started_at = at(ms);
    return r;
  }

  static std::vector<std::string> calls(const std::vector<Claimed>& claimed) {
    std::vector<std::string> all;
    for (const auto& each : claimed) all.push_back(each.recording.call_sid.str());
    return all;
  }
  /// Somebody else's call, registered and played.
  Admission theirs(const std::string& call_sid, WallTime now = at(0)) {
    loop_.run(ledger_->put(other, CallSid{call_sid}, source(), at(0)));
    auto press = pressed(call_sid, now);
    press.key.tenant = other;
    return play(press);
  }

  /// Registered, and claimed with its Play.
  Lease claimed(const std::string& call_sid, milliseconds lease) {
    put(call_sid);
    auto press = pressed_and_claimed(call_sid);
    press.lease = lease;
    return play(press).lease.value();
  }
  std::vector<Lease> rescue(WallTime now = at(50)) { return loop_.run(ledger_->rescue(now)); }
  std::vector<Recording> expire(milliseconds deadline, WallTime now, int limit = 10) {
    return loop_.run(ledger_->expire(deadline, limit, now));
  }
  std::vector<std::string> retire(milliseconds age, WallTime now, int limit = 10) {
    std::vector<std::string> all;
    for (const auto& each : loop_.run(ledger_->retire(age, limit, now))) all.push_back(each.call_sid.str());
    return all;
  }

  /// Registered, played, fetched.
  Lease ready(const std::string& call_sid, const std::string& blob = "blob-1") {
    put(call_sid);
    const auto lease = play(pressed_and_claimed(call_sid)).lease.value();
    EXPECT_TRUE(complete(lease, media(blob)));
    return lease;
  }

  static inline const TenantId acme{"acme"};
  static inline const TenantId other{"other"};
  static constexpr milliseconds hour{3'600'000};
  /// A lease that is over as soon as it is given.
  static constexpr milliseconds none{0};

  TestLoop loop_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Ledger> ledger_;
};

}  // namespace onetake::ledger
