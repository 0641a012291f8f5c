#pragma once

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>

#include "media/bytes.hpp"
#include "recording/digest.hpp"

namespace onetake::media {

/// One running checksum. Throws when OpenSSL does not have the algorithm.
class Checksum {
 public:
  explicit Checksum(Digest::Algorithm algorithm);

  void take(Span bytes);
  /// Raw bytes, of what was taken so far; more may follow.
  [[nodiscard]] std::string so_far() const;

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

std::string hex(std::string_view bytes);

}  // namespace onetake::media
