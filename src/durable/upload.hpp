#pragma once

#include <memory>
#include <string>

#include "durable/copies.hpp"
#include "durable/multipart.hpp"

namespace onetake::durable {

/// PUT of a whole file in one request.
Task<Answer<void>> put_whole(Requests& requests, std::string key, const Object& object, int file, Until until);

/// See `Upload`.
class S3Upload final : public Upload {
 public:
  S3Upload(Requests& requests, Offload& hashing, const std::string& name, std::string content_type,
           std::shared_ptr<blob::Growing> growing);

  Task<Answer<void>> follow(Until until) override;
  Task<Answer<void>> complete(Object object, Until until) override;
  Task<Answer<void>> abort(Until until) override;

 private:
  Requests& requests_;
  std::string key_;
  std::shared_ptr<blob::Growing> growing_;
  Multipart parts_;
};

}  // namespace onetake::durable
