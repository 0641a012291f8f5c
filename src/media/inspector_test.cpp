#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "media/checksum.hpp"
#include "media/media.hpp"
#include "media/samples_test.hpp"

namespace onetake::media::test {
namespace {

using testing::HasSubstr;

using Verdict = std::expected<Inspector::Verdict, std::string>;

Verdict inspect(std::string_view bytes, bool framed = true, std::size_t step = 4096, std::string declared = "",
                std::vector<Digest> digests = {}) {
  const auto kind = sniff(span(bytes.substr(0, sniff_bytes)), declared);
  if (!kind) return std::unexpected("not audio");
  Inspector inspector{*kind, declared, std::move(digests)};
  for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) inspector.take(span(bytes.substr(0, step)));
  return inspector.finish(framed);
}

std::string shown(const Verdict& verdict) {
  if (!verdict) return verdict.error();
  const auto& said = verdict->description;
  return verdict->sha256 + ' ' + said.codec + ' ' + std::to_string(said.channels.value_or(-1)) + ' ' +
         std::to_string(said.duration_seconds.value_or(-1));
}

class Samples : public testing::TestWithParam<Sample> {};

INSTANTIATE_TEST_SUITE_P(Kinds, Samples, testing::ValuesIn(samples()), [](const auto& one) { return one.param.name; });

TEST_P(Samples, AreDescribed) {
  const auto verdict = inspect(GetParam().bytes);
  ASSERT_TRUE(verdict) << verdict.error();
  EXPECT_EQ(verdict->description.codec, GetParam().codec);
  EXPECT_EQ(verdict->description.channels, GetParam().channels);
  ASSERT_EQ(verdict->description.duration_seconds.has_value(), GetParam().seconds.has_value());
  EXPECT_NEAR(verdict->description.duration_seconds.value_or(0), GetParam().seconds.value_or(0), 1e-6);
}

TEST_P(Samples, AreTheSameHoweverTheyAreCut) {
  const auto& bytes = GetParam().bytes;
  const auto whole = shown(inspect(bytes, true, bytes.size()));
  for (const std::size_t step : {1, 2, 3, 7, 61, 4095, 4097})
    EXPECT_EQ(shown(inspect(bytes, true, step)), whole) << step;
}

TEST_P(Samples, AreWholeWithoutFramingOnlyIfTheySaySo) {
  EXPECT_EQ(inspect(GetParam().bytes, false).has_value(), GetParam().says_all);
}

TEST_P(Samples, AreNeverWholeWithoutTheirEnd) {
  const std::string_view bytes = GetParam().bytes;
  for (std::size_t size = 0; size < bytes.size(); size += 1 + size / 20) {
    EXPECT_FALSE(inspect(bytes.substr(0, size), false)) << size;
    const bool sized = GetParam().name.starts_with("wav") || GetParam().name == "rf64" || GetParam().name == "webm";
    if (sized && size > 128) EXPECT_FALSE(inspect(bytes.substr(0, size), true)) << size;
  }
  EXPECT_FALSE(inspect(bytes.substr(0, bytes.size() - 1), false));
}

TEST_P(Samples, AreReadWithoutHarmWhateverIsInThem) {
  std::mt19937 random{20261122};
  for (int round = 0; round < 100; ++round) {
    auto bytes = GetParam().bytes;
    const auto changes = 1 + random() % 8;
    for (std::size_t i = 0; i < changes; ++i) {
      // Mostly in the headers, where they matter.
      const auto reach = random() % 2 == 0 ? std::min<std::size_t>(bytes.size(), 200) : bytes.size();
      bytes.at(random() % reach) = static_cast<char>(random() % 3 == 0 ? 0xFF : random());
    }
    bytes.resize(1 + random() % bytes.size());
    const auto kind = sniff(span(GetParam().bytes).first(sniff_bytes), "").value();
    std::vector<std::string> said;
    for (const std::size_t step : {bytes.size(), std::size_t{1}, std::size_t{1 + random() % 500}}) {
      Inspector inspector{kind, "", {}};
      for (std::size_t at = 0; at < bytes.size(); at += step)
        inspector.take(span(bytes).subspan(at, std::min(step, bytes.size() - at)));
      said.push_back(shown(inspector.finish(true)));
    }
    ASSERT_EQ(said[1], said[0]) << round;
    ASSERT_EQ(said[2], said[0]) << round;
  }
}

TEST(Inspector, FindsNothingInNothing) {
  Inspector inspector{{Kind::Container::raw, "audio/basic"}, "mulaw", {}};
  EXPECT_FALSE(inspector.finish(true));
}

TEST(Inspector, KnowsTheChecksum) {
  EXPECT_EQ(inspect("hello, world", true, 5, "mulaw").value().sha256,
            "09ca7e4eaa6e8ae9c7d261167129184883644d07dfba7cbfbc4c8a2e08360d5b");
}

// A connection that ended early, and the one that went on: what was asked in between changes nothing.
TEST(Inspector, GoesOnAfterItWasAsked) {
  const auto bytes = Wav{}.bytes();
  for (const auto algorithm : {Digest::Algorithm::md5, Digest::Algorithm::sha256}) {
    Checksum checksum{algorithm};
    checksum.take(span(bytes));
    Inspector inspector{{Kind::Container::riff, "audio/wav"}, "", {{algorithm, checksum.so_far()}}};
    const auto half = bytes.size() / 2;
    inspector.take(span(bytes).first(half));
    EXPECT_FALSE(inspector.finish(false));
    inspector.take(span(bytes).subspan(half));
    const auto verdict = inspector.finish(false);
    ASSERT_TRUE(verdict) << verdict.error();
    EXPECT_EQ(verdict->sha256, inspect(bytes).value().sha256);
  }
}

TEST(Inspector, HoldsTheProviderToItsDigests) {
  using enum Digest::Algorithm;
  const auto bytes = Wav{}.bytes();
  for (const auto algorithm : {md5, sha1, sha256, sha512}) {
    Checksum checksum{algorithm};
    checksum.take(span(bytes));
    Digest right{algorithm, checksum.so_far()};
    EXPECT_TRUE(inspect(bytes, true, 100, "", {right}));
    auto wrong = right;
    wrong.bytes[0] ^= 1;
    const auto verdict = inspect(bytes, true, 100, "", {right, wrong});
    ASSERT_FALSE(verdict);
    EXPECT_THAT(verdict.error(), HasSubstr("provider's"));
  }
}

TEST(Riff, SizesThatSayNothingAreNotBelieved) {
  for (const std::uint32_t size : {0U, 0xFFFF'FFFFU, 0x7FFF'F024U, 0x7FFF'F000U}) {
    const auto bytes =
        Wav{.riff_size = size, .data_size = size == 0 ? 0 : size - (size == 0xFFFF'FFFF ? 0 : 36)}.bytes();
    const auto verdict = inspect(bytes);
    ASSERT_TRUE(verdict) << size << verdict.error();
    EXPECT_NEAR(verdict->description.duration_seconds.value(), 1.0, 1e-6) << size;
    EXPECT_FALSE(inspect(bytes, false)) << size;
  }
  const auto honest = Wav{.riff_size = 0}.bytes();
  EXPECT_TRUE(inspect(honest));
  EXPECT_FALSE(inspect(std::string_view{honest}.substr(0, 20'000))) << "its data chunk still says how long it is";
}

TEST(Riff, MayHaveMoreThanItSays) {
  const auto bytes = Wav{}.bytes();
  const auto verdict = inspect(bytes + chunk("LIST", "later"));
  ASSERT_TRUE(verdict);
  EXPECT_NEAR(verdict->description.duration_seconds.value(), 1.0, 1e-6);
  EXPECT_TRUE(inspect(bytes + "xx", false));
}

TEST(Riff, ThatCountsPaddingItDoesNotHaveIsWhole) {
  auto bytes = Wav{.data = std::string(31'999, 'x')}.bytes();
  EXPECT_TRUE(inspect(bytes));
  bytes.pop_back();
  EXPECT_TRUE(inspect(bytes));
  bytes.pop_back();
  EXPECT_FALSE(inspect(bytes));
}

TEST(Riff, WhoseHeaderWasNeverCompletedSaysNothing) {
  const auto bytes = Wav{.riff_size = 36, .data_size = 0}.bytes();
  EXPECT_TRUE(inspect(bytes, true));
  EXPECT_FALSE(inspect(bytes, false));
}

TEST(Riff, SaysWhatIsMissing) {
  const auto bytes = Wav{}.bytes();
  EXPECT_THAT(inspect(std::string_view{bytes}.substr(0, 10'000)).error(), HasSubstr("32044 bytes, and it has 10000"));
}

TEST(Riff, NamesItsCodec) {
  const auto described = [](const Wav& wav) { return inspect(wav.bytes()).value().description; };
  EXPECT_EQ(described({.channels = 1, .byte_rate = 8000, .bits = 8}).codec, "pcm_u8");
  EXPECT_EQ(described({.bits = 24}).codec, "pcm_s24le");
  EXPECT_EQ(described({.tag = 3, .bits = 32}).codec, "pcm_f32le");
  EXPECT_EQ(described({.tag = 7, .channels = 1, .byte_rate = 8000, .bits = 8}).codec, "pcm_mulaw");
  EXPECT_NEAR(described({.tag = 7, .channels = 1, .byte_rate = 1, .bits = 8}).duration_seconds.value(), 4.0, 1e-6)
      << "from the format, not from a byte rate that may be wrong";
  EXPECT_EQ(described({.tag = 6, .channels = 1, .bits = 8}).codec, "pcm_alaw");
  EXPECT_EQ(
      described({.tag = 0xFFFE, .extra = le(22, 2) + le(16, 2) + le(3, 4) + le(1, 2) + std::string(14, 'g')}).codec,
      "pcm_s16le");
  EXPECT_EQ(described({.tag = 0x4242}).codec, "");

  const Wav gsm{.tag = 0x31,
                .channels = 1,
                .byte_rate = 1625,
                .bits = 0,
                .extra = le(2, 2) + le(320, 2),
                .data = std::string(3250, 'g')};
  EXPECT_EQ(described(gsm).codec, "gsm_ms");
  EXPECT_NEAR(described(gsm).duration_seconds.value(), 2.0, 1e-6);
  auto with_fact = gsm;
  with_fact.chunks = chunk("fact", le(15'900, 4));
  EXPECT_NEAR(described(with_fact).duration_seconds.value(), 15'900 / 8000.0, 1e-6);
}

TEST(Riff, WithoutFormatOrDataIsNotDescribed) {
  EXPECT_EQ(shown(inspect("RIFF" + le(4, 4) + "WAVE")), shown(inspect("RIFF" + le(4, 4) + "WAVE", false)));
  const auto verdict = inspect(Wav{.channels = 0, .rate = 0, .byte_rate = 0, .bits = 0}.bytes());
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->description.duration_seconds, std::nullopt);
  EXPECT_EQ(verdict->description.channels, std::nullopt);
}

TEST(Rf64, TakesItsSizesFromDs64) {
  const std::string data(16'000, 'r');
  const auto whole = 4 + 36 + 24 + 8 + data.size();
  EXPECT_FALSE(inspect(rf64(whole + 1, data.size(), data)));
  EXPECT_TRUE(inspect(rf64(0, 0, data), true));
  EXPECT_FALSE(inspect(rf64(0, 0, data), false));
  EXPECT_TRUE(inspect(rf64(~0ULL, ~0ULL, data), true)) << "impossible sizes say nothing";
}

TEST(Mpeg, GoesOnAfterBytesThatAreNoFrame) {
  const auto verdict =
      inspect(mp3_frame() + mp3_frame() + std::string(1000, 'j') + mp3_frame() + "TAG" + std::string(125, ' '));
  EXPECT_NEAR(verdict.value().description.duration_seconds.value(), 3 * 1152 / 44'100.0, 1e-6);
}

TEST(Mpeg, EndingInsideItsTagIsCut) { EXPECT_FALSE(inspect(std::string_view{id3(5000)}.substr(0, 3000))); }

TEST(Ogg, EndsAtAPage) {
  const auto bytes = opus(1);
  EXPECT_FALSE(inspect(std::string_view{bytes}.substr(0, bytes.size() - 1)));
  const auto open = ogg_page(first_page, 0, 7, opus_head(1, 0)) + ogg_page(page, 48'000, 7, "abc");
  EXPECT_TRUE(inspect(open, true)) << "many writers never mark the last page";
  EXPECT_FALSE(inspect(open, false));
}

TEST(Ogg, AddsUpAChain) {
  EXPECT_NEAR(inspect(opus(1.5) + opus(2)).value().description.duration_seconds.value(), 3.5, 1e-6);
  EXPECT_FALSE(inspect(opus(1) + ogg_page(first_page, 0, 8, opus_head(2, 0)), false))
      << "the second link has not ended";
}

TEST(Ogg, NamesItsCodec) {
  const auto vorbis = "\x01vorbis" + le(0, 4) + le(1, 1) + le(16'000, 4) + std::string(13, '\0');
  auto said = inspect(ogg_page(first_page, 0, 1, vorbis) + ogg_page(last_page, 24'000, 1, "v")).value().description;
  EXPECT_EQ(said.codec, "vorbis");
  EXPECT_EQ(said.channels, 1);
  EXPECT_NEAR(said.duration_seconds.value(), 1.5, 1e-6);
  const auto speex =
      "Speex   " + std::string(28, '\0') + le(8000, 4) + std::string(8, '\0') + le(1, 4) + std::string(28, '\0');
  said = inspect(ogg_page(first_page, 0, 1, speex) + ogg_page(last_page, 4000, 1, "s")).value().description;
  EXPECT_EQ(said.codec, "speex");
  EXPECT_NEAR(said.duration_seconds.value(), 0.5, 1e-6);
}

TEST(Mp4, OfFragmentsOrWithoutAnEndSaysNothing) {
  EXPECT_FALSE(inspect(m4a() + box("moof", "") + box("mdat", "x"), false));
  const auto open = m4a() + be(0, 4) + "mdat" + std::string(10, 'x');
  EXPECT_TRUE(inspect(open, true));
  EXPECT_FALSE(inspect(open, false));
  EXPECT_FALSE(inspect(std::string_view{open}.substr(0, 1000), true)) << "inside a box that says its size";
}

TEST(Raw, IsAsLongAsItsBytes) {
  const std::string bytes(16'500, '\x7F');
  EXPECT_NEAR(inspect(bytes, true, 100, "mulaw").value().description.duration_seconds.value(), 2.0625, 1e-6);
  EXPECT_NEAR(inspect(bytes, true, 100, "gsm").value().description.duration_seconds.value(), 10.0, 1e-6);
  EXPECT_EQ(inspect(bytes, true, 100, "alaw").value().description.codec, "pcm_alaw");
  EXPECT_EQ(inspect(bytes, true, 100, "g722").value().description.channels, 1);
  EXPECT_FALSE(inspect(bytes, false, 100, "mulaw"));
}

}  // namespace
}  // namespace onetake::media::test
