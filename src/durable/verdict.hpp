#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "durable/copies.hpp"
#include "durable/settings.hpp"
#include "provider/transfer.hpp"

namespace onetake::durable {

/// One request's answer, or none.
struct Reply {
  provider::Response response;
  std::string body;             ///< "" where it went to a receiver of the caller's
  std::optional<Setback> lost;  ///< no whole answer came: what was asked for may have happened or not
  bool declined = false;        ///< the caller's receiver wanted no more

  [[nodiscard]] int status() const { return response.status; }
};

/// What follows an answer.
struct Verdict {
  enum class Then { done, again, not_again };
  Then then;
  Trouble trouble = {};   ///< unless done
  std::string code = {};  ///< S3's own, where it gave one
};

/// Statuses and codes of https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html as AWS, MinIO, Ceph and R2
/// use them. A 2xx with an <Error> for a body, as CompleteMultipartUpload may have, is that error.
Verdict judge(const Reply& reply, const Settings& settings);

}  // namespace onetake::durable
