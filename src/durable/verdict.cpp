#include "durable/verdict.hpp"

#include <algorithm>
#include <array>

#include "durable/xml.hpp"

namespace onetake::durable {
namespace {

using Kind = Trouble::Kind;
using Then = Verdict::Then;

constexpr std::array<std::string_view, 10> passing{
    "SlowDown",       "SlowDownRead",         "SlowDownWrite", "ServiceUnavailable", "InternalError",
    "RequestTimeout", "RequestLimitExceeded", "Throttling",    "OperationAborted",   "TooManyRequests"};

struct Row {
  std::string_view code;
  Kind kind;
  std::string_view what;  ///< {bucket} {endpoint} {region} are put in
};

constexpr std::array table{
    Row{"RequestTimeTooSkewed", Kind::misconfigured,
        "the clocks of this machine and of the storage differ by more than it allows: set this machine's clock (NTP)"},
    Row{"NoSuchBucket", Kind::misconfigured,
        "there is no bucket \"{bucket}\" at {endpoint}: create it, or correct storage.bucket"},
    Row{"InvalidAccessKeyId", Kind::misconfigured,
        "storage.access_key_id is not known at {endpoint}: correct it, or storage.endpoint"},
    Row{"SignatureDoesNotMatch", Kind::misconfigured,
        "the signature is wrong: storage.secret_access_key does not belong to storage.access_key_id, or a proxy "
        "changes "
        "requests"},
    Row{"AccessDenied", Kind::misconfigured,
        "access denied: allow this key s3:PutObject, s3:GetObject, s3:DeleteObject, s3:AbortMultipartUpload, "
        "s3:ListBucket and s3:ListBucketMultipartUploads on bucket \"{bucket}\""},
    Row{"XAmzContentSHA256Mismatch", Kind::different, "the bytes that arrived there are not those that were hashed"},
    Row{"BadDigest", Kind::different, "the bytes that arrived there are not those that were hashed"},
    Row{"InvalidPart", Kind::different, "a part of the upload is not what it was"},
    Row{"EntityTooSmall", Kind::different, "a part of the upload is too small"},
    Row{"EntityTooLarge", Kind::refused, "it is larger than the storage takes"},
    Row{"KeyTooLongError", Kind::refused, "its name is longer than the storage takes: shorten storage.prefix"},
    Row{"NoSuchKey", Kind::missing, "there is no such copy"},
    Row{"NoSuchUpload", Kind::missing, "there is no such upload any more"},
    Row{"NotImplemented", Kind::misconfigured, "the storage at {endpoint} cannot do this"},
    Row{"MethodNotAllowed", Kind::misconfigured, "the storage at {endpoint} cannot do this"},
};

std::string filled(std::string_view what, const Settings& settings) {
  std::string text{what};
  const auto put = [&text](std::string_view slot, const std::string& value) {
    if (const auto at = text.find(slot); at != std::string::npos) text.replace(at, slot.size(), value);
  };
  put("{bucket}", settings.bucket);
  put("{endpoint}", settings.endpoint);
  return text;
}

/// The bucket lies elsewhere. Told by 301, 307, and 400 with a code of its own; a HEAD has the field alone.
std::optional<Trouble> elsewhere(const Reply& reply, const xml::Error& error, const Settings& settings) {
  std::string region{reply.response.headers.find("x-amz-bucket-region")};
  if (region.empty()) region = error.region;
  const int status = reply.status();
  const bool redirected = status == 301 || status == 302 || status == 307 || status == 308;
  const bool told = error.code == "PermanentRedirect" || error.code == "TemporaryRedirect" ||
                    error.code == "AuthorizationHeaderMalformed" || error.code == "IllegalLocationConstraintException";
  const bool head = status == 400 && error.code.empty() && !region.empty();
  if (!redirected && !told && !head) return std::nullopt;
  if (region.empty() || region == settings.region)
    return Trouble{Kind::misconfigured, "bucket \"" + settings.bucket + "\" is not served at " + settings.endpoint +
                                            " in region \"" + settings.region +
                                            "\": correct storage.region and storage.endpoint"};
  return Trouble{Kind::misconfigured, "bucket \"" + settings.bucket + "\" lies in region \"" + region +
                                          "\": set storage.region (now \"" + settings.region +
                                          "\"), and storage.endpoint to that region's"};
}

/// Where there was no code: HEAD, or somebody in between. Not for 404: who does not say that it is the copy that is not
/// there may mean the bucket, or a way that a proxy does not know.
std::string_view code_of(int status) {
  switch (status) {
    case 401:
    case 403:
      return "AccessDenied";
    case 405:
    case 501:
      return "NotImplemented";
    default:
      return "";
  }
}

}  // namespace

Verdict judge(const Reply& reply, const Settings& settings) {
  const int status = reply.status();
  if (reply.lost) {
    const auto cause = reply.lost->cause;
    const bool ours = cause == Cause::internal || cause == Cause::refused;
    return {ours ? Then::not_again : Then::again,
            {ours ? Kind::ended : Kind::unavailable, settings.endpoint + ": " + reply.lost->detail}};
  }
  const auto said = xml::error(reply.body);
  const auto error = said.value_or(xml::Error{});
  const bool good = status >= 200 && status < 300;
  if (good && !said) return {Then::done};

  if (auto trouble = elsewhere(reply, error, settings)) return {Then::not_again, std::move(*trouble), error.code};
  const auto answered = "answered " + std::to_string(status) + (error.code.empty() ? "" : " (" + error.code + ")");
  const auto code = error.code.empty() ? std::string{code_of(status)} : error.code;
  const bool passes = std::ranges::find(passing, code) != passing.end() || status == 408 || status == 429 ||
                      (status >= 500 && status != 501) || (good && code.empty());
  if (passes) return {Then::again, {Kind::unavailable, settings.endpoint + ' ' + answered}, error.code};
  if (code.starts_with("KMS."))
    return {Then::not_again, {Kind::misconfigured, "the key of storage.kms_key_id cannot be used: " + code}, code};
  for (const auto& row : table)
    if (row.code == code) return {Then::not_again, {row.kind, filled(row.what, settings)}, code};
  if (status == 404 && code.empty())
    return {Then::not_again,
            {Kind::unavailable, settings.endpoint + " answered 404 and did not say, as S3 does, what is not there"}};
  const bool this_one = status >= 400 && status < 500 && code.empty();
  return {Then::not_again,
          {this_one ? Kind::refused : Kind::misconfigured, settings.endpoint + ' ' + answered},
          error.code};
}

}  // namespace onetake::durable
