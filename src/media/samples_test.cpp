#include "media/samples_test.hpp"

#include <bit>

namespace onetake::media::test {

std::string le(std::uint64_t value, int size) {
  std::string made;
  for (int i = 0; i < size; ++i) made += i < 8 ? static_cast<char>(value >> 8 * i & 0xFF) : '\0';
  return made;
}

std::string be(std::uint64_t value, int size) {
  const auto made = le(value, size);
  return {made.rbegin(), made.rend()};
}

std::string chunk(std::string_view id, std::string_view body) {
  std::string made{id};
  made += le(body.size(), 4);
  made += body;
  if (body.size() % 2 == 1) made += '\0';
  return made;
}

std::string Wav::bytes() const {
  const auto fmt =
      le(tag, 2) + le(channels, 2) + le(rate, 4) + le(byte_rate, 4) + le(channels * bits / 8, 2) + le(bits, 2);
  auto body = "WAVE" + chunk("fmt ", fmt + extra) + chunks + "data" + le(data_size.value_or(data.size()), 4) + data;
  if (data.size() % 2 == 1) body += '\0';
  body += after;
  return "RIFF" + le(riff_size.value_or(body.size()), 4) + body;
}

std::string rf64(std::uint64_t riff_size, std::uint64_t data_size, std::string_view data) {
  const auto fmt = le(1, 2) + le(1, 2) + le(8000, 4) + le(16'000, 4) + le(2, 2) + le(16, 2);
  return "RF64" + le(0xFFFF'FFFF, 4) + "WAVE" +
         chunk("ds64", le(riff_size, 8) + le(data_size, 8) + le(0, 8) + le(0, 4)) + chunk("fmt ", fmt) + "data" +
         le(0xFFFF'FFFF, 4) + std::string{data};
}

std::string mp3_frame() { return be(0xFFFB'9000, 4) + std::string(413, '\x55'); }

std::string xing_frame(std::uint32_t bytes) {
  auto made = be(0xFFFB'9000, 4) + std::string(413, '\0');
  const auto tag = "Xing" + be(3, 4) + be(99, 4) + be(bytes, 4);
  return made.replace(36, tag.size(), tag);
}

std::string id3(std::size_t size) {
  std::string made{"ID3\x04", 4};
  made += std::string(2, '\0');
  for (int shift = 21; shift >= 0; shift -= 7) made += static_cast<char>(size >> shift & 0x7F);
  return made + std::string(size, '\xFF');
}

std::string ogg_page(unsigned flags, std::int64_t granule, std::uint32_t serial, std::string_view body) {
  std::string lacing(body.size() / 255, '\xFF');
  lacing += static_cast<char>(body.size() % 255);
  std::string made{"OggS"};
  made += '\0';
  made += static_cast<char>(flags);
  return made + le(static_cast<std::uint64_t>(granule), 8) + le(serial, 4) + le(0, 4) + le(0, 4) +
         le(lacing.size(), 1) + lacing + std::string{body};
}

std::string opus_head(unsigned channels, unsigned lead) {
  return "OpusHead" + le(1, 1) + le(channels, 1) + le(lead, 2) + le(48'000, 4) + le(0, 2) + le(0, 1);
}

std::string opus(double seconds) {
  const auto end = static_cast<std::int64_t>(seconds * 48'000) + 312;
  return ogg_page(first_page, 0, 7, opus_head(2, 312)) + ogg_page(page, 0, 7, "OpusTags" + std::string(600, 't')) +
         ogg_page(page, end / 2, 7, std::string(1000, 'a')) + ogg_page(last_page, end, 7, std::string(1000, 'b'));
}

std::string flac() {
  constexpr std::uint64_t rate = 16'000;
  constexpr std::uint64_t samples_in = 40'000;
  const auto info = be(4096, 2) + be(4096, 2) + be(0, 3) + be(0, 3) +
                    be(rate << 44 | std::uint64_t{1} << 41 | std::uint64_t{15} << 36 | samples_in, 8) +
                    std::string(16, '\0');
  return "fLaC" + be(0, 1) + be(info.size(), 3) + info + be(0x84, 1) + be(40, 3) + std::string(40, 'v') +
         std::string(2000, '\x5A');
}

std::string box(std::string_view name, std::string_view body) {
  return be(body.size() + 8, 4) + std::string{name} + std::string{body};
}

std::string m4a() {
  const auto mvhd = be(0, 4) + be(0, 8) + be(1000, 4) + be(2500, 4) + std::string(80, '\0');
  const auto hdlr = be(0, 8) + "soun" + std::string(13, '\0');
  const auto entry =
      box("mp4a", be(0, 6) + be(1, 2) + be(0, 8) + be(2, 2) + be(16, 2) + be(0, 4) + be(44'100ULL << 16, 4));
  const auto stsd = be(0, 4) + be(1, 4) + entry;
  const auto media_box =
      box("mdia", box("hdlr", hdlr) + box("minf", box("stbl", box("stsd", stsd) + box("stts", be(0, 8)))));
  return box("ftyp", "M4A " + be(0, 4)) + box("free", "") + box("mdat", std::string(3000, 'm')) +
         box("moov", box("mvhd", mvhd) + box("trak", box("tkhd", std::string(84, '\0')) + media_box));
}

std::string element(std::string_view id, std::string_view body) {
  return std::string{id} + be(std::uint64_t{1} << 56 | body.size(), 8) + std::string{body};
}

std::string webm(bool known) {
  const auto head = element("\x1A\x45\xDF\xA3", element("\x42\x82", "webm"));
  const auto info = element("\x15\x49\xA9\x66", element("\x2A\xD7\xB1", be(1'000'000, 3)) +
                                                    element("\x44\x89", be(std::bit_cast<std::uint64_t>(2500.0), 8)));
  const auto track = element(
      "\xAE", element("\xD7", be(1, 1)) + element("\x86", "A_OPUS") + element("\xE1", element("\x9F", be(2, 1))));
  const auto body = info + element("\x16\x54\xAE\x6B", track) + element("\x1F\x43\xB6\x75", std::string(3000, 'c'));
  return head + "\x18\x53\x80\x67" + be(known ? std::uint64_t{1} << 56 | body.size() : 0x01FF'FFFF'FFFF'FFFF, 8) + body;
}

std::string amr(int frames) {
  std::string made = "#!AMR\n";
  for (int i = 0; i < frames; ++i) made += "\x3C" + std::string(31, 'a');  // 12.2 kbit/s
  return made;
}

const std::vector<Sample>& samples() {
  static const auto made = [] {
    std::string mp3;
    for (int i = 0; i < 100; ++i) mp3 += mp3_frame();
    return std::vector<Sample>{
        {"wav", Wav{}.bytes(), "audio/wav", "pcm_s16le", 2, 1.0, true},
        {"wav_list", Wav{.chunks = chunk("LIST", "INFOodd")}.bytes(), "audio/wav", "pcm_s16le", 2, 1.0, true},
        {"rf64", rf64(4 + 36 + 24 + 8 + 16'000, 16'000, std::string(16'000, 'r')), "audio/wav", "pcm_s16le", 1, 1.0,
         true},
        {"mp3", mp3, "audio/mpeg", "mp3", 2, 100 * 1152 / 44'100.0, false},
        {"mp3_id3", id3(5000) + mp3, "audio/mpeg", "mp3", 2, 100 * 1152 / 44'100.0, false},
        {"mp3_xing", xing_frame(static_cast<std::uint32_t>(417 + mp3.size())) + mp3, "audio/mpeg", "mp3", 2,
         100 * 1152 / 44'100.0, true},
        {"opus", opus(2.5), "audio/ogg", "opus", 2, 2.5, true},
        {"flac", flac(), "audio/flac", "flac", 2, 2.5, false},
        {"m4a", m4a(), "audio/mp4", "aac", 2, 2.5, true},
        {"webm", webm(true), "audio/webm", "opus", 2, 2.5, true},
        {"webm_live", webm(false), "audio/webm", "opus", 2, 2.5, false},
        {"amr", amr(125), "audio/amr", "amr_nb", 1, 2.5, false},
    };
  }();
  return made;
}

}  // namespace onetake::media::test
