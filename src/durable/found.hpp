#pragma once

#include <optional>
#include <string_view>

#include "durable/copies.hpp"
#include "durable/requests.hpp"

namespace onetake::durable {

// Fields of our own beside every object, given when it is begun. A part's ETag is no MD5 where objects are encrypted,
// and that of an object in parts never is: size and these tell whether what lies there is what was sent.
inline constexpr std::string_view sha256_field = "x-amz-meta-onetake-sha256";
inline constexpr std::string_view mark_field = "x-amz-meta-onetake-upload";

/// What was sent, to be known again. "" is not known.
struct Sent {
  Bytes size = 0;
  std::string sha256;
  std::string mark;

  [[nodiscard]] bool is(const Found& found) const {
    return found.size == size && ((!sha256.empty() && found.sha256 == sha256) || (!mark.empty() && found.mark == mark));
  }
};

/// The head that an object is begun with: what it is, ours, and how it is to be encrypted.
std::vector<std::string> head_of(const std::string& content_type, const Sent& sent, const Settings& settings);

/// HEAD; and where that says 404, which has no body, a GET of the first byte. Nothing when the storage has said that
/// there is none.
Task<Answer<std::optional<Found>>> find(Requests& requests, std::string key, Until until);

/// Does `call`, which makes the object KEY out of what was sent, until it has been confirmed. An answer that was lost,
/// or that says the upload is gone, is no answer: then the storage is asked what lies there.
Task<Answer<void>> confirmed(Requests& requests, Requests::Call call, Sent sent, Until until);

}  // namespace onetake::durable
