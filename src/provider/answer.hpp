#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/units.hpp"
#include "provider/headers.hpp"
#include "recording/cause.hpp"
#include "recording/digest.hpp"

/// What an answer's status and fields mean for a recording.
namespace onetake::provider {

/// Nothing for 200 and 206, which carry it.
///
///   status           cause         because
///   ---------------  ------------  --------------------------------------------------------------------------
///   401              unauthorized
///   403, 451         forbidden
///   404, 202, 425    not_ready     providers say 404 until they have processed a recording
///   410              gone
///   429              throttled
///   everything else  unavailable   5xx and 408 pass; a 400 promises nothing either, and a few attempts are cheap
std::optional<Cause> cause_of(int status);

/// RFC 9110 section 10.2.3: seconds, or a date. Not below 0, at most a day.
std::optional<milliseconds> retry_after(const Headers& headers, WallTime now);

/// "bytes 1000-1999/5000" (RFC 9110 section 14.4). Nothing for another unit, or what contradicts itself.
struct ContentRange {
  Bytes first;
  Bytes last;
  std::optional<Bytes> total;
};
std::optional<ContentRange> content_range(std::string_view field);

/// The ETag if it is strong, else "".
std::string_view strong_etag(const Headers& headers);

/// Checksums of the body that these fields stand before: Content-MD5, Digest (RFC 3230), Repr-Digest and Content-Digest
/// (RFC 9530), x-amz-checksum-sha256 and -sha1, x-goog-hash. What is not understood is not there. REQUIRES: a complete
/// body without a content coding.
std::vector<Digest> digests(const Headers& headers);

/// A provider's own number in the body of its refusal: {"code": 20429}, or <Code>20429</Code>. 0: none.
int error_code(std::string_view body);

}  // namespace onetake::provider
