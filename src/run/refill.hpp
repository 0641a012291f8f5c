#pragma once

#include <optional>

#include "blob/store.hpp"
#include "media/checksum.hpp"
#include "provider/provider.hpp"
#include "run/flight.hpp"

namespace onetake::run {

/// Takes a durable copy into a growing blob, which is heard from its first byte on: that it is audio was found when it
/// was fetched. `begin` and `data` on the transfer thread; the rest afterwards.
class Refill final : public provider::Sink {
 public:
  /// `store` and `flight` outlive it.
  Refill(blob::Store& store, Flight& flight, Media media);

  bool begin(const provider::Head& head) override;
  bool data(std::span<const std::byte> bytes) override;

  /// The body came to its end: is it what the pointer says? Then readers get the last byte. Else why not:
  /// `wrong_content`; `interrupted` where there is too little, for a body without a length ends wherever somebody in
  /// between loses the rest; or what stopped it.
  std::optional<Setback> conclude();
  /// Why it stopped the transfer.
  [[nodiscard]] const std::optional<Setback>& fault() const { return fault_; }
  void abandon(Setback cause) {
    if (writer_) writer_->abandon(std::move(cause));
  }
  /// After `conclude`, blocking. Throws as `Store::publish`.
  void publish() { store_.publish(writer_.value(), media_.blob); }

 private:
  bool refuse(Cause cause, std::string detail);

  blob::Store& store_;
  Flight& flight_;
  const Media media_;
  media::Checksum sha256_{Digest::Algorithm::sha256};
  std::optional<blob::Writer> writer_;  ///< once begun
  std::optional<Setback> fault_;
};

}  // namespace onetake::run
