#pragma once

#include <memory>

#include "base/offload.hpp"
#include "durable/copies.hpp"
#include "durable/requests.hpp"
#include "durable/settings.hpp"
#include "provider/transfer.hpp"

namespace onetake::durable {

/// Copies in one bucket of an S3-compatible storage: AWS, MinIO, Ceph, R2. Keys are PREFIX"audio/"NAME.
class S3 final : public Copies {
 public:
  /// REQUIRES: `check(settings)` found nothing. `transfers` and `hashing`, where parts are hashed, outlive this.
  S3(const Settings& settings, provider::Transfers& transfers, Offload& hashing, Tuning tuning = {});
  S3(const S3&) = delete;
  S3& operator=(const S3&) = delete;

  Task<Answer<void>> put(Object object, int file, Until until) override;
  std::unique_ptr<Upload> grow(std::string name, std::string content_type,
                               std::shared_ptr<blob::Growing> growing) override;
  Task<provider::Outcome> read(Wanted wanted, provider::Sink& sink) override;
  Task<Answer<std::optional<Found>>> look(std::string name, Until until) override;
  Task<Answer<std::vector<Listed>>> list(std::string after, Until until) override;
  Task<Answer<void>> remove(std::string name, Until until) override;
  Task<Answer<int>> abort_forgotten(WallTime before, Until until) override;
  Task<Answer<void>> check(Until until) override;

 private:
  Task<Answer<void>> remove_key(std::string key, Until until);
  Task<Answer<void>> check_probe(std::string key, Until until);
  Task<provider::Outcome> read_key(std::string key, Wanted wanted, provider::Sink& sink);

  Requests requests_;
  Offload& hashing_;
};

}  // namespace onetake::durable
