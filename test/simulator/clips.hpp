#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace onetake::simulator {

/// The folder of Debian's asterisk-core-sounds-en-wav. Nothing if the package is not installed.
std::optional<std::filesystem::path> find_clips(const std::filesystem::path& sounds = "/usr/share/asterisk/sounds");

/// Things that people say on the telephone, in two voices: the one that recorded them, and a lower, slower one.
/// 8 kHz mono, 16 bit. Not for several threads.
class Clips {
 public:
  enum class Who { agent, customer };

  explicit Clips(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// `name` as in the package, without extension: "digits/5". Valid while this lives.
  /// Throws a runtime_error that names the Debian package if the clip is missing or not what it should be.
  std::span<const std::int16_t> say(Who who, const std::string& name);

 private:
  std::filesystem::path folder_;
  std::map<std::pair<Who, std::string>, std::vector<std::int16_t>> known_;
};

}  // namespace onetake::simulator
