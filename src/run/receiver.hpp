#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "blob/store.hpp"
#include "media/media.hpp"
#include "provider/provider.hpp"
#include "run/flight.hpp"

namespace onetake::run {

/// Takes what a provider sends, over as many attempts as it takes, into one growing blob.
///
/// Nobody hears anything until the first 512 bytes (or the end) have been found to be audio. When a provider has to be
/// asked from the start again, what comes is compared with what was received: equal, listeners go on; different, they
/// are cut, the version grows, and the recording begins anew in another temporary file.
///
/// `begin` and `data` on the transfer thread; the rest between transfers.
class Receiver final : public provider::Sink {
 public:
  /// `flight` outlives it. `most` is `max_recording_bytes`. `first_version` is the token of the claim that it is made
  /// under, less than a million; a version that follows another is a million further on. So no two have the same
  /// number, whatever earlier lives of the server began to send.
  Receiver(blob::Store& store, Flight& flight, std::string declared_format, Bytes most, int first_version);

  /// The run that a temporary file of this class belongs to.
  static RunId run_of(const std::string& temporary);
  /// An earlier life of the server has left something of this run.
  [[nodiscard]] bool resumable() const;
  /// Takes over what it has left: who comes back with its ETag hears on, and the provider is asked for the rest alone.
  /// Blocking: reads all of it. Before anything else. What cannot be gone on with is removed.
  void resume();
  /// What has arrived stays for a later life of the server when this goes.
  void leave() {
    if (writer_) writer_->leave();
  }

  /// Before each transfer.
  void prepare() { fault_.reset(); }

  bool begin(const provider::Head& head) override;
  bool data(std::span<const std::byte> bytes) override;

  /// Nothing is missing of the length that was told: the provider need not be asked.
  [[nodiscard]] bool whole() const { return writer_ && total_ == writer_->written() && total_ == writer_->position(); }

  /// Why it stopped the transfer.
  [[nodiscard]] const std::optional<Setback>& fault() const { return fault_; }

  /// Room that the rest is known to need, or that it may need; some of it may be held already.
  [[nodiscard]] Bytes lacks() const;

  /// Where a next attempt may go on, and with which validator; 0 when it has to begin at the start.
  [[nodiscard]] Bytes resume_at() const { return validator_.empty() || !writer_ ? 0 : writer_->position(); }
  [[nodiscard]] const std::string& validator() const { return validator_; }

  /// The body came to its end: is it audio, and is it whole? Then readers get the last byte. Errors: `wrong_content`,
  /// and `interrupted` where it is merely short. `media` lacks the blob's name.
  std::expected<Media, Setback> conclude(provider::Framing framing);

  void abandon(Setback cause) {
    if (writer_) writer_->abandon(std::move(cause));
  }

  /// After `conclude`, blocking: the file gets the name that `Media::blob` will hold. Throws as `Store::publish`.
  void publish(const std::string& name) { store_.publish(writer_.value(), name); }

 private:
  bool refuse(Cause cause, std::string detail);
  bool accept(std::span<const std::byte> bytes);
  bool identify();
  bool take(std::span<const std::byte> bytes);
  bool begin_anew(Bytes same, std::span<const std::byte> rest);
  void note();
  bool go_on(blob::Store::Resumed resumed);
  void make_audible();
  [[nodiscard]] std::string prefix() const;

  blob::Store& store_;
  Flight& flight_;
  const std::string declared_;
  const Bytes most_;
  int version_;
  std::vector<std::byte> head_;  ///< the first bytes, until they have been looked at
  std::optional<media::Kind> kind_;
  std::optional<media::Inspector> inspector_;  ///< with `kind_`
  std::optional<blob::Writer> writer_;         ///< with `kind_`
  std::optional<Bytes> total_;                 ///< of the version that is arriving
  std::optional<Bytes> answer_total_;          ///< what the newest answer said
  std::vector<Digest> digests_;
  std::string validator_;
  WallTime last_modified_;
  std::optional<Setback> fault_;
};

}  // namespace onetake::run
