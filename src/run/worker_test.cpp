#include "run/worker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <future>

#include "base/metrics.hpp"
#include "base/temp_folder.hpp"
#include "base/test_loop.hpp"
#include "blob/test_disk.hpp"
#include "ledger/sqlite_ledger.hpp"
#include "run/join.hpp"
#include "run/receiver.hpp"
#include "run/test_parts.hpp"

namespace onetake::run {
namespace {

using ledger::Found;
using test::ScriptedProvider;
using test::wav;
using testing::HasSubstr;
using Phase = blob::Growing::Phase;

const TenantId acme{"acme"};

Task<Flight::View> ended(std::shared_ptr<Flight> flight) {
  auto view = flight->view();
  while (!view.ended) view = co_await flight->changed(view.change, never);
  co_return view;
}
Task<Flight::View> waiting(std::shared_ptr<Flight> flight) {
  auto view = flight->view();
  while (!view.ended && !view.run.setback) view = co_await flight->changed(view.change, never);
  co_return view;
}
Task<Flight::View> queued(std::shared_ptr<Flight> flight) {
  auto view = flight->view();
  while (!view.ended && view.run.status != RunStatus::queued) view = co_await flight->changed(view.change, never);
  co_return view;
}
Task<bool> finish(Worker& worker, Deadline deadline) {
  co_await worker.finish(deadline);
  co_return true;
}

double counted(const std::string& series) {
  const auto name = "\n" + series + " ";
  const auto page = metrics::text();
  const auto at = page.find(name);
  return at == std::string::npos ? 0 : std::stod(page.substr(at + name.size()));
}
double stale_rejections() { return counted("onetake_stale_token_rejections_total"); }

ledger::Leftovers leftovers(const Flight& flight) {
  return {.recordings = {flight.recording()}, .runs = {flight.run()}, .blobs = {}};
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

Task<std::optional<signal::SharedLimit::Word>> ScriptedLimit::hear(Account) { co_return word; }

Task<std::optional<std::string>> ScriptedLimit::throttled(Account account, std::string heard,
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
        [this](Bytes bytes) { return make_room(bytes); }, limits, shares_ ? &limit_ : nullptr);
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
  std::vector<std::unique_ptr<Worker>> retired_;  ///< their coroutines may still be on their way out
  std::unique_ptr<Worker> worker_;
  std::unique_ptr<Join> join_;
  std::vector<Bytes> room_asked_;
  std::function<bool()> room_ = [] { return true; };
};

Task<bool> WorkerTest::make_room(Bytes bytes) {
  room_asked_.push_back(bytes);
  co_return room_();
}

TEST_F(WorkerTest, OnePlayOneRequestOneRecording) {
  const auto audio = wav(5000);
  provider_->will(test::sends(audio));
  const auto view = end_of(play());
  EXPECT_EQ(view.run.status, RunStatus::completed);
  EXPECT_EQ(view.run.received_bytes, audio.size());
  const auto found = recording();
  EXPECT_EQ(found.state, State::ready);
  ASSERT_TRUE(found.media);
  EXPECT_EQ(found.media->bytes, audio.size());
  EXPECT_EQ(found.run->status, RunStatus::completed);
  EXPECT_EQ(store_.open(found.media->blob)->size, audio.size());
  EXPECT_EQ(temporaries(), 0U);
  EXPECT_EQ(provider_->asked().size(), 1U);
  EXPECT_TRUE(flights_.all().empty());
}

TEST_F(WorkerTest, TheEtagIsTheSameFromTheFirstLiveByteOn) {
  auto step = test::sends(wav(5000));
  step.holds = true;
  provider_->will(std::move(step));
  const auto flight = play();
  provider_->until_held();
  const auto live = flight->view().live;
  ASSERT_NE(live, nullptr);
  EXPECT_EQ(live->audio->view().watermark, 4999U);
  provider_->release();
  end_of(flight);
  const auto media = recording().media.value();
  EXPECT_EQ(media.version, live->version);
  EXPECT_EQ(media.last_modified, live->last_modified);
  EXPECT_EQ(media.content_type, live->content_type);
  EXPECT_EQ(live->audio->view().phase, Phase::whole);
}

struct CauseRow {
  Cause cause;
  Then then;
  Reason reason;
};
constexpr std::array<CauseRow, 17> causes{{{Cause::not_ready, Then::later, Reason::not_ready},
                                           {Cause::throttled, Then::later, Reason::throttled},
                                           {Cause::unavailable, Then::soon, Reason::retrying},
                                           {Cause::unreachable, Then::soon, Reason::retrying},
                                           {Cause::interrupted, Then::soon, Reason::retrying},
                                           {Cause::stalled, Then::soon, Reason::retrying},
                                           {Cause::timed_out, Then::soon, Reason::retrying},
                                           {Cause::no_space, Then::later, Reason::retrying},
                                           {Cause::internal, Then::soon, Reason::retrying},
                                           {Cause::unauthorized, Then::not_again, {}},
                                           {Cause::forbidden, Then::not_again, {}},
                                           {Cause::missing, Then::not_again, {}},
                                           {Cause::gone, Then::not_again, {}},
                                           {Cause::wrong_content, Then::not_again, {}},
                                           {Cause::too_large, Then::not_again, {}},
                                           {Cause::refused, Then::not_again, {}},
                                           {Cause::overdue, Then::not_again, {}}}};
void PrintTo(const CauseRow& row, std::ostream* out) { *out << name(row.cause); }

class WorkerCause : public WorkerTest, public testing::WithParamInterface<CauseRow> {};

TEST_P(WorkerCause, IsFollowedByWhatItsRowSays) {
  const auto row = GetParam();
  provider_->will(test::refuses(row.cause, 418));
  provider_->will(test::sends(wav(1000)));
  const auto flight = play();
  const auto first = loop_.run(waiting(flight));
  EXPECT_EQ(first.run.setback->cause, row.cause);
  EXPECT_EQ(first.run.setback->provider_status, 418);
  if (row.then == Then::not_again) {
    EXPECT_EQ(end_of(flight).run.status, RunStatus::failed);
    const auto found = recording();
    EXPECT_EQ(found.state, row.cause == Cause::gone ? State::gone : State::failed);
    EXPECT_EQ(found.run->setback->cause, row.cause);
    EXPECT_EQ(found.run->setback->detail, "scripted");
    EXPECT_EQ(provider_->asked().size(), 1U);
    return;
  }
  EXPECT_FALSE(first.ended);
  EXPECT_EQ(first.run.status, RunStatus::queued);
  EXPECT_EQ(first.run.reason, row.reason);
  worker_->start();
  EXPECT_EQ(end_of(flight).run.status, RunStatus::completed) << "the same flight goes on";
  EXPECT_EQ(provider_->asked().size(), 2U);
  EXPECT_EQ(recording().state, State::ready);
  EXPECT_EQ(recording().run->attempt, row.then == Then::soon ? 2 : 1);
  EXPECT_EQ(recording().cycle, 1);
}
INSTANTIATE_TEST_SUITE_P(Table, WorkerCause, testing::ValuesIn(causes),
                         [](const auto& row) { return std::string{name(row.param.cause)}; });

TEST_F(WorkerTest, AttemptsThatCountAreUsedUp) {
  Limits limits;
  limits.backoff_initial = limits.backoff_max = milliseconds{0};
  work_with(limits, 3);
  worker_->start();
  for (int i = 0; i < 2; ++i) provider_->will(test::refuses(Cause::throttled, 429));
  const auto view = end_of(play());  // past its script the provider is unavailable
  EXPECT_EQ(view.run.status, RunStatus::failed);
  EXPECT_EQ(view.run.setback->cause, Cause::unavailable);
  EXPECT_EQ(provider_->asked().size(), 5U) << "two that do not count, three that do";
  EXPECT_EQ(recording().state, State::failed);
}

TEST_F(WorkerTest, NotReadyIsBelievedUntilNotReadyForHasPassed) {
  Limits limits;
  limits.not_ready_for = milliseconds{0};
  work_with(limits);
  provider_->will(test::refuses(Cause::not_ready, 404));
  const auto view = end_of(play());
  EXPECT_EQ(view.run.setback->cause, Cause::missing);
  EXPECT_EQ(view.run.setback->provider_status, 404);
}

TEST_F(WorkerTest, NotReadyCountsFromTheEndOfTheCallWhereThatIsKnown) {
  Registration said;
  said.started_at = wall_now() - std::chrono::hours{2};
  said.duration_seconds = 60;
  put("CLong", said);
  provider_->will(test::refuses(Cause::not_ready, 404));
  EXPECT_EQ(end_of(play("CLong")).run.setback->cause, Cause::missing);

  said.duration_seconds = 2 * 3600;
  put("CJust", said);
  provider_->will(test::refuses(Cause::not_ready, 404));
  const auto view = loop_.run(waiting(play("CJust")));
  EXPECT_FALSE(view.ended);
  EXPECT_EQ(view.run.reason, Reason::not_ready);
}

TEST_F(WorkerTest, WhatTheProviderAskedForIsWaitedFor) {
  const auto before = wall_now();
  provider_->will(test::refuses(Cause::throttled, 429, std::chrono::minutes{10}));
  const auto view = loop_.run(waiting(play()));
  EXPECT_GE(view.run.due_at.value(), before + std::chrono::minutes{10});
  settle();
  EXPECT_EQ(recording().run->due_at, view.run.due_at);
  EXPECT_TRUE(loop_.run(ledger_->claim(10, 10, milliseconds{1000}, view.run.due_at.value() - milliseconds{1})).empty());
}

class WorkerSharing : public WorkerTest {
 protected:
  WorkerSharing() {
    shares_ = true;
    work_with({});
  }
};

TEST_F(WorkerSharing, AnAccountThatAnotherNodeFoundClosedIsNotAsked) {
  limit_.word = {.setback = "theirs", .closed_for = std::chrono::minutes{10}};
  const auto before = wall_now();
  const auto view = loop_.run(waiting(play()));
  EXPECT_EQ(view.run.setback->cause, Cause::throttled);
  EXPECT_GE(view.run.due_at.value(), before + std::chrono::minutes{10});
  EXPECT_TRUE(provider_->asked().empty());
  settle();
}

TEST_F(WorkerSharing, A429IsToldToTheOtherNodes) {
  limit_.word = {.setback = "theirs"};
  provider_->will(test::refuses(Cause::throttled, 429, std::chrono::minutes{10}));
  loop_.run(waiting(play()));
  settle();
  ASSERT_EQ(limit_.told.size(), 1U);
  EXPECT_EQ(limit_.told[0], (ScriptedLimit::Told{acme, "main", "theirs", std::chrono::minutes{10}}));
}

TEST_F(WorkerSharing, WhereNobodyAnswersItGoesByItsOwnGate) {
  limit_.word = std::nullopt;
  provider_->will(test::refuses(Cause::throttled, 429));
  provider_->will(test::sends(test::wav(1000)));
  Limits at_once;
  at_once.backoff_initial = at_once.backoff_max = milliseconds{0};
  work_with(at_once);
  worker_->start();
  EXPECT_EQ(end_of(play()).run.status, RunStatus::completed);
  EXPECT_EQ(provider_->asked().size(), 2U);
}

TEST_F(WorkerTest, WhatWouldBeDuePastTheRunsDeadlineHasFailed) {
  Limits limits;
  limits.run_deadline = std::chrono::minutes{5};
  work_with(limits);
  provider_->will(test::refuses(Cause::throttled, 429, std::chrono::minutes{10}));
  const auto view = end_of(play());
  EXPECT_EQ(view.run.status, RunStatus::failed);
  EXPECT_EQ(view.run.setback->cause, Cause::overdue);
  EXPECT_THAT(view.run.setback->detail, HasSubstr("scripted"));
  EXPECT_EQ(view.run.setback->provider_status, 429);
}

TEST_F(WorkerTest, AnInterruptedTransferGoesOnWhereItStopped) {
  const auto audio = wav(5000);
  provider_->will(test::cut(test::sends(audio), 3000));
  auto rest = test::sends(audio.substr(3000));
  rest.head->offset = 3000;
  rest.head->total = audio.size();
  provider_->will(std::move(rest));
  const auto flight = play();
  const auto view = end_of(flight);
  EXPECT_EQ(view.run.status, RunStatus::completed);
  EXPECT_EQ(view.run.attempt, 1) << "within one attempt";
  EXPECT_EQ(view.live->audio->view().phase, Phase::whole);
  EXPECT_EQ(test::readable(*view.live->audio), audio);
  const auto asked = provider_->asked();
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[0].from, 0U);
  EXPECT_EQ(asked[1].from, 3000U);
  EXPECT_EQ(asked[1].validator, "\"v\"");
  EXPECT_EQ(recording().media->version, view.live->version);
}

// The word that it was erased is heard before the answer to the Play that came first.
TEST_F(WorkerTest, WhatWasCalledOffBeforeItsFlightCouldBeSeenIsNotFetched) {
  ledger::Play press;
  press.key = key("CA");
  press.explicit_action = true;
  press.claim = true;
  press.now = wall_now();
  const auto admitted = loop_.run(ledger_->play(press));
  const auto left = loop_.run(ledger_->erase(press.key.tenant, press.key.call_sid, {}, wall_now()));
  worker_->cancel(left);

  auto slot = worker_->reserve(press.key.tenant);
  auto flight = flights_.open(admitted.recording, Flights::By::worker);
  flights_.alias(press.key, flight);
  worker_->take(std::move(slot).value(), {.lease = *admitted.lease, .recording = admitted.recording}, flight,
                Monotonic::now());

  EXPECT_TRUE(flight->view().ended);
  EXPECT_EQ(flight->view().run.status, RunStatus::cancelled);
  EXPECT_EQ(flights_.find(press.key), nullptr) << "nobody joins it";
  settle();
  EXPECT_TRUE(provider_->asked().empty());
}

// Who sends nothing more is not asked again at once: that is a pause, and listeners stay.
TEST_F(WorkerTest, AnAttemptThatGetsNoFurtherIsRepeatedLater) {
  const auto audio = wav(5000);
  provider_->will(test::cut(test::sends(audio), 3000));
  auto nothing = test::cut(test::sends(audio.substr(3000)), 0);
  nothing.head->offset = 3000;
  nothing.head->total = audio.size();
  provider_->will(std::move(nothing));
  auto rest = test::sends(audio.substr(3000));
  rest.head->offset = 3000;
  rest.head->total = audio.size();
  provider_->will(std::move(rest));
  const auto flight = play();
  const auto live = loop_.run(waiting(flight)).live;
  ASSERT_NE(live, nullptr);
  EXPECT_EQ(live->audio->view().phase, Phase::arriving) << "a pause, not an end";
  EXPECT_EQ(provider_->asked().size(), 2U);
  worker_->start();
  EXPECT_EQ(end_of(flight).run.status, RunStatus::completed);
  EXPECT_EQ(test::readable(*live->audio), audio);
}

TEST_F(WorkerTest, AFailureCutsWhoListensAndPublishesNothing) {
  provider_->will(test::cut(test::sends(wav(5000)), 3000));
  provider_->will(test::refuses(Cause::gone, 410));
  const auto flight = play();
  const auto live = loop_.run(waiting(flight)).live;
  worker_->start();
  EXPECT_EQ(end_of(flight).run.status, RunStatus::failed);
  EXPECT_EQ(live->audio->view().phase, Phase::abandoned);
  EXPECT_EQ(live->audio->cause().cause, Cause::gone);
  settle();
  EXPECT_EQ(temporaries(), 0U);
  EXPECT_EQ(published(), 0U);
}

TEST_F(WorkerTest, AProviderThatIsNotConfiguredAnyMoreIsAPermanentCause) {
  Registration said;
  said.provider = "former";
  put("CF", said);
  const auto view = end_of(play("CF"));
  EXPECT_EQ(view.run.setback->cause, Cause::refused);
  EXPECT_THAT(view.run.setback->detail, HasSubstr("former"));
}

TEST_F(WorkerTest, AFileThatCannotBePublishedIsFetchedAgain) {
  auto step = test::sends(wav(5000));
  step.holds = true;
  provider_->will(std::move(step));
  provider_->will(test::sends(wav(5000)));
  const auto flight = play();
  provider_->until_held();
  for (const auto& file : std::filesystem::directory_iterator{folder_.path() / "temporary"})
    std::filesystem::remove(file);
  provider_->release();
  const auto view = loop_.run(waiting(flight));
  EXPECT_EQ(view.run.setback->cause, Cause::internal);
  worker_->start();
  EXPECT_EQ(end_of(flight).run.status, RunStatus::completed);
  EXPECT_EQ(provider_->asked().at(1).from, 0U) << "what is on the disk is not trusted any more";
  EXPECT_EQ(published(), 1U);
}

class WorkerLease : public WorkerTest {
 protected:
  static Limits brief() {
    Limits limits;
    limits.lease = milliseconds{200};
    limits.heartbeat = std::chrono::hours{1};  // none gets through
    limits.sweep = milliseconds{10};
    limits.backoff_initial = limits.backoff_max = milliseconds{0};
    return limits;
  }
  /// The sweep, until it has found something.
  std::vector<ledger::Lease> rescued() {
    for (;;)
      if (auto lost = loop_.run(ledger_->rescue(wall_now())); !lost.empty()) return lost;
  }
  static test::Step held(test::Step step) {
    step.holds = true;
    return step;
  }
};

// Bytes flow, and the ledger hears nothing of it: the attempt stops before the run is somebody else's, who listens sees
// a pause, and the next attempt goes on where this one was.
TEST_F(WorkerLease, WithoutHeartbeatsAnAttemptStopsByItself) {
  const auto stale = stale_rejections();
  const auto rescues = counted("onetake_lease_rescues_total");
  work_with(brief());
  const auto audio = wav(5000);
  auto first = test::sends(audio);
  first.body.resize(3000);
  provider_->will(held(first));
  auto rest = test::sends(audio.substr(3000));
  rest.head->offset = 3000;
  rest.head->total = audio.size();
  provider_->will(std::move(rest));
  worker_->start();
  const auto flight = play();
  provider_->until_held();
  const auto live = flight->view().live;
  ASSERT_NE(live, nullptr);

  EXPECT_EQ(end_of(flight).run.status, RunStatus::completed) << "nothing released the provider";

  EXPECT_EQ(test::readable(*live->audio), audio) << "on the connection that they had";
  ASSERT_EQ(provider_->asked().size(), 2U);
  EXPECT_EQ(provider_->asked()[1].from, 3000U);
  EXPECT_EQ(recording().run->token, 2);
  EXPECT_EQ(recording().run->attempt, 1) << "the lost one is given back";
  EXPECT_EQ(recording().cycle, 1);
  EXPECT_EQ(counted("onetake_lease_rescues_total"), rescues + 1);
  EXPECT_EQ(stale_rejections(), stale) << "it did not even try to write";
  EXPECT_EQ(published(), 1U);
  settle();
  EXPECT_EQ(temporaries(), 0U);
}

TEST_F(WorkerLease, HeartbeatsKeepIt) {
  auto limits = brief();
  limits.lease = milliseconds{2'000};
  limits.heartbeat = milliseconds{20};
  work_with(limits);
  provider_->will(held(test::sends(wav(5000))));
  worker_->start();
  const auto flight = play();
  provider_->until_held();
  for (const auto until = in(limits.lease + milliseconds{200}); Monotonic::now() < until;)
    ASSERT_EQ(recording().run->status, RunStatus::running);
  provider_->release();
  EXPECT_EQ(end_of(flight).run.status, RunStatus::completed);
  EXPECT_EQ(recording().run->token, 1);
}

// Rescue and completion at once: rescue was first.
TEST_F(WorkerLease, AStaleTokenPublishesNothing) {
  const auto before = stale_rejections();
  auto limits = brief();
  limits.lease = milliseconds{1};
  work_with(limits);
  provider_->will(held(test::sends(wav(5000))));
  const auto flight = play();
  provider_->until_held();

  ASSERT_EQ(rescued().size(), 1U);
  provider_->release();
  const auto view = loop_.run(queued(flight));

  EXPECT_FALSE(view.ended) << "it is queued again, and this flight is what its next attempt goes on with";
  EXPECT_EQ(recording().state, State::fetching);
  EXPECT_EQ(recording().run->status, RunStatus::queued);
  EXPECT_EQ(stale_rejections(), before + 1);
  EXPECT_EQ(published(), 0U);
  provider_->will(test::sends(wav(5000)));
  limits.lease = std::chrono::hours{1};
  work_with_another(limits);
  EXPECT_EQ(end_of(flight).run.status, RunStatus::completed);
  EXPECT_EQ(published(), 1U);
  EXPECT_EQ(recording().run->token, 2);
}

// Completion was first: there is nothing to rescue.
TEST_F(WorkerLease, WhatHasCompletedIsNotRescued) {
  auto limits = brief();
  limits.lease = milliseconds{1};
  work_with(limits);
  provider_->will(test::sends(wav(5000)));
  EXPECT_EQ(end_of(play()).run.status, RunStatus::completed);
  EXPECT_TRUE(loop_.run(ledger_->rescue(wall_now())).empty());
  EXPECT_EQ(recording().state, State::ready);
}

TEST_F(WorkerLease, AStaleTokenWritesNoSetbackEither) {
  auto limits = brief();
  limits.lease = milliseconds{1};
  work_with(limits);
  provider_->will(held(test::refuses(Cause::gone, 410)));
  const auto flight = play();
  provider_->until_held();
  rescued();
  provider_->release();
  EXPECT_FALSE(loop_.run(queued(flight)).ended);
  EXPECT_EQ(recording().state, State::fetching);
  EXPECT_FALSE(recording().run->setback);
}

// The lease was lost and the run claimed again before the attempt noticed: the two never write at once.
TEST_F(WorkerLease, TheNextAttemptWaitsForTheEndOfTheLast) {
  auto limits = brief();
  limits.lease = std::chrono::hours{1};
  work_with(limits);
  provider_->will(held(test::sends(wav(5000))));
  provider_->will(test::sends(wav(5000)));
  const auto flight = play();
  provider_->until_held();
  loop_.run(ledger_->recover(wall_now()));
  worker_->start();
  EXPECT_EQ(end_of(flight).run.status, RunStatus::completed);
  EXPECT_EQ(provider_->asked().size(), 2U);
  EXPECT_EQ(published(), 1U);
  settle();
  EXPECT_EQ(temporaries(), 0U);
}

TEST_F(WorkerTest, TheHeartbeatWritesProgressAndNoticesALostLease) {
  Limits limits;
  limits.heartbeat = milliseconds{1};
  work_with(limits);
  auto step = test::sends(wav(5000));
  step.holds = true;
  provider_->will(std::move(step));
  worker_->start();
  const auto flight = play();
  provider_->until_held();
  while (recording().run->received_bytes != 4999U) {
  }
  EXPECT_EQ(recording().run->total_bytes, 5000U);
  worker_->drain();  // or it would claim the run again at once
  loop_.run(ledger_->recover(wall_now()));
  EXPECT_EQ(end_of(flight).run.status, RunStatus::queued) << "nothing released the provider: the transfer was stopped";
}

TEST_F(WorkerTest, CancelledWhileItRunsTheTransferStops) {
  auto step = test::sends(wav(5000));
  step.holds = true;
  provider_->will(std::move(step));
  const auto flight = play();
  provider_->until_held();
  const auto live = flight->view().live;
  loop_.run(ledger_->erase(acme, CallSid{"CA"}, {}, wall_now()));
  worker_->cancel(leftovers(*flight));
  EXPECT_TRUE(flight->view().ended);
  EXPECT_EQ(flight->view().run.status, RunStatus::cancelled);
  EXPECT_EQ(flights_.find(key()), nullptr) << "nobody joins any more";
  settle();
  EXPECT_EQ(live->audio->view().phase, Phase::abandoned);
  EXPECT_EQ(temporaries(), 0U);
  EXPECT_EQ(published(), 0U);
}

TEST_F(WorkerTest, CancelledBetweenAttemptsWhatHasArrivedGoes) {
  provider_->will(test::cut(test::sends(wav(5000)), 3000));
  const auto flight = play();
  const auto live = loop_.run(waiting(flight)).live;
  loop_.run(ledger_->counts());
  loop_.settle();
  EXPECT_EQ(temporaries(), 1U);
  worker_->cancel(leftovers(*flight));
  EXPECT_TRUE(flight->view().ended);
  settle();
  EXPECT_EQ(live->audio->view().phase, Phase::abandoned);
  EXPECT_EQ(temporaries(), 0U);
  worker_->cancel(leftovers(*flight));  // nothing is there any more
}

TEST_F(WorkerTest, CancellingAnEarlierRunLeavesTheNextAlone) {
  auto step = test::sends(wav(5000));
  step.holds = true;
  provider_->will(std::move(step));
  const auto flight = play();
  provider_->until_held();
  auto late = leftovers(*flight);
  late.runs = {RunId{"an earlier one"}};
  worker_->cancel(late);
  EXPECT_FALSE(flight->view().ended);
  provider_->release();
  EXPECT_EQ(end_of(flight).run.status, RunStatus::completed);
}

TEST_F(WorkerTest, FinishingGivesLeasesBackUncounted) {
  auto step = test::sends(wav(5000));
  step.holds = true;
  provider_->will(std::move(step));
  const auto flight = play();
  provider_->until_held();
  EXPECT_EQ(recording().run->attempt, 1);
  loop_.run(finish(*worker_, Deadline::min()));
  EXPECT_TRUE(flight->view().ended);
  const auto run = recording().run.value();
  EXPECT_EQ(run.status, RunStatus::queued);
  EXPECT_EQ(run.attempt, 0) << "the attempt does not count";
  EXPECT_EQ(temporaries(), 1U) << "for the next life to go on with";
  EXPECT_FALSE(worker_->reserve(acme));
}

TEST_F(WorkerTest, FinishingWaitsForWhatEndsInTime) {
  auto step = test::sends(wav(5000));
  step.holds = true;
  provider_->will(std::move(step));
  const auto flight = play();
  provider_->until_held();
  auto finished = loop_.start(finish(*worker_, never));
  loop_.settle();
  EXPECT_FALSE(worker_->reserve(acme)) << "nothing new";
  provider_->release();
  finished.get();
  EXPECT_EQ(flight->view().run.status, RunStatus::completed);
}

TEST_F(WorkerTest, WithoutAFreeSlotARunIsQueuedUntilThereIsOne) {
  Limits limits;
  limits.max_concurrent = 1;
  work_with(limits);
  put("CB");
  auto step = test::sends(wav(5000));
  step.holds = true;
  provider_->will(std::move(step));
  provider_->will(test::sends(wav(1000)));
  worker_->start();
  const auto first = play();
  provider_->until_held();
  const auto second = play("CB");
  EXPECT_EQ(second->view().run.status, RunStatus::queued);
  EXPECT_EQ(provider_->asked().size(), 1U);
  provider_->release();
  EXPECT_EQ(end_of(first).run.status, RunStatus::completed);
  EXPECT_EQ(end_of(second).run.status, RunStatus::completed);
}

// With one place, a tenant that has piled up many runs lets another's first one through.
TEST_F(WorkerTest, TenantsTakeTurns) {
  Limits limits;
  limits.max_concurrent = 1;
  work_with(limits);
  const TenantId other{"other"};
  auto step = test::sends(wav(1000));
  step.holds = true;
  provider_->will(std::move(step));
  std::vector<std::shared_ptr<Flight>> flights;
  worker_->start();
  flights.push_back(play());
  provider_->until_held();
  for (int i = 0; i < 20; ++i) {
    put("CA" + std::to_string(i));
    provider_->will(test::sends(wav(1000)));
    flights.push_back(play("CA" + std::to_string(i)));
  }
  Registration said;
  said.provider = "main";
  provider_->will(test::sends(wav(1000)));
  loop_.run(ledger_->put(other, CallSid{"CB"}, said, wall_now()));
  const Key theirs{.tenant = other, .call_sid = CallSid{"CB"}, .recording_sid = {}};
  flights.push_back(loop_.run(join_->play(theirs, true)).flight);

  provider_->release();
  for (const auto& flight : flights) EXPECT_EQ(end_of(flight).run.status, RunStatus::completed);

  const auto asked = provider_->asked();
  EXPECT_TRUE(asked.at(1).call_sid == "CB" || asked.at(2).call_sid == "CB");
}

TEST_F(WorkerTest, WhatWaitsPastItsDeadlineHasFailed) {
  Limits limits;
  limits.max_concurrent = 1;
  limits.run_deadline = milliseconds{50};
  limits.sweep = milliseconds{10};
  work_with(limits);
  put("CB");
  auto step = test::sends(wav(5000));
  step.holds = true;
  provider_->will(std::move(step));
  worker_->start();
  play();
  provider_->until_held();

  const auto view = end_of(play("CB"));

  EXPECT_EQ(view.run.status, RunStatus::failed);
  EXPECT_EQ(view.run.setback->cause, Cause::overdue);
  EXPECT_EQ(recording("CB").state, State::failed);
  EXPECT_EQ(provider_->asked().size(), 1U);
}

TEST_F(WorkerTest, AnAttemptHasNoMoreTimeThanItsRun) {
  Limits limits;
  limits.run_deadline = std::chrono::minutes{1};
  work_with(limits);
  provider_->will(test::sends(wav(1000)));
  end_of(play());
  EXPECT_LE(provider_->asked().at(0).deadline, in(limits.run_deadline));
}

TEST_F(WorkerTest, ItIsKnownToLive) {
  EXPECT_EQ(loop_.run(ledger_->workers(std::chrono::hours{1})), 0);
  worker_->start();
  while (loop_.run(ledger_->workers(std::chrono::hours{1})) != 1) {
  }
}

TEST_F(WorkerTest, WhatAnEarlierLifeQueuedIsFound) {
  ledger::Play pressed{.key = key(), .explicit_action = true, .now = wall_now()};
  ASSERT_EQ(loop_.run(ledger_->play(pressed)).found, Found::created);
  provider_->will(test::sends(wav(1000)));
  worker_->start();
  const auto joined = loop_.run(join_->play(key(), false));
  if (joined.found == Found::fetching) end_of(joined.flight);
  EXPECT_EQ(recording().state, State::ready);
}

TEST_F(WorkerTest, WithoutRoomTheProviderIsNotAsked) {
  room_ = [] { return false; };
  const auto flight = play();
  const auto view = loop_.run(waiting(flight));
  EXPECT_EQ(view.run.status, RunStatus::queued);
  EXPECT_EQ(view.run.setback->cause, Cause::no_space);
  EXPECT_TRUE(view.lacks_room());
  EXPECT_TRUE(provider_->asked().empty());
  settle();
  EXPECT_EQ(recording().run->attempt, 0) << "it used up no attempt";
}

TEST_F(WorkerTest, TheRoomThatWasLackingIsMadeAndTheSameAttemptGoesOn) {
  auto other = std::make_unique<blob::Writer>(store_.create("other"));
  ASSERT_TRUE(other->begin(store_.space().most() - 3000));
  room_ = [&] {
    if (room_asked_.size() == 2) other.reset();
    return true;
  };
  provider_->will(test::sends(wav(5000)));
  provider_->will(test::sends(wav(5000)));
  const auto view = end_of(play());
  EXPECT_EQ(view.run.status, RunStatus::completed);
  EXPECT_EQ(view.run.attempt, 1);
  EXPECT_EQ(room_asked_, (std::vector<Bytes>{store_.space().foreseen(), 5000}));
}

// What the kernel could not write it may have dropped: the file is worth nothing, and nobody tries to sync it again.
TEST_F(WorkerTest, AFailedSyncDiscardsTheFileAndItIsFetchedAgain) {
  faulty_.fail(blob::test::FaultyDisk::Call::sync, EIO);
  provider_->will(test::sends(wav(5000)));
  provider_->will(test::sends(wav(5000)));
  const auto flight = play();
  const auto first = loop_.run(waiting(flight));
  ASSERT_EQ(first.run.status, RunStatus::queued);
  EXPECT_EQ(first.run.setback->cause, Cause::internal);
  EXPECT_EQ(faulty_.failures(), 1);
  EXPECT_EQ(published(), 0U);
  faulty_.fail(blob::test::FaultyDisk::Call::none);
  worker_->start();
  EXPECT_EQ(end_of(flight).run.status, RunStatus::completed);
  ASSERT_EQ(provider_->asked().size(), 2U);
  EXPECT_EQ(provider_->asked()[1].from, 0U) << "nothing of the first file is trusted";
  EXPECT_EQ(recording().media->bytes, 5000U);
}

}  // namespace
}  // namespace onetake::run
