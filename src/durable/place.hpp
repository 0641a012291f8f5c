#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "durable/settings.hpp"
#include "provider/target.hpp"

namespace onetake::durable {

using Query = std::vector<std::pair<std::string, std::string>>;

/// Where one bucket lies, and how it is named in a URL.
///
///   path style          https://endpoint/bucket/key    addresses, hosts with a port, one-label hosts, buckets with a
///   dot
///                                                      (no certificate covers those), and where it is forced
///   virtual-host style  https://bucket.endpoint/key    all others: AWS and R2 by their names
class Place {
 public:
  /// REQUIRES: `check(settings)` found nothing.
  explicit Place(const Settings& settings);

  /// "" for the bucket itself. `key` as it is kept, prefix included.
  [[nodiscard]] provider::Target at(std::string_view key, const Query& query = {}) const;

  /// The key of a recording's copy, and what all of them begin with.
  [[nodiscard]] std::string key(std::string_view name) const { return audio() + std::string{name}; }
  [[nodiscard]] std::string audio() const { return prefix_ + "audio/"; }
  [[nodiscard]] std::string probe(std::string_view name) const { return prefix_ + "check/" + std::string{name}; }

  [[nodiscard]] bool path_style() const { return path_style_; }

 private:
  provider::Target endpoint_;
  std::string bucket_;
  std::string prefix_;
  bool path_style_;
};

}  // namespace onetake::durable
