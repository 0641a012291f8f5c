#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/units.hpp"
#include "simulator/audio.hpp"

namespace onetake::simulator {

/// A place in a recording: `0.5` is half of it, `1000` the byte 1000. Of the whole recording, also where a part of it
/// is asked for: a transfer that begins behind the place meets it before its first byte.
class Place {
 public:
  Place(std::floating_point auto fraction) : fraction_(fraction) {}          // NOLINT(google-explicit-constructor)
  Place(std::integral auto offset) : offset_(static_cast<Bytes>(offset)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] Bytes in(Bytes size) const {
    return offset_ ? *offset_ : static_cast<Bytes>(fraction_ * static_cast<double>(size));
  }

 private:
  double fraction_ = 0;
  std::optional<Bytes> offset_;
};

enum class Digest { content_md5, digest, repr_digest };

/// What the provider does with one media request. `whole()` is a well-behaved provider; everything else is said on top:
///
///     whole().after(400ms).at(500'000).cut_at(0.5)
///     not_ready().times(3)
///
/// Each of these returns a changed copy.
struct Answer {
  // -- when
  [[nodiscard]] Answer after(milliseconds first_byte) const;          ///< the status line comes that late
  [[nodiscard]] Answer before_first_byte(std::string barrier) const;  ///< … or when `Call::release(barrier)` was called
  [[nodiscard]] Answer at(Bytes bytes_per_second) const;              ///< body only; 0 is unpaced
  [[nodiscard]] Answer hold_at(Place place, std::string barrier) const;  ///< sends what stands before, then waits
  // -- how it ends
  [[nodiscard]] Answer cut_at(Place place) const;             ///< FIN
  [[nodiscard]] Answer reset_at(Place place) const;           ///< RST, once what stands before has been delivered
  [[nodiscard]] Answer length_off_by(std::int64_t by) const;  ///< Content-Length too large (then FIN) or too small
  // -- how it is framed
  [[nodiscard]] Answer chunked() const;                  ///< no length; 200 only
  [[nodiscard]] Answer until_close() const;              ///< no length, the body ends with the connection; 200 only
  [[nodiscard]] Answer without_ranges() const;           ///< answers every Range with all of it
  [[nodiscard]] Answer tagged(std::string etag) const;   ///< quotes included
  [[nodiscard]] Answer untagged() const;                 ///< no ETag, and If-Range never matches
  [[nodiscard]] Answer tagged_anew() const;              ///< another ETag for each request
  [[nodiscard]] Answer stating(Digest digest) const;     ///< of the whole recording
  [[nodiscard]] Answer misstating(Digest digest) const;  ///< wrong
  [[nodiscard]] Answer typed(std::string content_type) const;
  [[nodiscard]] Answer with(std::string header, std::string value) const;
  // -- what, and how often
  [[nodiscard]] Answer of(Audio other) const;    ///< another content than the recording's
  [[nodiscard]] Answer times(unsigned n) const;  ///< for n requests; 1 unless told
  [[nodiscard]] Answer during(
      milliseconds from_the_first) const;  ///< until so long after the first request it answered

  enum class End { clean, fin, rst };
  enum class Framing { length, chunked, until_close };
  struct Hold {
    Place place;
    std::string barrier;
  };
  struct StatedDigest {
    Digest kind;
    bool right;
  };

  // What the sentences above set down; read by the simulator.
  int status_ = 200;
  milliseconds first_byte_after_{0};
  std::vector<std::string> first_byte_barriers_;
  std::optional<Bytes> bytes_per_second_;
  std::vector<Hold> holds_;
  std::optional<Place> end_place_;
  End end_ = End::clean;
  std::int64_t length_off_by_ = 0;
  Framing framing_ = Framing::length;
  bool ranges_ = true;
  bool hangs_up_ = false;
  enum class Tag { of_audio, given, none, anew } tag_ = Tag::of_audio;
  std::string etag_;
  std::vector<StatedDigest> digests_;
  std::optional<std::string> content_type_;
  std::vector<std::pair<std::string, std::string>> headers_;
  std::optional<Audio> content_;
  unsigned times_ = 1;
  std::optional<milliseconds> during_;
};

/// Everything, honouring Range and If-Range, with length, strong ETag and Accept-Ranges.
Answer whole();
/// The same; reads better after a transfer that broke off.
inline Answer the_rest() { return whole(); }

inline Answer after(milliseconds first_byte) { return whole().after(first_byte); }
inline Answer before_first_byte(std::string barrier) { return whole().before_first_byte(std::move(barrier)); }
inline Answer at(Bytes bytes_per_second) { return whole().at(bytes_per_second); }
inline Answer hold_at(Place place, std::string barrier) { return whole().hold_at(place, std::move(barrier)); }
inline Answer cut_at(Place place) { return whole().cut_at(place); }
inline Answer reset_at(Place place) { return whole().reset_at(place); }
/// Sends no further byte until `Call::release("stall")`, or until the client leaves.
inline Answer stall_at(Place place) { return whole().hold_at(place, "stall"); }
inline Answer drip() { return whole().at(1); }
/// Closes the connection instead of answering.
Answer hang_up();

/// Twilio's JSON error with that status.
Answer status(int status);
inline Answer not_ready() { return status(404); }
Answer throttled(std::optional<std::chrono::seconds> retry_after = std::nullopt);  ///< 429
inline Answer server_error() { return status(500); }
inline Answer forbidden() { return status(403); }
inline Answer unauthorized() { return status(401); }
inline Answer gone() { return status(410); }
/// An HTML page with status 200.
Answer error_page();
/// Answer n requests alike: `times(3, not_ready())`.
inline Answer times(unsigned n, const Answer& answer) { return answer.times(n); }
/// 302 to `location`; counted as a redirect, not as a media request.
Answer redirect(std::string location);

/// The body that Twilio sends with an error. `code` as on twilio.com/docs/api/errors.
std::string twilio_error(int status, int code, const std::string& message);

}  // namespace onetake::simulator
