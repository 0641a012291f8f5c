#include "simulator/audio.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "simulator/wav_header.hpp"

namespace onetake::simulator {
namespace {

using namespace std::chrono_literals;

unsigned char at(const std::string& bytes, std::size_t offset) { return static_cast<unsigned char>(bytes.at(offset)); }

TEST(Audio, SpeechIsTwoPartyWavOfItsLength) {
  const Audio audio = speech(10s);
  EXPECT_EQ(audio.size(), 320'044U);
  const auto found = parse_wav(audio.bytes(0, 100));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->offset, 44U);
  EXPECT_EQ(found->header.data_bytes, 320'000U);
  EXPECT_EQ(found->header.channels, 2U);
  EXPECT_EQ(found->header.bits, 16U);
  EXPECT_EQ(found->header.rate, 8'000U);
  EXPECT_EQ(audio.seconds(), 10);
  EXPECT_EQ(audio.content_type(), "audio/x-wav");
}

TEST(Audio, WavHasExactlyTheSizeAskedForAndSaysSo) {
  for (const Bytes size : {44U, 45U, 46U, 47U, 48U, 512U, 65'535U, 65'536U, 65'537U, 500'000'000U}) {
    const Audio audio = wav(size);
    EXPECT_EQ(audio.size(), size);
    const auto found = parse_wav(audio.bytes(0, 44));
    ASSERT_TRUE(found) << size;
    EXPECT_EQ(found->header.data_bytes, size - 44);
    EXPECT_EQ((size - 44) % found->header.frame_bytes(), 0U) << size;
  }
  EXPECT_THROW(wav(43), std::invalid_argument);
}

TEST(Audio, EndlessWavDoesNotKnowItsSize) {
  const std::string head = endless_wav(1'000).bytes(0, 44);
  EXPECT_EQ(head.substr(4, 4), "\xff\xff\xff\xff");
  EXPECT_EQ(head.substr(40, 4), "\xff\xff\xff\xff");
}

TEST(Audio, ReadsTheSameBytesInWhateverPieces) {
  const Audio audio = wav(3'000'001);
  const std::string whole = audio.bytes();
  ASSERT_EQ(whole.size(), 3'000'001U);
  for (const Bytes offset : {0U, 1U, 43U, 44U, 45U, 1'048'599U, 1'048'600U, 2'999'999U}) {
    EXPECT_EQ(audio.bytes(offset, 70'000), whole.substr(offset, 70'000)) << offset;
    EXPECT_TRUE(audio.holds(offset, std::string_view{whole}.substr(offset)));
  }
  EXPECT_EQ(audio.bytes(3'000'001, 5), "");
}

TEST(Audio, TellsMisplacedBytesFromRightOnes) {
  const Audio audio = wav(20'000'000);
  for (Bytes apart = 512; apart <= 16_MiB; apart *= 2) EXPECT_FALSE(audio.holds(apart + 44, audio.bytes(44, 4'096)));
  EXPECT_FALSE(audio.holds(audio.size() - 3, "1234")) << "longer than there is";
}

TEST(Audio, SeedsDifferAndRepeat) {
  EXPECT_EQ(speech(1s, {.seed = 2}).bytes(), speech(1s, {.seed = 2}).bytes());
  EXPECT_NE(speech(1s, {.seed = 2}).bytes(44), speech(1s, {.seed = 3}).bytes(44));
  EXPECT_NE(speech(1s, {.seed = 2}).etag(), speech(1s, {.seed = 3}).etag());
  EXPECT_EQ(speech(1s, {.channels = 1}).channels(), 1U);
}

TEST(Audio, Mp3IsFramesAndNothingElse) {
  const Audio audio = mp3(2400ms);
  EXPECT_EQ(audio.size(), 100U * 192);
  EXPECT_EQ(audio.format(), "mp3");
  const std::string bytes = audio.bytes();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i % 192 == 0) {
      EXPECT_EQ(at(bytes, i), 0xff);
    } else if (at(bytes, i) == 0xff) {
      ADD_FAILURE() << "false sync at " << i;
    }
  }
  EXPECT_EQ(bytes.substr(1, 3), "\xfb\x54\xc0");
}

TEST(Audio, VersionsAndCuts) {
  const Audio audio = speech(1s);
  const Audio other = audio.differing_from(1'000);
  EXPECT_EQ(other.size(), audio.size());
  EXPECT_EQ(other.bytes(0, 1'000), audio.bytes(0, 1'000));
  EXPECT_NE(other.bytes(1'000, 1), audio.bytes(1'000, 1));
  EXPECT_NE(other.etag(), audio.etag());
  EXPECT_NE(other.sha256(), audio.sha256());
  EXPECT_EQ(audio.first(500).bytes(), audio.bytes(0, 500));
}

TEST(Audio, DigestsAreTheKnownOnes) {
  EXPECT_EQ(raw("abc").sha256(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(raw("abc").md5(), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(raw("").size(), 0U);
}

TEST(Audio, FromAFile) {
  const auto path = std::filesystem::temp_directory_path() / ("audio_test_" + std::to_string(::getpid()) + ".wav");
  const Audio original = speech(1s);
  std::ofstream{path, std::ios::binary} << original.bytes();
  const Audio read = from_file(path);
  std::filesystem::remove(path);
  EXPECT_EQ(read.size(), original.size());
  EXPECT_EQ(read.sha256(), original.sha256());
  EXPECT_EQ(read.channels(), 2U);
  EXPECT_EQ(read.seconds(), 1);
  EXPECT_THROW(from_file("/nowhere/at.all"), std::system_error);
}

}  // namespace
}  // namespace onetake::simulator
