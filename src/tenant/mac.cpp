#include "tenant/mac.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <atomic>
#include <memory>
#include <span>
#include <stdexcept>
#include <utility>

namespace onetake::tenant {
namespace {

struct FreeContext {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MAC_CTX, FreeContext>;

void must(bool worked) {
  if (!worked) throw std::runtime_error("HMAC-SHA256 is not available");
}

Context new_context() {
  static EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  Context context{EVP_MAC_CTX_new(algorithm)};
  must(context != nullptr);
  std::string digest = "SHA256";
  const std::array params{OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
                          OSSL_PARAM_construct_end()};
  must(EVP_MAC_CTX_set_params(context.get(), params.data()) == 1);
  return context;
}

/// This thread's context for the secret, ready for a message. A small table, so that memory does not grow with tenants;
/// two secrets that share a place take turns, which costs them the keying.
EVP_MAC_CTX* begin(std::uint64_t number, std::string_view secret) {
  struct Place {
    std::uint64_t number = 0;
    Context context;
  };
  static thread_local std::array<Place, 64> places;
  Place& place = places.at(number % places.size());
  const bool keyed = place.number == number;
  if (!place.context) place.context = new_context();
  // An empty secret is none for OpenSSL unless it stands somewhere.
  const auto* key = reinterpret_cast<const unsigned char*>(secret.data());
  place.number = 0;
  must(EVP_MAC_init(place.context.get(), keyed ? nullptr : key, keyed ? 0 : secret.size(), nullptr) == 1);
  place.number = number;
  return place.context.get();
}

MacText base64url(std::span<const unsigned char, 32> bytes) {
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  MacText text{};
  std::size_t at = 0;
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const unsigned char byte : bytes) {
    bits = bits << 8 | byte;
    for (held += 8; held >= 6; held -= 6) text.at(at++) = digits[bits >> (held - 6) & 63];
  }
  text.at(at) = digits[bits << (6 - held) & 63];
  return text;
}

std::uint64_t next_number() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

}  // namespace

MacKey::MacKey(std::string secret) : secret_(std::move(secret)), number_(next_number()) {}

MacText MacKey::sign(std::initializer_list<std::string_view> parts) const {
  EVP_MAC_CTX* context = begin(number_, secret_);
  const auto update = [&](const char* data, std::size_t size) {
    must(EVP_MAC_update(context, reinterpret_cast<const unsigned char*>(data), size) == 1);
  };
  // Gathered first: an update costs as much as half the signature.
  std::array<char, 512> gathered;  // NOLINT(*-member-init): what is read has been written
  std::size_t held = 0;
  for (const auto part : parts) {
    if (part.size() > gathered.size() - held) {
      update(gathered.data(), std::exchange(held, 0));
      if (part.size() > gathered.size()) {
        update(part.data(), part.size());
        continue;
      }
    }
    part.copy(gathered.data() + held, part.size());
    held += part.size();
  }
  update(gathered.data(), held);
  std::array<unsigned char, 32> bytes{};
  std::size_t size = 0;
  must(EVP_MAC_final(context, bytes.data(), &size, bytes.size()) == 1 && size == bytes.size());
  return base64url(bytes);
}

bool MacKey::verify(std::string_view signature, std::initializer_list<std::string_view> parts) const {
  const MacText right = sign(parts);
  return signature.size() == right.size() && CRYPTO_memcmp(signature.data(), right.data(), right.size()) == 0;
}

}  // namespace onetake::tenant
