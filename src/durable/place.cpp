#include "durable/place.hpp"

#include "provider/address_guard.hpp"
#include "provider/aws_signature.hpp"

namespace onetake::durable {
namespace {

bool wants_path(const provider::Target& endpoint, const Settings& settings) {
  const bool port = endpoint.port != (endpoint.plain() ? 80 : 443);
  return settings.path_style || port || provider::literal_address(endpoint.host) || !endpoint.host.contains('.') ||
         settings.bucket.contains('.') || settings.bucket.contains('_');
}

std::string folder(std::string prefix) {
  if (!prefix.empty() && !prefix.ends_with('/')) prefix += '/';
  return prefix;
}

}  // namespace

Place::Place(const Settings& settings)
    : endpoint_(provider::Target::parse(settings.endpoint).value()),
      bucket_(settings.bucket),
      prefix_(folder(settings.prefix)),
      path_style_(wants_path(endpoint_, settings)) {
  if (!path_style_) endpoint_.host = bucket_ + '.' + endpoint_.host;
}

provider::Target Place::at(std::string_view key, const Query& query) const {
  auto target = endpoint_;
  target.path = "/";
  if (path_style_) target.path.append(bucket_).append(key.empty() ? "" : "/");
  target.path += provider::uri_encoded(key, true);
  target.query = provider::canonical_query(query);
  return target;
}

}  // namespace onetake::durable
