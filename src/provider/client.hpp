#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "provider/provider.hpp"
#include "provider/settings.hpp"
#include "provider/target.hpp"
#include "provider/transfer.hpp"

namespace onetake::provider {

/// What one adapter adds to the requests that every adapter makes alike.
struct Policy {
  std::string type;                            ///< the label of metrics
  std::function<void(Request&)> authenticate;  ///< puts the credentials in: only for the origin that was asked first
  std::function<std::optional<std::string>(const Target&)>
      refuses_redirect;  ///< why not there, beyond scheme and address
};

/// What came of asking for a recording's bytes.
struct MediaAnswer {
  Outcome outcome;
  int status = 0;        ///< 0: no answer
  int error_code = 0;    ///< the provider's own, from the body of a refusal
  bool counted = false;  ///< as a media request; else `Client::count_media` or `count_other` is due
};

/// A small answer that is read as a whole.
struct Document {
  int status = 0;
  std::string body;
};

/// GETs as every adapter needs them: scheme and address checked, at most 5 redirects followed by hand and checked
/// again, credentials for the first origin only, ranges, sizes and digests as RFC 9110 has them, metrics.
class Client {
 public:
  static constexpr int max_redirects = 5;

  Client(Policy policy, const Limits& limits, Transfers& transfers);

  /// Why a source may not lie there, as far as its text tells.
  [[nodiscard]] std::optional<std::string> refuses(const Target& target) const;

  /// Asks for a recording, from `ask.from` on where there is a validator. A provider that then has something else is
  /// asked once more, from the start. What is referred to stays until the end.
  Task<MediaAnswer> media(const Target& target, const Ask& ask, Sink& sink);

  /// A look-up. An answer of any status is one; errors are those of the way there.
  Task<std::expected<Document, Refused>> look_up(Target target, const Ask& ask);

  void count_media(const MediaAnswer& answer) const;
  void count_other(std::string_view kind) const;

 private:
  struct Wish {
    Bytes from = 0;
    std::string validator;
    std::string accept;
  };
  /// GCC 12 copies an aggregate written inside a co_await byte for byte: `wish` is a variable of the caller's.
  Task<Transferred> get(Target target, Wish wish, const Ask& ask, Receiver& receiver);

  Policy policy_;
  Limits limits_;
  std::shared_ptr<const AddressGuard> guard_;
  Transfers& transfers_;
};

/// The end of an attempt that an answer's status means. REQUIRES: neither 200 nor 206.
Refused refused(const Response& response, std::string detail);

}  // namespace onetake::provider
