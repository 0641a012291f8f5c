#include <gmock/gmock.h>

#include <array>

#include "media/markup.hpp"
#include "media/media.hpp"
#include "media/mpeg_frame.hpp"
#include "media/samples_test.hpp"

namespace onetake::media::test {
namespace {

std::string type(std::string_view bytes, std::string_view declared = "") {
  const auto kind = sniff(span(bytes.substr(0, sniff_bytes)), declared);
  return kind ? kind->content_type : "none";
}

TEST(Sniff, KnowsEveryKind) {
  for (const auto& sample : samples()) EXPECT_EQ(type(sample.bytes), sample.content_type) << sample.name;
  EXPECT_EQ(type("#!AMR-WB\n\x04"), "audio/amr-wb");
  EXPECT_EQ(type(element("\x1A\x45\xDF\xA3", element("\x42\x82", "matroska"))), "audio/matroska");
  EXPECT_EQ(type(be(20, 4) + "ftyp3gp5" + be(0, 8)), "audio/3gpp");
}

TEST(Sniff, TakesTheBytesBeforeTheDeclaration) {
  for (const auto& sample : samples())
    if (!sample.bytes.starts_with('\xFF')) EXPECT_EQ(type(sample.bytes, "mulaw"), sample.content_type) << sample.name;
}

TEST(Sniff, TakesRawFormatsOnTheirWord) {
  const std::string silence(512, '\xFF');
  EXPECT_EQ(type(silence, "mulaw"), "audio/basic");
  EXPECT_EQ(type(std::string(512, '\xD5'), "alaw"), "audio/PCMA");
  EXPECT_EQ(type(std::string(512, '\x55'), "alaw"), "audio/PCMA") << "silence that looks like text";
  EXPECT_EQ(type(std::string(512, '\xFA'), "g722"), "audio/G722");
  EXPECT_EQ(type("\xD8\x20", "gsm"), "audio/GSM");
  EXPECT_EQ(type("\xFF\xFB\x90", "mulaw"), "audio/basic") << "silence that looks like MPEG audio";
  for (const char* other : {"", "wav", "mp3", "MULAW", "pcm"}) EXPECT_EQ(type(silence, other), "none") << other;
}

TEST(Sniff, TakesNoOrHardlyAnyBytes) {
  for (const char* declared : {"", "mulaw", "alaw", "g722", "gsm"}) {
    EXPECT_EQ(type("", declared), "none");
    EXPECT_EQ(type("R", declared), "none");
  }
  for (const auto& sample : samples())
    for (std::size_t size = 0; size < 4; ++size) EXPECT_EQ(type(sample.bytes.substr(0, size)), "none") << sample.name;
}

TEST(Sniff, TakesNothingElse) {
  for (const auto& bytes :
       {std::string{"<!DOCTYPE html><html>"}, std::string{"{\"code\": 20404}"}, std::string{"Not found"},
        std::string{"RIFF"}, "RIFF" + le(4, 4) + "AVI LIST", "RIFF" + le(4, 4) + "WEBPVP8 ",
        std::string{"ID3 tags are at the front"}, std::string{"ID3"},
        "ID3\x04" + std::string("\x00\x00\x80\x00\x00\x00", 6), std::string{"OggStuff"}, std::string{"%PDF-1.7"},
        std::string{"PK\x03\x04"}, std::string{"\x1F\x8B\x08"}, std::string(512, '\xFF'), std::string(512, '\0'),
        be(24, 4) + "ftypheic" + be(0, 12), be(4, 4) + "ftypM4A ", std::string{"ftypM4A M4A "}})
    EXPECT_EQ(type(bytes), "none") << bytes;
}

TEST(Sniff, BelievesMpegOnlyWhereAFrameFollows) {
  EXPECT_EQ(type(mp3_frame() + mp3_frame()), "audio/mpeg");
  EXPECT_EQ(type(mp3_frame()), "audio/mpeg") << "nothing more to look at";
  EXPECT_EQ(type(mp3_frame() + std::string(100, 'x')), "none");
  EXPECT_EQ(type(mp3_frame() + be(0xFFFB'9400, 4)), "none") << "another sample rate";
  EXPECT_EQ(type("\xFF\xFE" + std::string("H\0e\0l\0l\0o\0 \0w\0o\0r\0l\0d\0", 22)), "none") << "UTF-16";
}

TEST(MpegFrame, HasTheSizeThatItsFieldsGive) {
  const auto frame = [](std::uint32_t header) { return mpeg_frame(span(be(header, 4))); };
  EXPECT_EQ(frame(0xFFFB'9000).value().size, 417);  // 128 kbit/s, 44,100 Hz
  EXPECT_EQ(frame(0xFFFB'9200).value().size, 418);  // padded
  EXPECT_EQ(frame(0xFFF3'40C4).value().size, 104);  // MPEG 2, 32 kbit/s, 22,050 Hz, 576 samples
  EXPECT_EQ(frame(0xFFF3'40C4).value().channels, 1);
  EXPECT_EQ(frame(0xFFE3'2844).value().rate, 8000);  // MPEG 2.5
  EXPECT_EQ(frame(0xFFE3'2844).value().samples, 576);
  EXPECT_EQ(frame(0xFFFD'8000).value().layer, 2);
  EXPECT_EQ(frame(0xFFFF'8000).value().samples, 384);
  for (const std::uint32_t odd : {0x0U, 0xFFFF'FFFFU, 0xFFFF'FFFEU, 0xFFEB'9000U, 0xFFF9'9000U, 0xFFFB'0000U,
                                  0xFFFB'F000U, 0xFFFB'9C00U, 0xFFFB'9002U, 0xFFDB'9000U})
    EXPECT_FALSE(frame(odd)) << std::hex << odd;
  // Every header that is believed has a frame that can be stepped over.
  for (std::uint32_t bits = 0; bits < 1U << 21; ++bits) {
    const auto header = 0xFFE0'0000U | bits;
    const std::array bytes{std::byte(header >> 24), std::byte(header >> 16), std::byte(header >> 8), std::byte(header)};
    if (const auto any = mpeg_frame(bytes)) ASSERT_TRUE(any->size >= 24 && any->size <= 2881) << bits;
  }
}

TEST(Markup, IsSeenInEveryCoat) {
  for (const auto& text :
       {std::string{"<!DOCTYPE html>"}, std::string{"\n\t <html lang=he>"}, std::string{"<?xml version='1.0'?>"},
        std::string{"<!-- x -->"}, std::string{"<Error><Code>"}, std::string{"<ns:Fault x"}, std::string{"<br/>"},
        std::string{"</p>"}, std::string{"\xEF\xBB\xBF<html>"}, std::string{"\xFF\xFE<\0h\0t\0m\0l\0>\0", 14},
        std::string{"\0<\0h\0t\0m\0l\0>", 12}, std::string{"<html>\xF9\xE0"}, std::string{"{}"},
        std::string{" { \"a\": \"\xD7\xA9\"}"}, std::string{"[{\"a\": 1}]"}, std::string{"[1, 2]"},
        std::string{"{\"a\": \"\xD7"}, std::string{"{\0\"\0a\0\"\0:\0", 10}})
    EXPECT_TRUE(is_markup(span(text))) << text;
}

TEST(Markup, IsNotSeenInSamples) {
  for (const auto& text :
       {std::string{""}, std::string{"<"}, std::string{"<<<<"}, std::string{"< a"}, std::string{"<\x7F\xFF"},
        std::string{"<a\xFF"}, std::string{"{\"\xFF\x7F"}, std::string{"[{\xFF\xFE"}, std::string{"{x"},
        std::string(512, 'U'), std::string(512, '{'), std::string{"plain text"}, std::string{"[1\x01\x02"}})
    EXPECT_FALSE(is_markup(span(text))) << text;
}

TEST(Sniff, TakesNoErrorPageForRawSamples) {
  for (const char* declared : {"mulaw", "alaw", "g722", "gsm"}) {
    EXPECT_EQ(type("<html><body>502 Bad Gateway</body></html>", declared), "none");
    EXPECT_EQ(type("{\"code\": 20404, \"message\": \"not found\"}", declared), "none");
    EXPECT_EQ(type("<?xml version=\"1.0\"?><Error/>", declared), "none");
  }
}

}  // namespace
}  // namespace onetake::media::test
