#include "base/ids.hpp"

#include <openssl/rand.h>

#include <array>
#include <cstdint>
#include <mutex>
#include <stdexcept>

#include "base/clock.hpp"

namespace onetake {
namespace {

/// Milliseconds above a 12 bit counter: RFC 9562 section 6.2, method 1. The counter runs over into the milliseconds,
/// and a clock that is set back changes nothing.
class Stamps {
 public:
  std::uint64_t next(WallTime at) {
    const auto now = static_cast<std::uint64_t>(at.time_since_epoch().count()) << 12;
    const std::lock_guard lock{mutex_};
    last_ = now > last_ ? now : last_ + 1;
    return last_;
  }

 private:
  std::mutex mutex_;
  std::uint64_t last_ = 0;
};

std::string uuid7_of(std::uint64_t stamp) {
  std::array<unsigned char, 16> b{};
  if (RAND_bytes(b.data() + 8, 8) != 1) throw std::runtime_error("no random numbers");
  const auto ms = stamp >> 12;
  for (std::size_t i = 0; i < 6; ++i) b.at(i) = static_cast<unsigned char>(ms >> (40 - 8 * i));
  b[6] = static_cast<unsigned char>(0x70 | ((stamp >> 8) & 0x0f));
  b[7] = static_cast<unsigned char>(stamp);
  b[8] = static_cast<unsigned char>(0x80 | (b[8] & 0x3f));

  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < b.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += digits[b.at(i) >> 4];
    text += digits[b.at(i) & 15];
  }
  return text;
}

}  // namespace

std::string uuid7() {
  static Stamps ours;
  return uuid7_of(ours.next(wall_now()));
}

std::string uuid7(WallTime at) {
  static Stamps theirs;
  return uuid7_of(theirs.next(at));
}

bool valid_call_sid(std::string_view text) {
  if (text.empty() || text.size() > 64 || text.front() == '.') return false;
  for (const char c : text) {
    const bool fine =
        (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
    if (!fine) return false;
  }
  return true;
}

}  // namespace onetake
