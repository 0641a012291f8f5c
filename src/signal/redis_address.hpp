#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace onetake::signal {

/// Where a Redis lies: redis://[user:password@]host[:port][/db], as
/// https://www.iana.org/assignments/uri-schemes/prov/redis has it.
struct RedisAddress {
  std::string host = {};
  int port = 6379;
  std::string user = {};  ///< "": the default user
  std::string password = {};
  int db = 0;

  /// The error is a sentence for the one who wrote the URL; it never repeats the password.
  static std::expected<RedisAddress, std::string> parse(std::string_view url);

  /// host:port/db, for logs.
  [[nodiscard]] std::string shown() const;

  bool operator==(const RedisAddress&) const = default;
};

}  // namespace onetake::signal
