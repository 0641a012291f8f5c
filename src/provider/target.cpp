#include "provider/target.hpp"

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <charconv>

#include "provider/headers.hpp"

namespace onetake::provider {
namespace {

namespace urls = boost::urls;

/// Servers and people write characters that a URL may not have; browsers percent-encode them.
std::string encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  constexpr std::string_view never_legal = "\"<>\\^`{|}";
  std::string made;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f && !never_legal.contains(c)) {
      made += c;
    } else {
      made += '%';
      made += digits[byte >> 4];
      made += digits[byte & 15];
    }
  }
  return made;
}

std::string host_of(std::string_view text) {
  auto host = lower(text);
  while (host.ends_with('.')) host.pop_back();
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host;
}

bool is_v6(std::string_view host) { return host.contains(':'); }

result<Target> target_of(const urls::url_view& url) {
  Target made;
  made.scheme = lower({url.scheme().data(), url.scheme().size()});
  if (made.scheme != "http" && made.scheme != "https")
    return failed(Fault::source_not_allowed, "is neither http nor https");
  if (url.has_userinfo()) return failed(Fault::source_not_allowed, "has a user name or password in it");
  const auto host = url.encoded_host();
  made.host = host_of({host.data(), host.size()});
  if (made.host.empty()) return failed(Fault::source_not_allowed, "names no host");
  // Resolvers and libraries differ on what these mean; names in other scripts have an ASCII form.
  if (made.host.find_first_of("%!$&'()*+,;=~") != std::string::npos)
    return failed(Fault::source_not_allowed, "names a host that cannot be");
  made.port = made.plain() ? 80 : 443;
  // Boost 1.81 takes ports past 65535, and "8o" for port 8 with a path of "o".
  if (const auto digits = url.port(); !digits.empty()) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), made.port);
    if (error != std::errc{} || end != digits.data() + digits.size() || made.port == 0)
      return failed(Fault::source_not_allowed, "names a port that cannot be");
  }
  made.path = std::string_view{url.encoded_path().data(), url.encoded_path().size()};
  if (!made.path.empty() && !made.path.starts_with('/'))
    return failed(Fault::source_not_allowed, "names a port that cannot be");
  if (made.path.empty()) made.path = "/";
  if (url.has_query()) made.query.append("?").append(url.encoded_query().data(), url.encoded_query().size());
  return made;
}

}  // namespace

result<Target> Target::parse(std::string_view text) {
  const auto clean = encoded(text);
  const auto url = urls::parse_uri(clean);
  if (!url) return failed(Fault::bad_body, "is not an absolute URL");
  return target_of(*url);
}

result<Target> Target::redirected(std::string_view location) const {
  const auto clean = encoded(trimmed(location));
  const auto reference = urls::parse_uri_reference(clean);
  const auto here = url();
  const auto base = urls::parse_uri(here);
  urls::url there;
  if (!reference || !base || !urls::resolve(*base, *reference, there)) return failed(Fault::bad_body, "is not a URL");
  return target_of(there);
}

std::string Target::authority() const {
  auto text = is_v6(host) ? '[' + host + ']' : host;
  if (port != (plain() ? 80 : 443)) text += ':' + std::to_string(port);
  return text;
}

std::string Target::url() const { return scheme + "://" + authority() + path + query; }

std::expected<HostPattern, std::string> HostPattern::parse(std::string_view text) {
  HostPattern made;
  auto host = text;
  const auto colon = text.rfind(':');
  const bool bracketed = text.starts_with('[');
  if (colon != std::string_view::npos && (bracketed ? text[colon - 1] == ']' : text.find(':') == colon)) {
    const auto digits = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), made.port);
    if (error != std::errc{} || end != digits.data() + digits.size() || made.port == 0)
      return std::unexpected("has a port that cannot be");
    host = text.substr(0, colon);
  }
  std::string url{"https://"};
  url.append(is_v6(host) && !bracketed ? "[" : "").append(host).append(is_v6(host) && !bracketed ? "]" : "");
  const auto target = Target::parse(url);
  if (!target || text.contains('/') || !target->query.empty())
    return std::unexpected("is not a host, host:port or \"*\"");
  made.host = target->host;
  return made;
}

}  // namespace onetake::provider
