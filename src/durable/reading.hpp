#pragma once

#include <optional>
#include <string>

#include "durable/copies.hpp"
#include "durable/requests.hpp"
#include "provider/transfer.hpp"

namespace onetake::durable {

/// One read of one object over as many requests as it takes: the receiver of each, and where the next goes on. The sink
/// is told `begin` once, and every byte once.
class Reading final : public provider::Receiver {
 public:
  Reading(const Wanted& wanted, provider::Sink& sink);

  /// The next request: from where this stands, for the same ETag.
  [[nodiscard]] Requests::Call call(std::string key) const;

  bool head(const provider::Response& response) override;
  bool data(std::span<const std::byte> bytes) override;

  /// What an answer came to. `again` asks for `call` once more; `progress`: at once, for bytes have arrived.
  struct Step {
    bool again = false;
    bool progress = false;
    provider::Outcome outcome = provider::Delivered{};  ///< where it is not to be asked again, or cannot be
  };
  Step step(const Reply& reply, const Settings& settings);

 private:
  bool whole(const provider::Response& response);
  bool part(const provider::Response& response);
  bool begin(const provider::Response& response, std::optional<Bytes> total);
  bool end(Cause cause, std::string detail);

  std::string sha256_;
  provider::Sink& sink_;
  std::string etag_;
  Bytes at_;                    ///< of the next byte that the sink gets
  std::optional<Bytes> total_;  ///< once begun
  bool begun_ = false;
  bool stopped_ = false;  ///< the sink said false
  std::optional<Setback> fault_;

  // Of the present request.
  int status_ = 0;
  Bytes skip_ = 0;  ///< of a whole answer to a ranged request
  Bytes before_ = 0;
  bool from_the_start_ = false;
  std::string refusal_;
};

}  // namespace onetake::durable
