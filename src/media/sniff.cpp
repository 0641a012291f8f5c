#include <algorithm>
#include <array>

#include "media/markup.hpp"
#include "media/media.hpp"
#include "media/mpeg_frame.hpp"
#include "media/raw_format.hpp"

namespace onetake::media {
namespace {

using Container = Kind::Container;

/// ID3v2.2 to 2.4 (id3.org): a version, unknown flags clear, and a size of bytes below 0x80. Text has none of these.
bool is_id3(Span first) {
  if (first.size() < 10 || text(first.first(3)) != "ID3") return false;
  const auto version = byte_at(first, 3);
  if (version < 2 || version > 4 || byte_at(first, 4) == 0xFF || (byte_at(first, 5) & 0x0F) != 0) return false;
  return std::ranges::none_of(first.subspan(6, 4), [](std::byte b) { return (b & std::byte{0x80}) != std::byte{}; });
}

/// A frame, and the next one where it would be. Where the bytes end before that, only the common layer is believed.
bool is_mpeg(Span first) {
  if (first.size() < 4) return false;
  const auto frame = mpeg_frame(first);
  if (!frame) return false;
  if (first.size() < frame->size + 4) return frame->layer == 3;
  const auto next = mpeg_frame(first.subspan(frame->size));
  return next && next->goes_with(*frame);
}

bool is_mp4(Span first) {
  if (first.size() < 12 || text(first.subspan(4, 4)) != "ftyp") return false;
  constexpr std::array pictures{"heic", "heix", "hevc", "hevx", "mif1", "msf1", "avif", "avis", "crx "};
  return big_endian(first, 0, 4) >= 12 && std::ranges::find(pictures, text(first.subspan(8, 4))) == pictures.end();
}

std::string ebml_type(Span first) {
  const auto doctype = text(first).find("\x42\x82");
  const bool matroska =
      doctype != std::string_view::npos && text(first).substr(doctype).substr(0, 24).contains("matroska");
  return matroska ? "audio/matroska" : "audio/webm";
}

/// What begins with a mark that nothing else begins with.
std::optional<Kind> marked(Span first) {
  const auto begin = text(first);
  const bool riff = begin.starts_with("RIFF") || begin.starts_with("RF64");
  if (riff && begin.size() >= 12 && begin.substr(8, 4) == "WAVE") return Kind{Container::riff, "audio/wav"};
  if (is_id3(first)) return Kind{Container::mpeg, "audio/mpeg"};
  if (begin.starts_with("OggS") && (first.size() < 5 || begin[4] == '\0')) return Kind{Container::ogg, "audio/ogg"};
  if (begin.starts_with("fLaC")) return Kind{Container::flac, "audio/flac"};
  if (is_mp4(first)) return Kind{Container::mp4, begin.substr(8).starts_with("3g") ? "audio/3gpp" : "audio/mp4"};
  if (begin.starts_with("\x1A\x45\xDF\xA3")) return Kind{Container::ebml, ebml_type(first)};
  if (begin.starts_with("#!AMR-WB")) return Kind{Container::amr, "audio/amr-wb"};
  if (begin.starts_with("#!AMR")) return Kind{Container::amr, "audio/amr"};
  return std::nullopt;
}

}  // namespace

std::optional<Kind> sniff(std::span<const std::byte> first, std::string_view declared) {
  if (first.size() < 2) return std::nullopt;
  if (auto kind = marked(first)) return kind;
  if (const auto* raw = raw_format(declared)) {
    if (is_markup(first)) return std::nullopt;
    return Kind{Container::raw, std::string{raw->content_type}};
  }
  // After the declared formats: silence in them looks like the sync of MPEG audio.
  if (is_mpeg(first)) return Kind{Container::mpeg, "audio/mpeg"};
  return std::nullopt;
}

}  // namespace onetake::media
