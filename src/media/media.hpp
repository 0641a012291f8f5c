#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.hpp"
#include "recording/digest.hpp"

/// Is it audio, and is it whole: read from the bytes themselves, as they pass. Contract section 5.
namespace onetake::media {

/// How many bytes `sniff` wants, unless the recording is shorter.
inline constexpr std::size_t sniff_bytes = 512;

/// What the first bytes are.
struct Kind {
  enum class Container { riff, mpeg, ogg, flac, mp4, ebml, amr, raw };
  Container container;
  std::string content_type;  ///< from the bytes, never from the provider
};

/// Nothing when they are not audio. `declared` is the registration's format: `mulaw alaw g722 gsm` are taken on its
/// word unless the bytes are HTML, XML or JSON.
std::optional<Kind> sniff(std::span<const std::byte> first, std::string_view declared);

/// What a whole recording says of itself; nothing for what it does not say.
struct Description {
  std::optional<double> duration_seconds;
  std::optional<int> channels;
  std::string codec;
};

/// Looks at every byte of one recording once, in order. Holds a few kilobytes however long the recording is.
class Inspector {
 public:
  Inspector(const Kind& kind, std::string_view declared, std::vector<Digest> expected);
  ~Inspector();
  Inspector(Inspector&&) noexcept;
  Inspector& operator=(Inspector&&) noexcept;

  void take(std::span<const std::byte> bytes);

  struct Verdict {
    std::string sha256;  ///< lower case hex
    Description description;
  };
  /// After the last byte. `framed` is false when only the end of the connection told the end: then the container must
  /// say that this is all. Errors: what does not fit, for a person.
  std::expected<Verdict, std::string> finish(bool framed);

 private:
  class Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace onetake::media
