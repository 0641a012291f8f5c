#pragma once

#include <string_view>

/// What a request's own headers say about the page that sent it. Text only; decides nothing by itself.
namespace onetake::tenant {

/// `Host` names this machine: localhost, 127.0.0.0/8 or [::1], with or without a port. Whoever owns another name may
/// have pointed it here (DNS rebinding).
bool loopback_host(std::string_view host);

/// `Origin` is the page's own server: `Host` behind "http://", or behind "https://" where a proxy ends TLS.
bool same_origin(std::string_view origin, std::string_view host);

/// The request of a person who opens the console: GET / as a document of its own. Browsers that send Sec-Fetch-Dest and
/// Sec-Fetch-Mode say so; "" for one that was not sent.
bool opens_console(std::string_view method, std::string_view path, std::string_view fetch_dest,
                   std::string_view fetch_mode);

}  // namespace onetake::tenant
