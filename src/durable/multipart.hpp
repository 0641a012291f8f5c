#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/offload.hpp"
#include "durable/found.hpp"
#include "durable/requests.hpp"

namespace onetake::durable {

/// One multipart upload out of a file, its parts in order and of one size but for the last.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
class Multipart {
 public:
  /// `file` stays open. `sha256` where it is known already.
  Multipart(Requests& requests, Offload& hashing, std::string key, std::string content_type, std::string sha256,
            int file, Bytes part);

  /// Where the next part begins: everything below has arrived.
  [[nodiscard]] Bytes sent() const { return part_ * etags_.size(); }
  [[nodiscard]] bool begun() const { return !upload_id_.empty(); }

  /// Sends whole parts up to `end`, beginning the upload with the first. REQUIRES: the file has these bytes for good.
  Task<Answer<void>> send(Bytes end, Until until);
  /// Sends what is left of `size` bytes and makes them the object. REQUIRES: size > sent().
  Task<Answer<void>> complete(Bytes size, Until until);
  Task<Answer<void>> abort(Until until);

 private:
  Task<Answer<void>> begin(Until until);
  Task<Answer<std::string>> send_part(Bytes offset, Bytes size, Until until);

  Requests& requests_;
  Offload& hashing_;
  std::string key_;
  std::string content_type_;
  Sent what_;
  int file_;
  Bytes part_;
  std::string upload_id_;
  std::vector<std::string> etags_;  ///< of the whole parts
  std::string last_;                ///< of the last one, which is shorter
};

/// DELETE of an upload. Success also when there is none.
Task<Answer<void>> abort_upload(Requests& requests, std::string key, std::string upload_id, Until until);

}  // namespace onetake::durable
