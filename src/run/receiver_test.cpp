#include "run/receiver.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/temp_folder.hpp"
#include "blob/note.hpp"
#include "run/test_parts.hpp"

namespace onetake::run {
namespace {

using provider::Framing;
using test::readable;
using test::wav;
using Phase = blob::Growing::Phase;

class ReceiverTest : public testing::Test {
 protected:
  static onetake::Run run() {
    onetake::Run run;
    run.id = RunId{"run"};
    run.cycle = 3;
    run.token = 5;
    run.status = RunStatus::running;
    return run;
  }
  static provider::Head head(std::optional<Bytes> total, Bytes offset = 0, const std::string& validator = "\"v\"") {
    return {.offset = offset,
            .total = total,
            .framing = total ? Framing::length : Framing::chunked,
            .validator = validator,
            .variant = "two channels",
            .digests = {}};
  }
  bool send(std::string_view audio) { return receiver_.data(test::bytes(audio)); }
  std::shared_ptr<const Live> live() const { return flight_.view().live; }
  std::shared_ptr<blob::Growing> heard() const { return flight_.view().live->audio; }
  Cause fault() const { return receiver_.fault().value().cause; }
  std::size_t temporaries() const {
    const std::filesystem::directory_iterator files{folder_.path() / "temporary"};
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
  }

  TempFolder folder_;
  blob::Store store_{folder_.path(), 1_MiB};
  Flight flight_{RecordingId{"rec"}, run()};
  Receiver receiver_{store_, flight_, "", 100'000, 5};
};

TEST_F(ReceiverTest, NobodyHearsAnythingBeforeTheFirst512BytesAreAudio) {
  const auto audio = wav(2000);
  ASSERT_TRUE(receiver_.begin(head(audio.size())));
  ASSERT_TRUE(send(audio.substr(0, 511)));
  EXPECT_EQ(live(), nullptr);
  EXPECT_EQ(temporaries(), 0U);
  ASSERT_TRUE(send(audio.substr(511, 1)));
  ASSERT_NE(live(), nullptr);
  EXPECT_EQ(live()->content_type, "audio/wav");
  EXPECT_EQ(live()->version, 5);
  EXPECT_EQ(heard()->view().total, audio.size());
  EXPECT_EQ(readable(*heard()), audio.substr(0, 511)) << "one short of what is written";
}

TEST_F(ReceiverTest, TellsAllOfARecordingThatIsWhole) {
  const auto audio = wav(2000);
  ASSERT_TRUE(receiver_.begin(head(audio.size())));
  ASSERT_TRUE(send(audio));
  const auto media = receiver_.conclude(Framing::length);
  ASSERT_TRUE(media) << media.error().detail;
  EXPECT_EQ(media->bytes, audio.size());
  EXPECT_EQ(media->content_type, "audio/wav");
  EXPECT_EQ(media->codec, "pcm_s16le");
  EXPECT_EQ(media->channels, 1);
  EXPECT_EQ(media->cycle, 3);
  EXPECT_EQ(media->version, 5);
  EXPECT_EQ(media->sha256.size(), 64U);
  EXPECT_EQ(media->last_modified, live()->last_modified);
  EXPECT_EQ(heard()->view().phase, Phase::whole);
  EXPECT_EQ(readable(*heard()), audio);
  receiver_.publish("name");
  EXPECT_EQ(store_.open("name")->size, audio.size());
}

TEST_F(ReceiverTest, PiecesOfAnySizeMakeTheSameRecording) {
  const auto audio = wav(1500);
  std::string sha256;
  for (const std::size_t size : {1U, 2U, 511U, 512U, 513U, 1500U}) {
    Flight flight{RecordingId{"rec"}, run()};
    Receiver receiver{store_, flight, "", 100'000, 5};
    ASSERT_TRUE(receiver.begin(head({})));
    for (std::size_t at = 0; at < audio.size(); at += size)
      ASSERT_TRUE(receiver.data(test::bytes(std::string_view{audio}.substr(at, size)))) << size;
    const auto media = receiver.conclude(Framing::chunked);
    ASSERT_TRUE(media) << size << ": " << media.error().detail;
    EXPECT_EQ(readable(*flight.view().live->audio), audio);
    if (sha256.empty()) sha256 = media->sha256;
    EXPECT_EQ(media->sha256, sha256);
  }
}

TEST_F(ReceiverTest, ShorterThanALookTakesAndExactlyThat) {
  for (const std::size_t size : {46U, 510U, 512U, 514U}) {
    Flight flight{RecordingId{"rec"}, run()};
    Receiver receiver{store_, flight, "", 100'000, 5};
    const auto audio = wav(size);
    ASSERT_TRUE(receiver.begin(head(size)));
    ASSERT_TRUE(receiver.data(test::bytes(audio)));
    const auto media = receiver.conclude(Framing::length);
    ASSERT_TRUE(media) << size << ": " << media.error().detail;
    EXPECT_EQ(media->bytes, size);
    EXPECT_EQ(readable(*flight.view().live->audio), audio);
  }
}

TEST_F(ReceiverTest, WhatIsNotAudioIsRefusedBeforeAnybodyHearsIt) {
  const std::string page = "<!DOCTYPE html><html>" + std::string(600, ' ') + "</html>";
  ASSERT_TRUE(receiver_.begin(head(page.size())));
  EXPECT_FALSE(send(page));
  EXPECT_EQ(fault(), Cause::wrong_content);
  EXPECT_EQ(live(), nullptr);
  EXPECT_EQ(temporaries(), 0U);
}

TEST_F(ReceiverTest, NothingAndOneByteAreNotAudio) {
  for (const std::string audio : {"", "R"}) {
    receiver_.prepare();
    ASSERT_TRUE(receiver_.begin(head(audio.size())));
    ASSERT_TRUE(send(audio));
    const auto media = receiver_.conclude(Framing::length);
    ASSERT_FALSE(media);
    EXPECT_EQ(media.error().cause, Cause::wrong_content);
    EXPECT_EQ(live(), nullptr);
  }
}

TEST_F(ReceiverTest, ADeclaredFormatIsTakenOnItsWord) {
  Receiver receiver{store_, flight_, "mulaw", 100'000, 5};
  ASSERT_TRUE(receiver.begin(head(600)));
  ASSERT_TRUE(receiver.data(test::bytes(std::string(600, '\x7f'))));
  EXPECT_TRUE(receiver.conclude(Framing::length));
}

TEST_F(ReceiverTest, TooLargeIsRefusedByWhatItsHeadSays) {
  EXPECT_FALSE(receiver_.begin(head(100'001)));
  EXPECT_EQ(fault(), Cause::too_large);
  receiver_.prepare();
  EXPECT_TRUE(receiver_.begin(head(100'000)));
}

TEST_F(ReceiverTest, TooLargeIsRefusedWhenItIs) {
  const auto audio = wav(100'002);
  ASSERT_TRUE(receiver_.begin(head({})));
  ASSERT_TRUE(send(std::string_view{audio}.substr(0, 100'000)));
  EXPECT_FALSE(send(std::string_view{audio}.substr(100'000)));
  EXPECT_EQ(fault(), Cause::too_large);
}

TEST_F(ReceiverTest, MoreThanTheLengthThatWasToldIsNotThatRecording) {
  const auto audio = wav(2000);
  ASSERT_TRUE(receiver_.begin(head(1800)));
  ASSERT_TRUE(send(audio.substr(0, 1800)));
  EXPECT_FALSE(send(audio.substr(1800)));
  EXPECT_EQ(fault(), Cause::wrong_content);
  EXPECT_LT(readable(*heard()).size(), 1800U) << "nobody got the last byte of what was promised";
}

TEST_F(ReceiverTest, ShortOfItsLengthIsInterrupted) {
  const auto audio = wav(2000);
  ASSERT_TRUE(receiver_.begin(head(2000)));
  ASSERT_TRUE(send(audio.substr(0, 1999)));
  const auto media = receiver_.conclude(Framing::length);
  ASSERT_FALSE(media);
  EXPECT_EQ(media.error().cause, Cause::interrupted);
  EXPECT_EQ(heard()->view().phase, Phase::arriving) << "it may go on";
  EXPECT_EQ(receiver_.resume_at(), 1999U);
}

TEST_F(ReceiverTest, AConnectionThatEndsIsWholeOnlyIfTheContainerSaysSo) {
  const auto audio = wav(2000);
  ASSERT_TRUE(receiver_.begin(head({})));
  ASSERT_TRUE(send(audio.substr(0, 1000)));
  const auto half = receiver_.conclude(Framing::until_close);
  ASSERT_FALSE(half);
  EXPECT_EQ(half.error().cause, Cause::interrupted) << "asked again, and not refused";

  Flight flight{RecordingId{"rec"}, run()};
  Receiver receiver{store_, flight, "", 100'000, 6};
  ASSERT_TRUE(receiver.begin(head({})));
  ASSERT_TRUE(receiver.data(test::bytes(audio)));
  EXPECT_TRUE(receiver.conclude(Framing::until_close));
}

TEST_F(ReceiverTest, AContainerThatIsNotWholeIsWrongContentWhereTheBodyIs) {
  const auto audio = wav(2000);
  ASSERT_TRUE(receiver_.begin(head(1000)));
  ASSERT_TRUE(send(audio.substr(0, 1000)));
  const auto media = receiver_.conclude(Framing::length);
  ASSERT_FALSE(media);
  EXPECT_EQ(media.error().cause, Cause::wrong_content);
  EXPECT_EQ(heard()->view().phase, Phase::arriving) << "nobody got the last byte";
}

TEST_F(ReceiverTest, AWrongDigestIsWrongContent) {
  const auto audio = wav(600);
  auto with_digest = head(600);
  with_digest.digests = {{.algorithm = Digest::Algorithm::sha256, .bytes = std::string(32, 'x')}};
  ASSERT_TRUE(receiver_.begin(with_digest));
  ASSERT_TRUE(send(audio));
  EXPECT_EQ(receiver_.conclude(Framing::length).error().cause, Cause::wrong_content);
}

// Over several transfers.

TEST_F(ReceiverTest, GoesOnWhereItStopped) {
  const auto audio = wav(2000);
  EXPECT_EQ(receiver_.resume_at(), 0U);
  ASSERT_TRUE(receiver_.begin(head(2000)));
  ASSERT_TRUE(send(audio.substr(0, 900)));
  EXPECT_EQ(receiver_.resume_at(), 900U);
  EXPECT_EQ(receiver_.validator(), "\"v\"");
  EXPECT_EQ(receiver_.variant(), "two channels");
  const auto before = live();

  receiver_.prepare();
  ASSERT_TRUE(receiver_.begin(head(2000, 900)));
  ASSERT_TRUE(send(audio.substr(900)));
  ASSERT_TRUE(receiver_.conclude(Framing::length));
  EXPECT_EQ(live(), before);
  EXPECT_EQ(readable(*heard()), audio);
}

TEST_F(ReceiverTest, BelowALookThereIsNothingToGoOnFrom) {
  ASSERT_TRUE(receiver_.begin(head(2000)));
  ASSERT_TRUE(send(wav(2000).substr(0, 300)));
  EXPECT_EQ(receiver_.resume_at(), 0U);
  EXPECT_EQ(receiver_.variant(), "") << "any will do";
  receiver_.prepare();
  ASSERT_TRUE(receiver_.begin(head(2000)));
  ASSERT_TRUE(send(wav(2000)));
  EXPECT_TRUE(receiver_.conclude(Framing::length));
}

TEST_F(ReceiverTest, WithoutAStrongValidatorItBeginsAtTheStart) {
  ASSERT_TRUE(receiver_.begin(head(2000, 0, "")));
  ASSERT_TRUE(send(wav(2000).substr(0, 900)));
  EXPECT_EQ(receiver_.resume_at(), 0U);
  EXPECT_EQ(receiver_.variant(), "two channels") << "another would not be equal";
}

TEST_F(ReceiverTest, AnotherPlaceThanWasAskedForIsInterrupted) {
  const auto audio = wav(2000);
  EXPECT_FALSE(receiver_.begin(head(2000, 10))) << "nothing is here yet";
  EXPECT_EQ(fault(), Cause::interrupted);
  receiver_.prepare();
  ASSERT_TRUE(receiver_.begin(head(2000)));
  ASSERT_TRUE(send(audio.substr(0, 900)));
  for (const Bytes offset : {899U, 901U}) {
    receiver_.prepare();
    EXPECT_FALSE(receiver_.begin(head(2000, offset)));
    EXPECT_EQ(fault(), Cause::interrupted);
  }
  receiver_.prepare();
  EXPECT_FALSE(receiver_.begin(head(2002, 900))) << "the rest of something else";
}

TEST_F(ReceiverTest, FromTheStartAgainAndEqualListenersGoOn) {
  const auto audio = wav(2000);
  ASSERT_TRUE(receiver_.begin(head(2000, 0, "")));
  ASSERT_TRUE(send(audio.substr(0, 900)));
  const auto before = live();
  receiver_.prepare();
  ASSERT_TRUE(receiver_.begin(head(2000, 0, "")));
  for (std::size_t at = 0; at < audio.size(); at += 333) ASSERT_TRUE(send(std::string_view{audio}.substr(at, 333)));
  const auto media = receiver_.conclude(Framing::length);
  ASSERT_TRUE(media) << media.error().detail;
  EXPECT_EQ(live(), before);
  EXPECT_EQ(media->version, 5);
  EXPECT_EQ(readable(*heard()), audio);
}

TEST_F(ReceiverTest, FromTheStartAgainAndDifferentTheyAreCutAndTheVersionGrows) {
  const auto audio = wav(2000);
  ASSERT_TRUE(receiver_.begin(head(2000, 0, "")));
  ASSERT_TRUE(send(audio.substr(0, 1500)));
  const auto before = live();
  auto other = audio;
  other[1200] = static_cast<char>(other[1200] ^ 1);

  receiver_.prepare();
  ASSERT_TRUE(receiver_.begin(head(2000, 0, "")));
  ASSERT_TRUE(send(other.substr(0, 1000)));
  EXPECT_EQ(live(), before) << "the same so far";
  ASSERT_TRUE(send(other.substr(1000)));
  EXPECT_EQ(before->audio->view().phase, Phase::abandoned);
  EXPECT_EQ(before->audio->cause().cause, Cause::interrupted);
  EXPECT_EQ(readable(*before->audio), audio.substr(0, 1499)) << "what they heard has not changed";
  EXPECT_EQ(live()->version, 1'000'005);
  const auto media = receiver_.conclude(Framing::length);
  ASSERT_TRUE(media) << media.error().detail;
  EXPECT_EQ(media->version, 1'000'005);
  EXPECT_EQ(readable(*heard()), other);
  EXPECT_EQ(temporaries(), 1U);
}

TEST_F(ReceiverTest, DifferentWithinTheFirstLookIsLookedAtAnew) {
  ASSERT_TRUE(receiver_.begin(head(2000, 0, "")));
  ASSERT_TRUE(send(wav(2000).substr(0, 1500)));
  const auto before = live();
  receiver_.prepare();
  ASSERT_TRUE(receiver_.begin(head(2000, 0, "")));
  const std::string page = "<!DOCTYPE html>" + std::string(1985, ' ');
  EXPECT_FALSE(send(page));
  EXPECT_EQ(fault(), Cause::wrong_content);
  EXPECT_EQ(before->audio->view().phase, Phase::abandoned);
}

TEST_F(ReceiverTest, AnotherTotalIsAnotherVersion) {
  ASSERT_TRUE(receiver_.begin(head(2000)));
  ASSERT_TRUE(send(wav(2000).substr(0, 1500)));
  const auto before = live();
  receiver_.prepare();
  ASSERT_TRUE(receiver_.begin(head(1800)));
  EXPECT_EQ(before->audio->view().phase, Phase::abandoned);
  ASSERT_TRUE(send(wav(1800)));
  const auto media = receiver_.conclude(Framing::length);
  ASSERT_TRUE(media) << media.error().detail;
  EXPECT_EQ(media->version, 1'000'005);
  EXPECT_EQ(heard()->view().total, 1800U);
}

// The first answer told a length, the second one tells none and brings something else.
TEST_F(ReceiverTest, ANewVersionDoesNotInheritTheOldOnesTotal) {
  ASSERT_TRUE(receiver_.begin(head(2000, 0, "")));
  ASSERT_TRUE(send(wav(2000).substr(0, 1500)));
  receiver_.prepare();
  ASSERT_TRUE(receiver_.begin(head({}, 0, "")));
  ASSERT_TRUE(send(wav(1600, 1)));
  EXPECT_EQ(heard()->view().total, std::nullopt);
  const auto media = receiver_.conclude(Framing::chunked);
  ASSERT_TRUE(media) << media.error().detail;
  EXPECT_EQ(media->bytes, 1600U);
}

TEST_F(ReceiverTest, ATotalThatWasToldBeforeAnybodyListenedIsForgotten) {
  ASSERT_TRUE(receiver_.begin(head(2000)));
  ASSERT_TRUE(send(wav(2000).substr(0, 100)));
  receiver_.prepare();
  ASSERT_TRUE(receiver_.begin(head({})));
  ASSERT_TRUE(send(wav(800)));
  EXPECT_EQ(heard()->view().total, std::nullopt);
  EXPECT_TRUE(receiver_.conclude(Framing::chunked));
}

/// Raw audio, whose container says nothing of its length.
class RawReceiverTest : public ReceiverTest {
 protected:
  Receiver raw_{store_, flight_, "mulaw", 100'000, 5};
  const std::string audio_ = std::string(900, '\x7f');
};

TEST_F(RawReceiverTest, TheSameAndShorterIsAnotherVersion) {
  ASSERT_TRUE(raw_.begin(head(900, 0, "")));
  ASSERT_TRUE(raw_.data(test::bytes(audio_.substr(0, 700))));
  const auto before = live();
  raw_.prepare();
  ASSERT_TRUE(raw_.begin(head({}, 0, "")));
  ASSERT_TRUE(raw_.data(test::bytes(audio_.substr(0, 600))));
  const auto media = raw_.conclude(Framing::chunked);
  ASSERT_TRUE(media) << media.error().detail;
  EXPECT_EQ(media->bytes, 600U);
  EXPECT_EQ(media->version, 1'000'005);
  EXPECT_EQ(before->audio->view().phase, Phase::abandoned) << "they were promised 900";
}

TEST_F(RawReceiverTest, TheSameAndLongerIsAnotherVersion) {
  ASSERT_TRUE(raw_.begin(head(900, 0, "")));
  ASSERT_TRUE(raw_.data(test::bytes(audio_.substr(0, 700))));
  const auto before = live();
  raw_.prepare();
  ASSERT_TRUE(raw_.begin(head({}, 0, "")));
  ASSERT_TRUE(raw_.data(test::bytes(audio_ + audio_)));
  const auto media = raw_.conclude(Framing::chunked);
  ASSERT_TRUE(media) << media.error().detail;
  EXPECT_EQ(media->bytes, 1800U);
  EXPECT_EQ(media->version, 1'000'005);
  EXPECT_EQ(before->audio->view().phase, Phase::abandoned);
}

TEST_F(RawReceiverTest, CutWhileItIsComparedItGoesOnComparing) {
  ASSERT_TRUE(raw_.begin(head(900, 0, "")));
  ASSERT_TRUE(raw_.data(test::bytes(audio_.substr(0, 700))));
  raw_.prepare();
  ASSERT_TRUE(raw_.begin(head(900)));
  ASSERT_TRUE(raw_.data(test::bytes(audio_.substr(0, 600))));
  EXPECT_EQ(raw_.conclude(Framing::length).error().cause, Cause::interrupted);
  EXPECT_EQ(raw_.resume_at(), 600U);
  raw_.prepare();
  ASSERT_TRUE(raw_.begin(head(900, 600)));
  ASSERT_TRUE(raw_.data(test::bytes(audio_.substr(600))));
  EXPECT_TRUE(raw_.conclude(Framing::length));
  EXPECT_EQ(live()->version, 5);
}

/// More than may be copied on the transfer thread, or on a loop.
class LongReceiverTest : public ReceiverTest {
 protected:
  static constexpr Bytes at_once = Receiver::copied_at_once;
  static constexpr Bytes size = 3 * at_once;
  static constexpr Bytes parts_at = 2 * at_once + 5;

  bool arrives(Receiver& receiver, std::string_view audio) {
    for (; !audio.empty(); audio.remove_prefix(std::min(audio.size(), piece)))
      if (!receiver.data(test::bytes(audio.substr(0, piece)))) return false;
    return true;
  }
  /// `audio_` up to shortly before its end, then from the start again something that differs from `parts_at` on.
  void differ() {
    ASSERT_TRUE(long_.begin(head(size)));
    ASSERT_TRUE(arrives(long_, std::string_view{audio_}.substr(0, size - 1000)));
    for (auto& byte : std::span{other_}.subspan(parts_at)) byte = static_cast<char>(byte ^ 1);
    long_.prepare();
    ASSERT_TRUE(long_.begin(head(size, 0, "\"w\"")));
    EXPECT_FALSE(arrives(long_, other_));
  }

  static constexpr std::size_t piece = 256_KiB;
  blob::Store roomy_{folder_.path() / "roomy", 3 * size};
  Receiver long_{roomy_, flight_, "", 2 * size, 5};
  const std::string audio_ = wav(size);
  std::string other_ = audio_;
};

TEST_F(LongReceiverTest, WhatIsTheSameForLongIsNotCopiedOnTheTransferThread) {
  differ();
  EXPECT_EQ(long_.fault()->cause, Cause::interrupted);
  EXPECT_TRUE(long_.lags());
  EXPECT_EQ(live()->version, 5) << "nothing of the other version is here yet";
  const auto before = live();

  for (const Bytes here : {at_once, 2 * at_once}) {
    long_.catch_up();
    EXPECT_TRUE(long_.lags());
    EXPECT_EQ(live()->version, 1'000'005);
    EXPECT_EQ(heard()->view().watermark, here - 1);
    EXPECT_EQ(before->audio->view().phase, Phase::arriving);
  }
  long_.catch_up();
  EXPECT_FALSE(long_.lags());
  EXPECT_FALSE(long_.fault());
  EXPECT_EQ(before->audio->view().phase, Phase::abandoned);
  EXPECT_EQ(readable(*before->audio), audio_.substr(0, size - 1001)) << "what they heard has not changed";

  EXPECT_EQ(long_.resume_at(), parts_at) << "and what is here is not asked for again";
  EXPECT_EQ(long_.validator(), "\"w\"");
  long_.prepare();
  ASSERT_TRUE(long_.begin(head(size, parts_at, "\"w\"")));
  ASSERT_TRUE(arrives(long_, std::string_view{other_}.substr(parts_at)));
  const auto media = long_.conclude(Framing::length);
  ASSERT_TRUE(media) << media.error().detail;
  EXPECT_EQ(media->version, 1'000'005);
  EXPECT_EQ(readable(*heard()), other_);
}

TEST_F(LongReceiverTest, TheSameForLongAndThenItsEndIsNotCopiedOnALoop) {
  const std::string audio(size, '\x7f');
  const auto all = std::string_view{audio};
  Receiver raw{roomy_, flight_, "mulaw", 2 * size, 5};
  ASSERT_TRUE(raw.begin(head(size, 0, "")));
  ASSERT_TRUE(arrives(raw, all.substr(0, size - 1000)));
  const auto before = live();
  raw.prepare();
  ASSERT_TRUE(raw.begin(head({}, 0, "")));
  ASSERT_TRUE(arrives(raw, all.substr(0, parts_at)));
  EXPECT_EQ(raw.conclude(Framing::chunked).error().cause, Cause::interrupted);
  EXPECT_EQ(live(), before);
  for (int portions = 3; portions > 0; --portions) {
    ASSERT_TRUE(raw.lags());
    raw.catch_up();
  }
  ASSERT_FALSE(raw.lags());
  const auto media = raw.conclude(Framing::chunked);
  ASSERT_TRUE(media) << media.error().detail;
  EXPECT_EQ(media->bytes, parts_at);
  EXPECT_EQ(media->version, 1'000'005);
  EXPECT_EQ(readable(*heard()), all.substr(0, parts_at));
  EXPECT_EQ(before->audio->view().phase, Phase::abandoned);
}

TEST_F(LongReceiverTest, WithoutRoomForBothVersionsItBeginsAtTheStart) {
  auto other = roomy_.create("other");
  ASSERT_TRUE(other.begin(size + at_once));
  differ();
  ASSERT_TRUE(long_.lags());
  long_.catch_up();
  EXPECT_FALSE(long_.lags());
  ASSERT_TRUE(long_.fault());
  EXPECT_EQ(long_.fault()->cause, Cause::no_space);
  EXPECT_EQ(long_.conclude(Framing::length).error().cause, Cause::no_space) << "a part is not the whole";

  EXPECT_EQ(long_.resume_at(), 0U);
  long_.prepare();
  ASSERT_TRUE(long_.begin(head(size, 0, "\"w\"")));
  ASSERT_TRUE(arrives(long_, other_)) << "the earlier version's room is free";
  EXPECT_TRUE(long_.conclude(Framing::length));
  EXPECT_EQ(readable(*heard()), other_);
}

// A disk that is full.

TEST_F(ReceiverTest, NoRoomForTheTotalIsSaidAtOnceAndAnotherAttemptMayFindIt) {
  auto other = store_.create("other");
  ASSERT_TRUE(other.begin(1_MiB - 1000));
  ASSERT_TRUE(receiver_.begin(head(2000)));
  EXPECT_FALSE(send(wav(2000)));
  EXPECT_EQ(fault(), Cause::no_space);
  EXPECT_EQ(live(), nullptr);

  other = store_.create("another");
  receiver_.prepare();
  EXPECT_EQ(receiver_.resume_at(), 0U);
  ASSERT_TRUE(receiver_.begin(head(2000)));
  ASSERT_TRUE(send(wav(2000)));
  ASSERT_NE(live(), nullptr);
  EXPECT_TRUE(receiver_.conclude(Framing::length));
}

TEST_F(ReceiverTest, NoRoomForTheFirstBytesLeavesNothingBehind) {
  auto other = store_.create("other");
  ASSERT_TRUE(other.begin(1_MiB - 100));
  ASSERT_TRUE(receiver_.begin(head({})));
  EXPECT_FALSE(send(wav(2000)));
  EXPECT_EQ(fault(), Cause::no_space);
  EXPECT_EQ(live(), nullptr);
  EXPECT_EQ(temporaries(), 1U) << "the other one's";

  other = store_.create("another");
  receiver_.prepare();
  ASSERT_TRUE(receiver_.begin(head({})));
  ASSERT_TRUE(send(wav(2000)));
  ASSERT_NE(live(), nullptr) << "listeners hear of the attempt that found room";
  EXPECT_TRUE(receiver_.conclude(Framing::chunked));
}

TEST_F(ReceiverTest, WhatWouldNotFitIntoAnEmptyCacheIsTooLarge) {
  Receiver patient{store_, flight_, "", 1_GiB, 5};
  EXPECT_FALSE(patient.begin(head(1_MiB + 1)));
  EXPECT_EQ(patient.fault()->cause, Cause::too_large);
  EXPECT_NE(patient.fault()->detail.find("cache.max_bytes is 1048576"), std::string::npos);
}

TEST_F(ReceiverTest, SaysHowMuchRoomItNeeds) {
  EXPECT_EQ(receiver_.lacks(), store_.space().foreseen()) << "nothing is known yet";
  ASSERT_TRUE(receiver_.begin(head(90'000)));
  EXPECT_EQ(receiver_.lacks(), 90'000U);
  ASSERT_TRUE(send(wav(90'000).substr(0, 1000)));
  EXPECT_EQ(receiver_.lacks(), 89'000U);
}

// The temporary folder is gone: the file cannot be made. The next attempt must not take it for made.
TEST_F(ReceiverTest, AFileThatCannotBeMadeIsMadeByTheNextAttempt) {
  std::filesystem::remove(folder_.path() / "temporary");
  ASSERT_TRUE(receiver_.begin(head(2000)));
  EXPECT_FALSE(send(wav(2000)));
  EXPECT_EQ(fault(), Cause::internal);
  EXPECT_EQ(live(), nullptr);

  std::filesystem::create_directory(folder_.path() / "temporary");
  receiver_.prepare();
  ASSERT_TRUE(receiver_.begin(head(2000)));
  ASSERT_TRUE(send(wav(2000)));
  EXPECT_TRUE(receiver_.conclude(Framing::length));
}

TEST_F(ReceiverTest, AbandoningTellsListenersTheCause) {
  receiver_.abandon({.cause = Cause::gone, .detail = {}});  // nobody listens yet
  ASSERT_TRUE(receiver_.begin(head(2000)));
  ASSERT_TRUE(send(wav(2000).substr(0, 900)));
  receiver_.abandon({.cause = Cause::overdue, .detail = {}});
  EXPECT_EQ(heard()->view().phase, Phase::abandoned);
  EXPECT_EQ(heard()->cause().cause, Cause::overdue);
}

// A later life goes on with what an earlier one has left.

class ReceiverResumed : public ReceiverTest {
 protected:
  /// A life that ends after `count` bytes of `audio`.
  void earlier_life(const std::string& audio, std::size_t count, const provider::Head& said) {
    blob::Store store{folder_.path(), 1_MiB};
    Flight flight{RecordingId{"rec"}, run()};
    Receiver receiver{store, flight, "", 100'000, 5};
    ASSERT_TRUE(receiver.begin(said));
    ASSERT_TRUE(receiver.data(test::bytes(audio.substr(0, count))));
    modified_ = flight.view().live->last_modified;
    receiver.leave();
  }
  /// The one after it, under a later claim.
  void begin_again() {
    again_store_ = std::make_unique<blob::Store>(folder_.path(), 1_MiB);
    again_ = std::make_unique<Receiver>(*again_store_, flight_, "", 100'000, 9);
  }

  WallTime modified_;
  std::unique_ptr<blob::Store> again_store_;
  std::unique_ptr<Receiver> again_;
};

TEST_F(ReceiverResumed, ListenersHearWhatIsThereAndTheProviderIsAskedForTheRest) {
  const auto audio = wav(5000);
  earlier_life(audio, 3000, head(audio.size()));
  begin_again();
  ASSERT_TRUE(again_->resumable());
  again_->resume();
  ASSERT_NE(live(), nullptr);
  EXPECT_EQ(live()->version, 5);
  EXPECT_EQ(live()->last_modified, modified_);
  EXPECT_EQ(heard()->view().total, 5000U);
  EXPECT_EQ(readable(*heard()), audio.substr(0, 2999)) << "one short of what is written";
  EXPECT_EQ(again_->resume_at(), 3000U);
  EXPECT_EQ(again_->validator(), "\"v\"");
  EXPECT_EQ(again_->variant(), "two channels");
  again_->prepare();
  ASSERT_TRUE(again_->begin(head(audio.size(), 3000)));
  ASSERT_TRUE(again_->data(test::bytes(audio.substr(3000))));
  const auto media = again_->conclude(Framing::length);
  ASSERT_TRUE(media) << media.error().detail;
  EXPECT_EQ(media->version, 5);
  EXPECT_EQ(readable(*heard()), audio);
  EXPECT_FALSE(again_->resumable());
}

TEST_F(ReceiverResumed, ADigestThatWasStatedBeforeIsStillCompared) {
  const auto audio = wav(5000);
  auto said = head(audio.size());
  said.digests = {{.algorithm = Digest::Algorithm::md5, .bytes = std::string(16, 'x')}};
  earlier_life(audio, 3000, said);
  begin_again();
  again_->resume();
  ASSERT_TRUE(again_->begin(head(audio.size(), 3000)));
  ASSERT_TRUE(again_->data(test::bytes(audio.substr(3000))));
  const auto media = again_->conclude(Framing::length);
  ASSERT_FALSE(media);
  EXPECT_EQ(media.error().cause, Cause::wrong_content);
}

TEST_F(ReceiverResumed, AnotherContentHasAVersionThatNobodyHasHad) {
  earlier_life(wav(5000), 3000, head(5000));
  begin_again();
  again_->resume();
  ASSERT_TRUE(again_->begin(head(5000, 0, "\"w\"")));
  ASSERT_TRUE(again_->data(test::bytes(wav(5000, 1))));
  EXPECT_EQ(live()->version, 1'000'005);
  EXPECT_TRUE(again_->conclude(Framing::length));
}

// Another validator has been told, and what it stands for has not been compared yet: it must not be gone on with.
TEST_F(ReceiverResumed, KilledBeforeItWasComparedItIsAskedForFromTheStart) {
  ASSERT_TRUE(receiver_.begin(head(5000)));
  ASSERT_TRUE(send(wav(5000).substr(0, 3000)));
  ASSERT_TRUE(receiver_.begin(head(5000, 0, "\"w\"")));
  receiver_.leave();
  begin_again();
  again_->resume();
  EXPECT_EQ(again_->resume_at(), 0U);
  ASSERT_TRUE(again_->begin(head(5000, 0, "\"w\"")));
  ASSERT_TRUE(again_->data(test::bytes(wav(5000, 1))));
  EXPECT_EQ(live()->version, 1'000'005);
  EXPECT_TRUE(again_->conclude(Framing::length));
  EXPECT_EQ(readable(*heard()), wav(5000, 1));
}

TEST_F(ReceiverResumed, KilledAfterItWasComparedItGoesOn) {
  ASSERT_TRUE(receiver_.begin(head(5000)));
  ASSERT_TRUE(send(wav(5000).substr(0, 3000)));
  ASSERT_TRUE(receiver_.begin(head(5000, 0, "\"w\"")));
  ASSERT_TRUE(send(wav(5000).substr(0, 3500)));
  receiver_.leave();
  begin_again();
  again_->resume();
  EXPECT_EQ(again_->resume_at(), 3500U);
  EXPECT_EQ(again_->validator(), "\"w\"");
}

TEST_F(ReceiverResumed, WhatIsAllThereIsNotAskedFor) {
  earlier_life(wav(5000), 5000, head(5000));
  begin_again();
  again_->resume();
  EXPECT_TRUE(again_->whole());
  EXPECT_TRUE(again_->conclude(Framing::length));
}

TEST_F(ReceiverResumed, ANoteThatIsNoneLeavesNothing) {
  earlier_life(wav(5000), 3000, head(5000));
  for (const auto& note : std::filesystem::directory_iterator{folder_.path() / "notes"}) {
    auto text = blob::note_for_this_boot("nonsense");
    std::ofstream{note.path(), std::ios::binary} << text;
  }
  begin_again();
  again_->resume();
  EXPECT_EQ(live(), nullptr);
  EXPECT_EQ(again_->resume_at(), 0U);
  EXPECT_EQ(temporaries(), 0U);
}

}  // namespace
}  // namespace onetake::run
