#pragma once

#include "recording/cause.hpp"

namespace onetake::provider {

/// What a libcurl error (CURLcode, not CURLE_OK) means for an attempt. `head_came`: the body had begun.
Cause cause_of(int curl_code, bool head_came);

}  // namespace onetake::provider
