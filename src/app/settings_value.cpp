#include "app/settings_value.hpp"

#include <array>
#include <limits>

namespace onetake::app {
namespace {

const std::string* text_of(const Value& value) { return std::get_if<std::string>(&value); }

template <class T, std::size_t N>
Problem choose(const Value& value, const std::array<std::pair<std::string_view, T>, N>& choices, T& into) {
  const auto* text = text_of(value);
  std::string names;
  for (const auto& [name, choice] : choices) {
    if (text != nullptr && *text == name) {
      into = choice;
      return std::nullopt;
    }
    names.append(names.empty() ? "" : ", ").append(name);
  }
  return "must be one of: " + names;
}

}  // namespace

Problem read(const Value& value, std::string& into) {
  const auto* text = text_of(value);
  if (text == nullptr) return "must be a string";
  into = *text;
  return std::nullopt;
}

Problem read(const Value& value, bool& into) {
  const auto* flag = std::get_if<bool>(&value);
  if (flag == nullptr) return "must be true or false";
  into = *flag;
  return std::nullopt;
}

Problem read(const Value& value, int& into) {
  const auto* number = std::get_if<std::int64_t>(&value);
  if (number == nullptr || *number < 0 || *number > std::numeric_limits<int>::max()) return "must be a whole number";
  into = static_cast<int>(*number);
  return std::nullopt;
}

Problem read(const Value& value, milliseconds& into) {
  const auto* text = text_of(value);
  const auto span = text == nullptr ? std::nullopt : parse_duration(*text);
  if (!span) return R"(must be a duration, such as "250ms", "15s", "5m", "2h", "7d" or "0")";
  into = *span;
  return std::nullopt;
}

Problem read(const Value& value, Bytes& into) {
  const auto* text = text_of(value);
  const auto* number = std::get_if<std::int64_t>(&value);
  if (number != nullptr && *number >= 0) {
    into = static_cast<Bytes>(*number);
    return std::nullopt;
  }
  const auto bytes = text == nullptr ? std::nullopt : parse_bytes(*text);
  if (!bytes) return R"(must be a size, such as "64KiB" or "20GiB")";
  into = *bytes;
  return std::nullopt;
}

Problem read(const Value& value, std::filesystem::path& into) {
  const auto* text = text_of(value);
  if (text == nullptr || text->empty()) return "must be a path";
  into = *text;
  return std::nullopt;
}

Problem read(const Value& value, Address& into) {
  const auto* text = text_of(value);
  const auto address = text == nullptr ? std::nullopt : parse_address(*text);
  if (!address) return R"(must be ADDR:PORT, such as "127.0.0.1:8080" or "[::1]:8080")";
  into = *address;
  return std::nullopt;
}

Problem read(const Value& value, Role& into) {
  static constexpr std::array<std::pair<std::string_view, Role>, 3> choices{
      {{"all", Role::all}, {"api", Role::api}, {"worker", Role::worker}}};
  return choose(value, choices, into);
}

Problem read(const Value& value, log::Level& into) {
  static constexpr std::array<std::pair<std::string_view, log::Level>, 4> choices{{{"debug", log::Level::debug},
                                                                                   {"info", log::Level::info},
                                                                                   {"warn", log::Level::warn},
                                                                                   {"error", log::Level::error}}};
  return choose(value, choices, into);
}

Problem read(const Value& value, log::Format& into) {
  static constexpr std::array<std::pair<std::string_view, log::Format>, 2> choices{
      {{"json", log::Format::json}, {"text", log::Format::text}}};
  return choose(value, choices, into);
}

Problem read(const Value& value, TenantId& into) {
  const auto* text = text_of(value);
  if (text == nullptr || !tenant::valid_tenant_id(*text)) {
    return "must be 1 to 63 of a-z, 0-9 and -, not starting with -";
  }
  into = TenantId{*text};
  return std::nullopt;
}

Problem read(const Value& value, Texts& into) {
  const auto* texts = std::get_if<Texts>(&value);
  if (texts == nullptr) return "must be a list of strings";
  into = *texts;
  return std::nullopt;
}

Problem read(const Value& value, TextMap& into) {
  const auto* texts = std::get_if<TextMap>(&value);
  if (texts == nullptr) return "must be a table of strings";
  into = *texts;
  return std::nullopt;
}

Problem read(const Value& value, std::vector<provider::Cidr>& into) {
  const auto* texts = std::get_if<Texts>(&value);
  if (texts == nullptr) return "must be a list of strings";
  into.clear();
  for (const auto& text : *texts) {
    const auto network = provider::Cidr::parse(text);
    if (!network) return '"' + text + R"(" is not a network, such as "10.1.0.0/16")";
    into.push_back(*network);
  }
  return std::nullopt;
}

Problem read(const Value& value, std::optional<tenant::Sha256>& into) {
  const auto* text = text_of(value);
  into = text == nullptr ? std::nullopt : tenant::parse_sha256(*text);
  if (!into) return "must be 64 hexadecimal digits: the SHA-256 of the key";
  return std::nullopt;
}

Problem read(const Value& value, std::optional<signal::RedisAddress>& into) {
  const auto* text = text_of(value);
  if (text == nullptr) return "must be a string";
  auto address = signal::RedisAddress::parse(*text);
  if (!address) return address.error();
  into = *std::move(address);
  return std::nullopt;
}

Problem read(const Value& value, std::vector<tenant::Sha256>& into) {
  const auto* texts = std::get_if<Texts>(&value);
  if (texts == nullptr) return "must be a list of strings";
  into.clear();
  for (const auto& text : *texts) {
    const auto hash = tenant::parse_sha256(text);
    if (!hash) return "each must be 64 hexadecimal digits: the SHA-256 of a key";
    into.push_back(*hash);
  }
  return std::nullopt;
}

}  // namespace onetake::app
