#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/units.hpp"

/// What S3 says and wants to hear, as XML. An answer that is not well formed, or is another document, is nothing.
namespace onetake::durable::xml {

struct Error {
  std::string code;    ///< letters, digits and dots; "" for none that is
  std::string region;  ///< where the bucket lies, if it says so
};
std::optional<Error> error(std::string_view text);

/// <UploadId> of an InitiateMultipartUploadResult.
std::optional<std::string> upload_id(std::string_view text);

/// Is it a CompleteMultipartUploadResult?
bool completed(std::string_view text);

struct Pending {
  std::string key;
  std::string upload_id;
  WallTime begun;
};
struct Uploads {
  std::vector<Pending> pending;
  bool more = false;
  std::string next_key;
  std::string next_upload_id;
};
std::optional<Uploads> uploads(std::string_view text);

struct Object {
  std::string key;
  Bytes size = 0;
  WallTime written;
};
/// Of a ListBucketResult.
std::optional<std::vector<Object>> objects(std::string_view text);

/// The body of CompleteMultipartUpload: part 1 has the first ETag.
std::string complete(const std::vector<std::string>& etags);

}  // namespace onetake::durable::xml
