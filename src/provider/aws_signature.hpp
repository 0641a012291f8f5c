#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "provider/target.hpp"
#include "provider/transfer.hpp"

/// AWS Signature Version 4 in the Authorization field, as S3 has it: the path is encoded once, the payload's hash is a
/// field. https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
///
/// Not libcurl's, whose 7.88 sorts whole lines where the names are to be sorted (a name that begins like another, such
/// as x-amz-server-side-encryption-aws-kms-key-id, then has a wrong signature) and takes the query as it is written.
namespace onetake::provider {

struct AwsKeys {
  std::string access_key_id;
  std::string secret_access_key;
  std::string region;
  std::string service = "s3";
};

/// Adds x-amz-date, x-amz-content-sha256 and Authorization to `request.headers`. All that stand there already are
/// signed, and so is the host. REQUIRES: `request.url` is `target.url()`, no field twice, no credential but these.
/// `payload_sha256` in lower case hex.
void sign(Request& request, const Target& target, const AwsKeys& keys, std::string_view payload_sha256, WallTime now);

/// Percent-encoded but for the unreserved characters of RFC 3986, and "/" where it is to be kept.
std::string uri_encoded(std::string_view text, bool keep_slash = false);

/// "?a=1&b=", sorted and encoded as a signature wants it; "" for none.
std::string canonical_query(std::vector<std::pair<std::string, std::string>> parameters);

/// Lower case.
std::string hex(std::string_view bytes);

/// SHA-256 in hex.
std::string sha256_hex(std::string_view text);

}  // namespace onetake::provider
