#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "base/units.hpp"

namespace onetake::simulator {

/// What a recording holds: a value with a size, read anywhere, never in memory as a whole. Copies share it. Any thread.
///
/// Made-up audio repeats after a prime number of frames, so bytes that were put down at a wrong multiple of any
/// buffer's size differ from what belongs there.
class Audio {
 public:
  class Source {
   public:
    virtual ~Source() = default;
    [[nodiscard]] virtual Bytes size() const = 0;
    /// REQUIRES: `offset + into.size() <= size()`.
    virtual void read(Bytes offset, std::span<char> into) const = 0;
  };

  struct About {
    std::string format = "wav";  ///< the extension that a provider serves it under
    unsigned channels = 2;
    double seconds = 0;
  };

  Audio(std::shared_ptr<const Source> source, About about);

  [[nodiscard]] Bytes size() const { return source_->size(); }
  /// REQUIRES: `offset + into.size() <= size()`.
  void read(Bytes offset, std::span<char> into) const { source_->read(offset, into); }
  /// The bytes of `[offset, offset + count)`, as far as there are any.
  [[nodiscard]] std::string bytes(Bytes offset = 0, Bytes count = ~Bytes{0}) const;
  /// Whether `got` is what stands at `offset`.
  [[nodiscard]] bool holds(Bytes offset, std::span<const char> got) const;

  [[nodiscard]] std::string sha256() const;  ///< hexadecimal; computed once
  [[nodiscard]] std::string md5() const;     ///< hexadecimal; computed once
  /// Strong, and different for different bytes of different makers; cheap (it does not read the bytes).
  [[nodiscard]] std::string etag() const;

  [[nodiscard]] const std::string& format() const { return about_.format; }
  [[nodiscard]] unsigned channels() const { return about_.channels; }
  [[nodiscard]] double seconds() const { return about_.seconds; }
  [[nodiscard]] std::string content_type() const;

  /// A cut-off copy: the first `count` bytes.
  [[nodiscard]] Audio first(Bytes count) const;
  /// The same bytes with those from `offset` on flipped: another version of the recording.
  [[nodiscard]] Audio differing_from(Bytes offset) const;

 private:
  struct Digests;
  std::shared_ptr<const Source> source_;
  About about_;
  std::shared_ptr<Digests> digests_;
};

/// Two recordings with different `seed`s differ at nearly every offset.
struct Voice {
  unsigned seed = 1;
  unsigned channels = 2;
};

/// PCM WAV, 8 kHz, 16 bit, two parties taking turns: buzzing, not words. 32,000 bytes a second with two channels.
Audio speech(std::chrono::milliseconds length, Voice voice = {});

/// A WAV file of exactly `size` bytes, header included. REQUIRES: 44 <= size < 4 GiB.
/// Sizes that two channels of 16 bit do not fit become one channel of 16 bit, odd ones one of 8 bit.
Audio wav(Bytes size, Voice voice = {});
/// The same, but the header was written before the size was known: RIFF and data sizes are 0xFFFFFFFF.
Audio endless_wav(Bytes size, Voice voice = {});

/// MPEG 1 layer III, 48 kHz, mono, 64 kbit/s, silent; 192 bytes a frame of 24 ms, without ID3 or Xing.
Audio mp3(std::chrono::milliseconds length, Voice voice = {});

/// Any bytes under any extension.
Audio raw(std::string bytes, std::string format = "wav");

/// A file that nobody changes; a WAV's channels and length are read from its header. Throws if it cannot be opened.
Audio from_file(const std::filesystem::path& path);

}  // namespace onetake::simulator
