#include "provider/transfer_error.hpp"

#include <curl/curl.h>

namespace onetake::provider {

Cause cause_of(int curl_code, bool head_came) {
  switch (curl_code) {
    case CURLE_URL_MALFORMAT:
      return Cause::refused;
    case CURLE_UNSUPPORTED_PROTOCOL:  // also what is taken for HTTP/0.9
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
      return Cause::unavailable;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_UNKNOWN_OPTION:
      return Cause::internal;
    default:
      return head_came ? Cause::interrupted : Cause::unreachable;
  }
}

}  // namespace onetake::provider
