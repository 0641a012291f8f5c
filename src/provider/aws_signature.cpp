#include "provider/aws_signature.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <map>
#include <stdexcept>

#include "provider/headers.hpp"

namespace onetake::provider {
namespace {

std::string hmac(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
           text.size(), bytes.data(), &size) == nullptr)
    throw std::runtime_error("OpenSSL has no HMAC-SHA256");
  return {reinterpret_cast<const char*>(bytes.data()), size};
}

/// Runs of blanks are one, as the signature has them.
std::string one_blank(std::string_view value) {
  std::string made;
  for (const char c : trimmed(value))
    if (c != ' ' || !made.ends_with(' ')) made += c;
  return made;
}

/// ISO 8601's basic form: 20130524T000000Z.
std::string basic_form(WallTime time) {
  auto text = rfc3339(time).substr(0, 19);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text + 'Z';
}

}  // namespace

std::string hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    text += digits[static_cast<unsigned char>(c) >> 4];
    text += digits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

std::string sha256_hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), bytes.data(), &size, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("OpenSSL has no SHA-256");
  return hex({reinterpret_cast<const char*>(bytes.data()), size});
}

std::string uri_encoded(std::string_view text, bool keep_slash) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string made;
  for (const char c : text) {
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~' || (keep_slash && c == '/');
    if (plain) {
      made += c;
    } else {
      made += '%';
      made += digits[static_cast<unsigned char>(c) >> 4];
      made += digits[static_cast<unsigned char>(c) & 15];
    }
  }
  return made;
}

std::string canonical_query(std::vector<std::pair<std::string, std::string>> parameters) {
  for (auto& [name, value] : parameters) {
    name = uri_encoded(name);
    value = uri_encoded(value);
  }
  std::ranges::sort(parameters);
  std::string made;
  for (const auto& [name, value] : parameters)
    made.append(made.empty() ? "?" : "&").append(name).append("=").append(value);
  return made;
}

void sign(Request& request, const Target& target, const AwsKeys& keys, std::string_view payload_sha256, WallTime now) {
  const auto time = basic_form(now);
  const auto day = time.substr(0, 8);
  request.headers.push_back("x-amz-date: " + time);
  request.headers.push_back("x-amz-content-sha256: " + std::string{payload_sha256});

  std::map<std::string, std::string> fields{{"host", target.authority()}};
  for (const auto& line : request.headers) {
    const auto colon = line.find(':');
    fields[lower(line.substr(0, colon))] = one_blank(std::string_view{line}.substr(colon + 1));
  }
  std::string lines;
  std::string names;
  for (const auto& [field, value] : fields) {
    lines.append(field).append(":").append(value).append("\n");
    names.append(names.empty() ? "" : ";").append(field);
  }

  std::string canonical{name(request.method)};
  canonical.append("\n").append(target.path).append("\n");
  canonical.append(target.query.empty() ? "" : target.query.substr(1)).append("\n");
  canonical.append(lines).append("\n").append(names).append("\n").append(payload_sha256);

  const auto scope = day + '/' + keys.region + '/' + keys.service + "/aws4_request";
  const auto to_sign = "AWS4-HMAC-SHA256\n" + time + '\n' + scope + '\n' + sha256_hex(canonical);
  auto key = hmac("AWS4" + keys.secret_access_key, day);
  for (const std::string_view part :
       {std::string_view{keys.region}, std::string_view{keys.service}, std::string_view{"aws4_request"}})
    key = hmac(key, part);
  request.headers.push_back("Authorization: AWS4-HMAC-SHA256 Credential=" + keys.access_key_id + '/' + scope +
                            ",SignedHeaders=" + names + ",Signature=" + hex(hmac(key, to_sign)));
}

}  // namespace onetake::provider
