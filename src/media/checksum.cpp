#include "media/checksum.hpp"

#include <array>
#include <stdexcept>

namespace onetake::media {
namespace {

const EVP_MD* method(Digest::Algorithm algorithm) {
  switch (algorithm) {
    case Digest::Algorithm::md5:
      return EVP_md5();
    case Digest::Algorithm::sha1:
      return EVP_sha1();
    case Digest::Algorithm::sha256:
      return EVP_sha256();
    case Digest::Algorithm::sha512:
      return EVP_sha512();
  }
  return nullptr;
}

}  // namespace

Checksum::Checksum(Digest::Algorithm algorithm) : context_(EVP_MD_CTX_new()) {
  if (!context_ || EVP_DigestInit_ex(context_.get(), method(algorithm), nullptr) != 1)
    throw std::runtime_error("OpenSSL lacks a checksum");
}

void Checksum::take(Span bytes) {
  if (EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1) throw std::runtime_error("checksum failed");
}

std::string Checksum::so_far() const {
  const std::unique_ptr<EVP_MD_CTX, Free> copy{EVP_MD_CTX_new()};
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  if (!copy || EVP_MD_CTX_copy_ex(copy.get(), context_.get()) != 1 ||
      EVP_DigestFinal_ex(copy.get(), bytes.data(), &size) != 1)
    throw std::runtime_error("checksum failed");
  return {bytes.begin(), bytes.begin() + size};
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string made;
  for (const char c : bytes) {
    made += digits[static_cast<unsigned char>(c) >> 4];
    made += digits[static_cast<unsigned char>(c) & 15];
  }
  return made;
}

}  // namespace onetake::media
