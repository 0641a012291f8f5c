#include "tenant/credentials.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace onetake::tenant {
namespace {

bool lower(char c) { return c >= 'a' && c <= 'z'; }
bool upper(char c) { return c >= 'A' && c <= 'Z'; }
bool digit(char c) { return c >= '0' && c <= '9'; }

std::optional<unsigned> nibble(char c) {
  if (digit(c)) return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

}  // namespace

bool valid_tenant_id(std::string_view text) {
  return !text.empty() && text.size() <= 63 && text.front() != '-' &&
         std::ranges::all_of(text, [](char c) { return lower(c) || digit(c) || c == '-'; });
}

bool valid_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return lower(c) || upper(c) || digit(c) || c == '.' || c == '_' || c == '~' || c == '-';
  });
}

std::optional<Sha256> parse_sha256(std::string_view hex) {
  Sha256 hash{};
  if (hex.size() != 2 * hash.size()) return std::nullopt;
  for (std::size_t i = 0; i < hash.size(); ++i) {
    const auto high = nibble(hex[2 * i]);
    const auto low = nibble(hex[2 * i + 1]);
    if (!high || !low) return std::nullopt;
    hash.at(i) = static_cast<std::uint8_t>(*high << 4 | *low);
  }
  return hash;
}

Sha256 sha256(std::string_view text) {
  // One context a thread: making one costs as much as the hash of a key.
  static thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(),
                                                                                            &EVP_MD_CTX_free};
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  Sha256 hash{};
  if (EVP_DigestInit_ex2(context.get(), algorithm, nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), text.data(), text.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), hash.data(), nullptr) != 1) {
    throw std::runtime_error("SHA-256 is not available");
  }
  return hash;
}

}  // namespace onetake::tenant
