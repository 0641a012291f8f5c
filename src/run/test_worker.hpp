#pragma once

#include <gmock/gmock.h>

#include <filesystem>

#include "base/metrics.hpp"
#include "base/temp_folder.hpp"
#include "base/test_loop.hpp"
#include "blob/test_disk.hpp"
#include "ledger/sqlite_ledger.hpp"
#include "run/join.hpp"
#include "run/test_parts.hpp"
#include "run/worker.hpp"

/// What the tests of a worker share.
namespace onetake::run::test {

inline const TenantId acme{"acme"};

/// The flight when its run has ended.
inline Task<Flight::View> ended(std::shared_ptr<Flight> flight) {
  auto view = flight->view();
  while (!view.ended) view = co_await flight->changed(view.change, never);
  co_return view;
}
/// … when an attempt has ended badly.
inline Task<Flight::View> waiting(std::shared_ptr<Flight> flight) {
  auto view = flight->view();
  while (!view.ended && !view.run.setback) view = co_await flight->changed(view.change, never);
  co_return view;
}
/// … when it is back in the queue.
inline Task<Flight::View> queued(std::shared_ptr<Flight> flight) {
  auto view = flight->view();
  while (!view.ended && view.run.status != RunStatus::queued) view = co_await flight->changed(view.change, never);
  co_return view;
}
inline Task<bool> finish(Worker& worker, Deadline deadline) {
  co_await worker.finish(deadline);
  co_return true;
}

inline double counted(const std::string& series) {
  const auto name = "\n" + series + " ";
  const auto page = metrics::text();
  const auto at = page.find(name);
  return at == std::string::npos ? 0 : std::stod(page.substr(at + name.size()));
}
inline double stale_rejections() { return counted("onetake_stale_token_rejections_total"); }

inline ledger::Leftovers leftovers(const Flight& flight) {
  return {.recordings = {{flight.recording(), flight.view().run.cycle}}, .runs = {flight.run()}, .blobs = {}};
}

/// What other nodes know of an account, as the test says.
class ScriptedLimit final : public signal::SharedLimit {
 public:
  struct Told {
    TenantId tenant;
    std::string provider;
    std::string heard;
    std::optional<milliseconds> retry_after;
    bool operator==(const Told&) const = default;
  };
  std::optional<Word> word = Word{};
  std::vector<Told> told;

  Task<std::optional<Word>> hear(Account account) override;
  Task<std::optional<std::string>> throttled(Account account, std::string heard,
                                             std::optional<milliseconds> retry_after) override;
};

inline Task<std::optional<signal::SharedLimit::Word>> ScriptedLimit::hear(Account) { co_return word; }

inline Task<std::optional<std::string>> ScriptedLimit::throttled(Account account, std::string heard,
                                                                 std::optional<milliseconds> retry_after) {
  told.push_back({std::move(account.tenant), std::move(account.provider), std::move(heard), retry_after});
  if (!word) co_return std::nullopt;
  word->setback = "ours";
  co_return word->setback;
}

/// A worker with a real ledger, a real disk and a provider that does as it is told.
class WorkerTest : public testing::Test {
 protected:
  WorkerTest() {
    Limits limits;
    limits.backoff_initial = milliseconds{0};
    limits.backoff_max = milliseconds{0};
    work_with(limits);
    put("CA");
  }
  ~WorkerTest() override {
    provider_->release();
    loop_.run(finish(*worker_, never));
    // What is still looking for work asks the ledger at most twice more.
    for (int i = 0; i < 3; ++i) loop_.run(ledger_->counts());
    loop_.settle();
  }

  void work_with(const Limits& limits, int max_attempts = 5) {
    worker_ = std::make_unique<Worker>(
        loop_.loop(), *ledger_, store_, disk_, flights_,
        [this](const TenantId&, const std::string& name) -> std::shared_ptr<provider::Provider> {
          return name == "main" ? provider_ : nullptr;
        },
        [this](Bytes bytes) { return make_room(bytes); }, limits, shares_ ? &limit_ : nullptr, copier_.get());
    join_ = std::make_unique<Join>(*ledger_, flights_, *worker_, Join::Admission{.max_attempts = max_attempts});
  }

  /// As a server does that starts where another one has ended.
  void work_with_another(const Limits& limits) {
    loop_.run(finish(*worker_, never));
    retired_.push_back(std::move(worker_));
    work_with(limits);
    worker_->start();
  }

  /// Room is made as often as the test says, by what it says.
  Task<bool> make_room(Bytes bytes);

  Recording put(const std::string& call_sid, Registration said = {}) {
    if (said.provider.empty()) said.provider = "main";
    said.source_url = "https://media.example.com/1.wav";
    return loop_.run(ledger_->put(acme, CallSid{call_sid}, std::move(said), wall_now())).recording;
  }
  static Key key(const std::string& call_sid = "CA") {
    return {.tenant = acme, .call_sid = CallSid{call_sid}, .recording_sid = {}};
  }
  std::shared_ptr<Flight> play(const std::string& call_sid = "CA") {
    return loop_.run(join_->play(key(call_sid), true)).flight;
  }
  Flight::View end_of(const std::shared_ptr<Flight>& flight) { return loop_.run(ended(flight)); }
  Recording recording(const std::string& call_sid = "CA") { return loop_.run(ledger_->find(key(call_sid))).value(); }
  std::size_t temporaries() const {
    const std::filesystem::directory_iterator files{folder_.path() / "temporary"};
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
  }
  std::size_t published() const {
    std::size_t count = 0;
    for (const auto& file : std::filesystem::recursive_directory_iterator{folder_.path() / "audio"})
      count += file.is_regular_file() ? 1 : 0;
    return count;
  }
  /// What the worker does after the flight's end: on its loop, before this returns.
  void settle() { loop_.run(finish(*worker_, never)); }

  TempFolder folder_;
  TestLoop loop_;
  std::unique_ptr<ledger::Ledger> ledger_ = ledger::open_sqlite(folder_.path() / "ledger.db");
  blob::test::FaultyDisk faulty_;
  blob::Store store_{folder_.path(), 1_MiB, faulty_};
  Offload disk_{1};
  Flights flights_;
  bool shares_ = false;
  ScriptedLimit limit_;
  std::shared_ptr<ScriptedProvider> provider_ = std::make_shared<ScriptedProvider>();
  std::unique_ptr<Copier> copier_;                ///< null unless the test is about it
  std::vector<std::unique_ptr<Worker>> retired_;  ///< their coroutines may still be on their way out
  std::unique_ptr<Worker> worker_;
  std::unique_ptr<Join> join_;
  std::vector<Bytes> room_asked_;
  std::function<bool()> room_ = [] { return true; };
};

inline Task<bool> WorkerTest::make_room(Bytes bytes) {
  room_asked_.push_back(bytes);
  co_return room_();
}

}  // namespace onetake::run::test
