#pragma once

#include <string>

namespace onetake {

/// A checksum of the whole recording that a provider sent with it.
struct Digest {
  enum class Algorithm { md5, sha1, sha256, sha512 };
  Algorithm algorithm;
  std::string bytes;  ///< raw, not encoded

  bool operator==(const Digest&) const = default;
};

}  // namespace onetake
