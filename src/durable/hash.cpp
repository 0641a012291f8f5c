#include "durable/hash.hpp"

#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "provider/aws_signature.hpp"

namespace onetake::durable {

std::string sha256_of(int file, Bytes offset, Bytes size) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("OpenSSL has no SHA-256");
  std::vector<char> buffer(256_KiB);
  for (const auto end = offset + size; offset < end;) {
    const auto want = static_cast<std::size_t>(std::min<Bytes>(buffer.size(), end - offset));
    const auto n = ::pread(file, buffer.data(), want, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw std::system_error(n < 0 ? errno : EIO, std::generic_category(), "a recording to be copied");
    EVP_DigestUpdate(context.get(), buffer.data(), static_cast<std::size_t>(n));
    offset += static_cast<Bytes>(n);
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned count = 0;
  EVP_DigestFinal_ex(context.get(), bytes.data(), &count);
  return provider::hex({reinterpret_cast<const char*>(bytes.data()), count});
}

}  // namespace onetake::durable
