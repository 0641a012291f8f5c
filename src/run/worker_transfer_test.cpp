// One attempt: what is taken from the provider, and onto the disk.

#include <filesystem>

#include "run/test_worker.hpp"

namespace onetake::run {
namespace {

using namespace test;
using Phase = blob::Growing::Phase;

TEST_F(WorkerTest, OnePlayOneRequestOneRecording) {
  const auto audio = wav(5000);
  provider_->will(sends(audio));
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
  auto step = sends(wav(5000));
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

TEST_F(WorkerTest, AnInterruptedTransferGoesOnWhereItStopped) {
  const auto audio = wav(5000);
  auto first = cut(sends(audio), 3000);
  first.head->variant = "two channels";
  provider_->will(std::move(first));
  auto rest = sends(audio.substr(3000));
  rest.head->offset = 3000;
  rest.head->total = audio.size();
  provider_->will(std::move(rest));
  const auto flight = play();
  const auto view = end_of(flight);
  EXPECT_EQ(view.run.status, RunStatus::completed);
  EXPECT_EQ(view.run.attempt, 1) << "within one attempt";
  EXPECT_EQ(view.live->audio->view().phase, Phase::whole);
  EXPECT_EQ(readable(*view.live->audio), audio);
  const auto asked = provider_->asked();
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[0].from, 0U);
  EXPECT_EQ(asked[1].from, 3000U);
  EXPECT_EQ(asked[1].validator, "\"v\"");
  EXPECT_EQ(asked[0].variant, "");
  EXPECT_EQ(asked[1].variant, "two channels");
  EXPECT_EQ(recording().media->version, view.live->version);
}

// Who sends nothing more is not asked again at once: that is a pause, and listeners stay.
TEST_F(WorkerTest, AnAttemptThatGetsNoFurtherIsRepeatedLater) {
  const auto audio = wav(5000);
  provider_->will(cut(sends(audio), 3000));
  auto nothing = cut(sends(audio.substr(3000)), 0);
  nothing.head->offset = 3000;
  nothing.head->total = audio.size();
  provider_->will(std::move(nothing));
  auto rest = sends(audio.substr(3000));
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
  EXPECT_EQ(readable(*live->audio), audio);
}

TEST_F(WorkerTest, AFailureCutsWhoListensAndPublishesNothing) {
  provider_->will(cut(sends(wav(5000)), 3000));
  provider_->will(refuses(Cause::gone, 410));
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

TEST_F(WorkerTest, AFileThatCannotBePublishedIsFetchedAgain) {
  auto step = sends(wav(5000));
  step.holds = true;
  provider_->will(std::move(step));
  provider_->will(sends(wav(5000)));
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

TEST_F(WorkerTest, AnAttemptHasNoMoreTimeThanItsRun) {
  Limits limits;
  limits.run_deadline = std::chrono::minutes{1};
  work_with(limits);
  provider_->will(sends(wav(1000)));
  end_of(play());
  EXPECT_LE(provider_->asked().at(0).deadline, in(limits.run_deadline));
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

TEST_F(WorkerTest, RoomIsNotAskedForAgainAtOnce) {
  Limits limits;
  limits.backoff_initial = limits.backoff_max = std::chrono::minutes{10};
  work_with(limits);
  room_ = [] { return false; };
  const auto before = wall_now();
  const auto view = loop_.run(waiting(play()));
  EXPECT_GE(view.run.due_at.value(), before + limits.backoff_initial) << "whatever the jitter says";
}

TEST_F(WorkerTest, TheRoomThatWasLackingIsMadeAndTheSameAttemptGoesOn) {
  auto other = std::make_unique<blob::Writer>(store_.create("other"));
  ASSERT_TRUE(other->begin(store_.space().most() - 3000));
  room_ = [&] {
    if (room_asked_.size() == 2) other.reset();
    return true;
  };
  provider_->will(sends(wav(5000)));
  provider_->will(sends(wav(5000)));
  const auto view = end_of(play());
  EXPECT_EQ(view.run.status, RunStatus::completed);
  EXPECT_EQ(view.run.attempt, 1);
  EXPECT_EQ(room_asked_, (std::vector<Bytes>{store_.space().foreseen(), 5000}));
}

// What the kernel could not write it may have dropped: the file is worth nothing, and nobody tries to sync it again.
TEST_F(WorkerTest, AFailedSyncDiscardsTheFileAndItIsFetchedAgain) {
  faulty_.fail(blob::test::FaultyDisk::Call::sync, EIO);
  provider_->will(sends(wav(5000)));
  provider_->will(sends(wav(5000)));
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
