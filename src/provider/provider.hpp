#pragma once

#include <expected>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "base/units.hpp"
#include "recording/cause.hpp"
#include "recording/digest.hpp"
#include "recording/recording.hpp"

namespace onetake::provider {

/// How the end of a body is told (RFC 9112 section 6.3): the third kind says nothing about whether it is whole.
enum class Framing { length, chunked, until_close };

/// What is known when the body begins.
struct Head {
  Bytes offset = 0;            ///< of the first byte that follows: 0, or what was asked for
  std::optional<Bytes> total;  ///< of the whole recording
  Framing framing = Framing::length;
  std::string validator;        ///< a strong ETag, else "": what If-Range may carry
  std::string variant = {};     ///< which one this is, in the adapter's words, where the provider has several
  std::vector<Digest> digests;  ///< of the whole recording; empty for a part
};

/// Where a recording goes as it arrives. Called on the transfer thread: `begin` once, then `data` in order. False stops
/// the transfer, which then ends with `Cause::internal`; the sink knows why.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual bool begin(const Head& head) = 0;
  virtual bool data(std::span<const std::byte> bytes) = 0;
};

struct Ask {
  Recording recording;
  Bytes from = 0;            ///< go on here; the answer may still begin at 0
  std::string validator;     ///< REQUIRES, when `from` > 0: what the earlier `Head` had
  std::string variant = {};  ///< of what is here already: no other is asked for; "": any
  Deadline deadline = never;
  std::stop_token stop;
};

/// An attempt that ended badly. `retry_after` is the provider's word.
struct Refused {
  Setback setback;
  std::optional<milliseconds> retry_after = {};
};

/// The body came to the end that its framing promises.
struct Delivered {
  Framing framing = Framing::length;
  int status = 0;  ///< that the last answer had
};

using Outcome = std::expected<Delivered, Refused>;

/// One place where recordings lie: a tenant's account with a provider. Lives as long as the server.
class Provider {
 public:
  virtual ~Provider() = default;

  /// "twilio", "http", …: the label of metrics.
  [[nodiscard]] virtual std::string_view type() const = 0;

  /// May this source be registered? Looks at the text alone, asks nobody. Errors: `source_not_allowed`, and
  /// `bad_body` for one that is not understood.
  [[nodiscard]] virtual result<void> admits(const Registration& registration) const = 0;

  /// One attempt, whole: look-ups, formats, redirects and the body. Any loop. Never throws for what a provider does.
  /// A 404 is `not_ready`: how long that is believed is the caller's to say.
  virtual Task<Outcome> fetch(Ask ask, Sink& sink) = 0;
};

}  // namespace onetake::provider
