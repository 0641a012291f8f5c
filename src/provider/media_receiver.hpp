#pragma once

#include <optional>
#include <string>

#include "provider/client.hpp"

namespace onetake::provider {

/// Takes the answer to one media request: a recording goes to the sink, a refusal is kept for its status and number.
class MediaReceiver final : public Receiver {
 public:
  /// `from` past 0 was asked for with `validator`.
  MediaReceiver(std::string type, Bytes max_bytes, Bytes from, std::string validator, Sink& sink);

  bool head(const Response& response) override;
  bool data(std::span<const std::byte> bytes) override;

  /// The provider no longer has what `from` belongs to: nothing went to the sink, and the start must be asked for.
  [[nodiscard]] bool from_the_start() const { return from_the_start_; }

  MediaAnswer answer(Transferred transferred);

 private:
  bool whole(const Response& response);
  bool part(const Response& response);
  bool begin(const Head& head);
  bool end(Cause cause, std::string detail);

  std::string type_;
  Bytes max_bytes_;
  Bytes from_;
  std::string validator_;
  Sink& sink_;

  int status_ = 0;
  bool begun_ = false;
  bool sink_stopped_ = false;
  bool from_the_start_ = false;
  Bytes offset_ = 0;                ///< of the next byte
  std::optional<Bytes> part_ends_;  ///< 206: where it must
  std::optional<Setback> setback_;
  std::string refusal_;
};

}  // namespace onetake::provider
