#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "simulator/clips.hpp"
#include "simulator/provider.hpp"

namespace onetake::simulator {

/// What the demo's tenant registers (contract section 4, PUT): the fields are named as there.
struct DemoCall {
  std::string call_sid;
  std::string recording_sid;
  std::string source_url;  ///< relative to the provider's base_url, so that it stays the same from start to start
  std::string from;
  std::string to;
  std::string direction;
  WallTime started_at;
  std::optional<double> duration_seconds;  ///< not known yet while the recording is not ready
  int channels = 2;
  std::map<std::string, std::string> labels;
};

/// The provider behind `onetake demo`: two-party calls of 10 s to 30 min, made from packaged clips on the first start,
/// and some that behave like providers on a bad day.
///
/// The calls' audio lies in `folder` (70 MB), as does the time of the first start, which the calls' times count from.
class Demo {
 public:
  /// Makes what is missing in `folder`, then serves. Throws a runtime_error that says which Debian package to install
  /// if there are no clips.
  explicit Demo(const std::filesystem::path& folder, const std::optional<std::filesystem::path>& clips = find_clips());

  [[nodiscard]] std::string base_url() const { return provider_.base_url(); }
  [[nodiscard]] const std::string& account_sid() const { return provider_.account_sid(); }
  [[nodiscard]] const std::string& auth_token() const { return provider_.auth_token(); }
  [[nodiscard]] const std::vector<DemoCall>& calls() const { return calls_; }  ///< newest first
  [[nodiscard]] Provider& provider() { return provider_; }

 private:
  Provider provider_;
  std::vector<DemoCall> calls_;
};

}  // namespace onetake::simulator
