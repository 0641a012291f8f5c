#pragma once

#include <string_view>

#include "base/clock.hpp"
#include "http/request.hpp"

namespace onetake::http {

enum class Precondition { proceed, not_modified, failed };

/// RFC 9110 section 13.2.2, in its order, for GET and HEAD of a representation that exists. `etag` is strong, with
/// quotes.
Precondition evaluate(const Request& request, std::string_view etag, WallTime last_modified);

/// Does the Range field count (RFC 9110 section 13.1.5)? Without If-Range it does.
bool range_applies(const Request& request, std::string_view etag, WallTime last_modified);

}  // namespace onetake::http
