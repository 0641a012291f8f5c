#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace onetake::tenant {

/// HMAC-SHA256 (RFC 2104) in base64url without padding (RFC 4648 section 5): always 43 characters.
using MacText = std::array<char, 43>;

inline std::string_view view(const MacText& text) { return {text.data(), text.size()}; }

/// A secret that signs and verifies. Any thread: each has contexts of its own, keyed once and re-initialised for every
/// signature, because keying costs more than signing. Without an allocation once a thread knows the key.
class MacKey {
 public:
  explicit MacKey(std::string secret);

  /// Of the parts, one after the other.
  [[nodiscard]] MacText sign(std::initializer_list<std::string_view> parts) const;

  /// Compares in a time that depends on the length alone. The text of a signature has one form: another that decodes to
  /// the same bytes is wrong.
  [[nodiscard]] bool verify(std::string_view signature, std::initializer_list<std::string_view> parts) const;

 private:
  std::string secret_;
  std::uint64_t number_;  ///< no two secrets of a process share one, also after one is gone
};

}  // namespace onetake::tenant
