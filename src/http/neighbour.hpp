#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/task.hpp"
#include "base/units.hpp"

namespace onetake::http {

/// One request to another node, on a connection of its own, and the answer as it comes. On the loop that asked.
class Neighbour {
 public:
  struct Call {
    std::string url;     ///< the node's
    std::string method;  ///< GET or HEAD
    std::string target;
    std::string fields;  ///< "Name: value\r\n" each
    milliseconds connect_in{2'000};
    milliseconds head_in{30'000};
  };

  /// Returns with the answer's head. Errors: why there is none, for the log.
  static Task<std::expected<std::shared_ptr<Neighbour>, std::string>> ask(Call call);

  virtual ~Neighbour() = default;

  [[nodiscard]] virtual int status() const = 0;
  /// "Name: value\r\n" each, without those that are a connection's own (RFC 9110 section 7.6.1) and Content-Length.
  [[nodiscard]] virtual const std::string& fields() const = 0;
  /// "" where it is not there.
  [[nodiscard]] virtual std::string_view etag() const = 0;
  [[nodiscard]] virtual std::string_view content_range() const = 0;
  [[nodiscard]] virtual std::string_view content_type() const = 0;
  [[nodiscard]] virtual std::optional<Bytes> length() const = 0;

  /// More of the body: "" at its end, nothing where it broke off or nothing has come `within` this time.
  virtual Task<std::optional<std::string>> read(milliseconds within) = 0;
};

}  // namespace onetake::http
