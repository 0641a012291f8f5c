#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "app/settings.hpp"

/// From what stands in the file to a setting's own type: one `read` and one `Form` a type.
namespace onetake::app {

using Texts = std::vector<std::string>;
using TextMap = std::map<std::string, std::string>;

/// A value of the file, `env:` and `file:` resolved. monostate: of a type that no setting has.
using Value = std::variant<std::monostate, std::string, std::int64_t, bool, Texts, TextMap>;

/// What is wrong with a value; nothing when nothing is.
using Problem = std::optional<std::string>;

Problem read(const Value& value, std::string& into);
Problem read(const Value& value, bool& into);
Problem read(const Value& value, int& into);
Problem read(const Value& value, milliseconds& into);
Problem read(const Value& value, Bytes& into);
Problem read(const Value& value, std::filesystem::path& into);
Problem read(const Value& value, Address& into);
Problem read(const Value& value, Role& into);
Problem read(const Value& value, log::Level& into);
Problem read(const Value& value, log::Format& into);
Problem read(const Value& value, TenantId& into);
Problem read(const Value& value, Texts& into);
Problem read(const Value& value, TextMap& into);
Problem read(const Value& value, std::vector<provider::Cidr>& into);
Problem read(const Value& value, std::optional<tenant::Sha256>& into);
Problem read(const Value& value, std::vector<tenant::Sha256>& into);
Problem read(const Value& value, std::optional<signal::RedisAddress>& into);

/// How a setting of type T is written, for the documentation.
template <class T>
struct Form;
template <>
struct Form<std::string> {
  static constexpr std::string_view text = "string";
};
template <>
struct Form<bool> {
  static constexpr std::string_view text = "true, false";
};
template <>
struct Form<int> {
  static constexpr std::string_view text = "number";
};
template <>
struct Form<milliseconds> {
  static constexpr std::string_view text = "duration";
};
template <>
struct Form<Bytes> {
  static constexpr std::string_view text = "size";
};
template <>
struct Form<std::filesystem::path> {
  static constexpr std::string_view text = "path";
};
template <>
struct Form<Address> {
  static constexpr std::string_view text = "ADDR:PORT";
};
template <>
struct Form<Role> {
  static constexpr std::string_view text = "all, api, worker";
};
template <>
struct Form<log::Level> {
  static constexpr std::string_view text = "debug, info, warn, error";
};
template <>
struct Form<log::Format> {
  static constexpr std::string_view text = "json, text";
};
template <>
struct Form<TenantId> {
  static constexpr std::string_view text = "string";
};
template <>
struct Form<Texts> {
  static constexpr std::string_view text = "list of strings";
};
template <>
struct Form<TextMap> {
  static constexpr std::string_view text = "table of strings";
};
template <>
struct Form<std::vector<provider::Cidr>> {
  static constexpr std::string_view text = "list of networks";
};
template <>
struct Form<std::optional<tenant::Sha256>> {
  static constexpr std::string_view text = "64 hex digits";
};
template <>
struct Form<std::vector<tenant::Sha256>> {
  static constexpr std::string_view text = "list of 64 hex digits";
};
template <>
struct Form<std::optional<signal::RedisAddress>> {
  static constexpr std::string_view text = "redis://…";
};

}  // namespace onetake::app
