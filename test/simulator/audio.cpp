#include "simulator/audio.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

#include "base/fd.hpp"
#include "simulator/wav_header.hpp"

namespace onetake::simulator {
namespace {

/// Copies out of a block that repeats for ever, beginning at `offset` of the endless whole.
void copy_repeating(const std::vector<char>& block, Bytes offset, std::span<char> into) {
  std::size_t at = offset % block.size();
  while (!into.empty()) {
    const std::size_t n = std::min(into.size(), block.size() - at);
    std::memcpy(into.data(), block.data() + at, n);
    into = into.subspan(n);
    at = 0;
  }
}

/// Cheap noise; the constant is Knuth's multiplier for linear congruential generators.
class Noise {
 public:
  std::uint32_t next() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::uint32_t>(state_ >> 33);
  }

 private:
  std::uint64_t state_ = 0x9e3779b97f4a7c15ULL;
};

/// Half a minute of two voices taking turns: saw teeth under a rhythm of syllables, above a little noise.
const std::vector<char>& talk() {
  static const std::vector<char> made = [] {
    constexpr std::size_t frames = 262'139;  // prime
    std::vector<char> block(frames * 4);
    Noise noise;
    std::uint32_t phase = 0;
    for (std::size_t i = 0; i < frames; ++i) {
      const bool left = (i / 20'000) % 2 == 0;
      const auto syllable = static_cast<std::int32_t>(i % 1'600);
      const std::int32_t loud = std::max(0, std::min(syllable, 1'100 - syllable)) * 12;
      phase += left ? 0x0400'0000 + static_cast<std::uint32_t>(syllable) * 0x2000 : 0x0680'0000;
      const auto tooth = static_cast<std::int32_t>(phase) >> 16;
      const auto voice =
          static_cast<std::int16_t>(tooth * loud / 32'768 + static_cast<std::int32_t>(noise.next() % 97));
      const auto hush = static_cast<std::int16_t>(noise.next() % 61);
      const std::array<std::int16_t, 2> frame{left ? voice : hush, left ? hush : voice};
      std::memcpy(block.data() + i * 4, frame.data(), 4);
    }
    return block;
  }();
  return made;
}

/// Frames whose granules hold no data (part2_3_length 0): silence. What follows the side information is skipped by
/// decoders; it is noise without 0xFF, so that no place in it looks like the beginning of a frame.
constexpr std::size_t mp3_frame = 192;  // 144 * 64,000 / 48,000

const std::vector<char>& silence() {
  static const std::vector<char> made = [] {
    constexpr std::size_t frames = 4'093;  // prime
    std::vector<char> block(frames * mp3_frame, 0);
    Noise noise;
    for (std::size_t i = 0; i < frames; ++i) {
      char* const frame = block.data() + i * mp3_frame;
      frame[0] = static_cast<char>(0xff);
      frame[1] = static_cast<char>(0xfb);  // MPEG 1, layer III, no CRC
      frame[2] = 0x54;                     // 64 kbit/s, 48 kHz, no padding
      frame[3] = static_cast<char>(0xc0);  // mono
      for (std::size_t j = 21; j < mp3_frame; ++j) frame[j] = static_cast<char>(noise.next() % 255);
    }
    return block;
  }();
  return made;
}

class Repeating final : public Audio::Source {
 public:
  Repeating(std::string head, const std::vector<char>& block, Bytes shift, Bytes size)
      : head_(std::move(head)), block_(block), shift_(shift), size_(size) {}

  Bytes size() const override { return size_; }
  void read(Bytes offset, std::span<char> into) const override {
    if (offset < head_.size()) {
      const std::size_t n = std::min(into.size(), head_.size() - static_cast<std::size_t>(offset));
      std::memcpy(into.data(), head_.data() + offset, n);
      into = into.subspan(n);
      offset += n;
    }
    if (!into.empty()) copy_repeating(block_, offset - head_.size() + shift_, into);
  }

 private:
  std::string head_;
  const std::vector<char>& block_;
  Bytes shift_;
  Bytes size_;
};

class InMemory final : public Audio::Source {
 public:
  explicit InMemory(std::string bytes) : bytes_(std::move(bytes)) {}
  Bytes size() const override { return bytes_.size(); }
  void read(Bytes offset, std::span<char> into) const override {
    std::copy_n(bytes_.data() + offset, into.size(), into.data());
  }

 private:
  std::string bytes_;
};

class File final : public Audio::Source {
 public:
  explicit File(const std::filesystem::path& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    struct stat about{};
    if (!fd_ || ::fstat(fd_.get(), &about) != 0) throw std::system_error(errno, std::generic_category(), path.string());
    size_ = static_cast<Bytes>(about.st_size);
  }
  Bytes size() const override { return size_; }
  void read(Bytes offset, std::span<char> into) const override {
    while (!into.empty()) {
      const auto n = ::pread(fd_.get(), into.data(), into.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) throw std::system_error(n == 0 ? EIO : errno, std::generic_category(), "read a recording");
      into = into.subspan(static_cast<std::size_t>(n));
      offset += static_cast<Bytes>(n);
    }
  }

 private:
  Fd fd_;
  Bytes size_ = 0;
};

class First final : public Audio::Source {
 public:
  First(std::shared_ptr<const Audio::Source> whole, Bytes size) : whole_(std::move(whole)), size_(size) {}
  Bytes size() const override { return size_; }
  void read(Bytes offset, std::span<char> into) const override { whole_->read(offset, into); }

 private:
  std::shared_ptr<const Audio::Source> whole_;
  Bytes size_;
};

class Flipped final : public Audio::Source {
 public:
  Flipped(std::shared_ptr<const Audio::Source> original, Bytes from) : original_(std::move(original)), from_(from) {}
  Bytes size() const override { return original_->size(); }
  void read(Bytes offset, std::span<char> into) const override {
    original_->read(offset, into);
    const Bytes equal = from_ > offset ? std::min<Bytes>(from_ - offset, into.size()) : 0;
    for (char& c : into.subspan(static_cast<std::size_t>(equal))) c = static_cast<char>(~c);
  }

 private:
  std::shared_ptr<const Audio::Source> original_;
  Bytes from_;
};

std::string digest(const Audio::Source& source, const EVP_MD* kind) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
  if (!context || EVP_DigestInit_ex(context.get(), kind, nullptr) != 1) throw std::runtime_error("no digest");
  std::vector<char> buffer(256_KiB);
  for (Bytes at = 0; at < source.size();) {
    const auto n = static_cast<std::size_t>(std::min<Bytes>(buffer.size(), source.size() - at));
    source.read(at, std::span{buffer}.first(n));
    EVP_DigestUpdate(context.get(), buffer.data(), n);
    at += n;
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned length = 0;
  EVP_DigestFinal_ex(context.get(), out.data(), &length);
  std::string text;
  for (unsigned i = 0; i < length; ++i) {
    text += "0123456789abcdef"[out.at(i) >> 4];
    text += "0123456789abcdef"[out.at(i) & 15];
  }
  return text;
}

Audio make_wav(Bytes size, Voice voice, bool size_known) {
  if (size < WavHeader::size || size > 0xffffffffULL) throw std::invalid_argument("a WAV has 44 bytes to 4 GiB");
  WavHeader header;
  const Bytes data = size - WavHeader::size;
  header.bits = data % 2 != 0 ? 8 : 16;
  header.channels = data % 4 != 0 ? 1 : voice.channels;
  header.data_bytes = size_known ? static_cast<std::uint32_t>(data) : 0xffffffff;
  const auto bytes = header.encode();
  return {
      std::make_shared<Repeating>(std::string{bytes.data(), bytes.size()}, talk(), Bytes{voice.seed} * 4 * 7'919, size),
      {"wav", header.channels, header.seconds(data)}};
}

}  // namespace

struct Audio::Digests {
  std::once_flag sha256_once;
  std::once_flag md5_once;
  std::string sha256;
  std::string md5;
};

Audio::Audio(std::shared_ptr<const Source> source, About about)
    : source_(std::move(source)), about_(std::move(about)), digests_(std::make_shared<Digests>()) {}

std::string Audio::bytes(Bytes offset, Bytes count) const {
  if (offset >= size()) return {};
  std::string out(static_cast<std::size_t>(std::min(count, size() - offset)), '\0');
  read(offset, out);
  return out;
}

bool Audio::holds(Bytes offset, std::span<const char> got) const {
  if (offset > size() || got.size() > size() - offset) return false;
  std::vector<char> buffer(std::min<std::size_t>(got.size(), 256_KiB));
  while (!got.empty()) {
    const std::span expected = std::span{buffer}.first(std::min(buffer.size(), got.size()));
    read(offset, expected);
    if (std::memcmp(expected.data(), got.data(), expected.size()) != 0) return false;
    got = got.subspan(expected.size());
    offset += expected.size();
  }
  return true;
}

std::string Audio::sha256() const {
  std::call_once(digests_->sha256_once, [this] { digests_->sha256 = digest(*source_, EVP_sha256()); });
  return digests_->sha256;
}

std::string Audio::md5() const {
  std::call_once(digests_->md5_once, [this] { digests_->md5 = digest(*source_, EVP_md5()); });
  return digests_->md5;
}

std::string Audio::etag() const {
  // A few samples of the bytes: enough to tell apart what the makers make, and 500 MB are not read for a header.
  std::uint64_t hash = 1469598103934665603ULL;
  const Bytes n = size();
  for (const Bytes at : {Bytes{0}, n / 3, n / 2, n - n / 5, n > 64 ? n - 64 : 0})
    for (const char c : bytes(at, 64)) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return '"' + std::to_string(n) + '-' + std::to_string(hash) + '"';
}

std::string Audio::content_type() const { return about_.format == "mp3" ? "audio/mpeg" : "audio/x-wav"; }

Audio Audio::first(Bytes count) const { return {std::make_shared<First>(source_, std::min(count, size())), about_}; }

Audio Audio::differing_from(Bytes offset) const { return {std::make_shared<Flipped>(source_, offset), about_}; }

Audio speech(std::chrono::milliseconds length, Voice voice) {
  const Bytes frames = static_cast<Bytes>(length.count()) * 8;
  return make_wav(WavHeader::size + frames * 2 * voice.channels, voice, true);
}

Audio wav(Bytes size, Voice voice) { return make_wav(size, voice, true); }

Audio endless_wav(Bytes size, Voice voice) { return make_wav(size, voice, false); }

Audio mp3(std::chrono::milliseconds length, Voice voice) {
  const Bytes frames = std::max<Bytes>(1, static_cast<Bytes>(length.count()) / 24);
  return {std::make_shared<Repeating>("", silence(), Bytes{voice.seed} * 89 * mp3_frame, frames * mp3_frame),
          {"mp3", 1, static_cast<double>(frames) * 0.024}};
}

Audio raw(std::string bytes, std::string format) {
  return {std::make_shared<InMemory>(std::move(bytes)), {std::move(format), 2, 0}};
}

Audio from_file(const std::filesystem::path& path) {
  auto file = std::make_shared<File>(path);
  Audio::About about;
  about.format = path.extension().empty() ? "wav" : path.extension().string().substr(1);
  std::string start(static_cast<std::size_t>(std::min<Bytes>(4096, file->size())), '\0');
  file->read(0, start);
  if (const auto found = parse_wav(start)) {
    about.channels = found->header.channels;
    about.seconds = found->header.seconds(std::min<Bytes>(found->header.data_bytes, file->size() - found->offset));
  }
  return {std::move(file), std::move(about)};
}

}  // namespace onetake::simulator
