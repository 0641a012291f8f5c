#pragma once

#include <expected>
#include <optional>
#include <string>
#include <system_error>
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
///   what comes again                          shows by                                  then
///   ----------------------------------------  ----------------------------------------  ------------------------------
///   is the same                               nothing that differs, up to the end       listeners hear on
///   is another, or the same and longer        its total, a byte, or more than `total_`  `begin_anew`
///   is the same, and shorter                  its end, if its framing says it is that   `conclude` begins anew
///
/// Two versions may have gigabytes in common, which have to be copied from the one file to the other. More than
/// `copied_at_once` are not copied where others wait: the transfer is ended, or `conclude` put off, and the rest of the
/// copying is `catch_up`'s. Then the provider is asked for what follows, as after any end before the last byte.
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

  /// Before each transfer. REQUIRES: not `lags`.
  void prepare() { fault_.reset(); }

  bool begin(const provider::Head& head) override;
  bool data(std::span<const std::byte> bytes) override;

  /// Nothing is missing of the length that was told: the provider need not be asked.
  [[nodiscard]] bool whole() const { return writer_ && total_ == writer_->written() && total_ == writer_->position(); }

  /// Why it stopped the transfer.
  [[nodiscard]] const std::optional<Setback>& fault() const { return fault_; }

  static constexpr Bytes copied_at_once = 1_MiB;
  /// Something is still to be copied: before anything else `catch_up` is to be called for as long as this is so.
  [[nodiscard]] bool lags() const { return earlier_.has_value(); }
  /// Copies up to `copied_at_once`. Blocking. When nothing is left `fault` is why that failed, or nothing: then this
  /// stands where the two versions part.
  void catch_up();

  /// Room that the rest is known to need, or that it may need; some of it may be held already.
  [[nodiscard]] Bytes lacks() const;

  /// Where a next attempt may go on, and with which validator; 0 when it has to begin at the start.
  [[nodiscard]] Bytes resume_at() const { return validator_.empty() || !writer_ ? 0 : writer_->position(); }
  [[nodiscard]] const std::string& validator() const { return validator_; }
  /// Which one a next attempt has to ask for; "" where nobody has heard any.
  [[nodiscard]] std::string variant() const { return writer_ ? variant_ : ""; }

  /// The body came to its end: is it audio, and is it whole? Then readers get the last byte. Errors: `wrong_content`,
  /// and `interrupted` where it is merely short, or `lags`: after `catch_up` once more. `media` lacks the blob's name.
  std::expected<Media, Setback> conclude(provider::Framing framing);

  void abandon(Setback cause) {
    if (writer_) writer_->abandon(std::move(cause));
  }

  /// After `conclude`, blocking: the file gets the name that `Media::blob` will hold. Throws as `Store::publish`.
  void publish(const std::string& name) { store_.publish(writer_.value(), name); }

 private:
  /// The version before this one, and what both have in common.
  struct Earlier {
    blob::Writer writer;
    Bytes same;
    Bytes copied = 0;
  };

  bool refuse(Cause cause, std::string detail);
  bool refuse(const std::system_error& error);
  bool accept(std::span<const std::byte> bytes);
  bool identify();
  bool take(std::span<const std::byte> bytes);
  bool begin_anew(Bytes same, std::span<const std::byte> rest);
  bool copy(Bytes most);
  [[nodiscard]] bool ends_early() const;
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
  std::optional<blob::Writer> writer_;         ///< with `kind_`; `position` < `written` while what comes is compared
  std::optional<Earlier> earlier_;             ///< until it has been copied
  std::optional<Bytes> total_;         ///< what listeners of this version have been told, or will be when it is heard
  std::optional<Bytes> answer_total_;  ///< what the newest answer said: it may be of another version
  std::vector<Digest> digests_;
  std::string validator_;
  std::string variant_;  ///< what `validator_` is of
  WallTime last_modified_;
  std::optional<Setback> fault_;
};

}  // namespace onetake::run
