#include "durable/settings.hpp"

#include <algorithm>

#include "durable/place.hpp"

namespace onetake::durable {
namespace {

/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html, and the capitals and underscores that
/// others allow.
bool is_bucket(std::string_view name) {
  return name.size() >= 3 && name.size() <= 63 && name.front() != '.' && name.front() != '-' &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
                  c == '_';
         });
}

/// What may stand in a header field and in a credential's scope.
bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

std::optional<SettingsFault> check(const Settings& settings) {
  const auto endpoint = provider::Target::parse(settings.endpoint);
  if (!endpoint || endpoint->path != "/" || !endpoint->query.empty() || settings.endpoint.contains('#'))
    return SettingsFault{"endpoint", R"(must be scheme, host and port, such as "https://s3.eu-west-1.amazonaws.com")"};
  if (!is_bucket(settings.bucket)) return SettingsFault{"bucket", "is not the name of a bucket"};
  if (settings.region.empty() || !is_plain(settings.region) || settings.region.contains('/'))
    return SettingsFault{"region", R"(is not a region, such as "us-east-1")"};
  if (settings.access_key_id.empty() || !is_plain(settings.access_key_id) || settings.access_key_id.contains('/'))
    return SettingsFault{"access_key_id", "is not an access key id"};
  if (settings.secret_access_key.empty() || !is_plain(settings.secret_access_key))
    return SettingsFault{"secret_access_key", "is empty, or has a blank or a line end in it"};
  if (settings.prefix.starts_with('/') || settings.prefix.contains("//") || settings.prefix.size() > 512 ||
      std::ranges::any_of(settings.prefix, [](char c) { return static_cast<unsigned char>(c) < 0x20; }))
    return SettingsFault{"prefix", R"(must be the beginning of a key, such as "calls/")"};
  const auto& encryption = settings.server_side_encryption;
  if (!encryption.empty() && encryption != "AES256" && encryption != "aws:kms")
    return SettingsFault{"server_side_encryption", R"(must be "AES256" or "aws:kms")"};
  if (!settings.kms_key_id.empty() && (encryption != "aws:kms" || !is_plain(settings.kms_key_id)))
    return SettingsFault{"kms_key_id", R"(is for server_side_encryption = "aws:kms")"};
  return std::nullopt;
}

}  // namespace onetake::durable
