#pragma once

#include <expected>
#include <filesystem>
#include <optional>
#include <string>

#include "base/fd.hpp"

namespace onetake::app {

/// Version of the layout of a data directory, in its file FORMAT.
inline constexpr int data_format = 1;

/// A data directory in the hands of this process. The operating system lets go of it when the process ends, however it
/// ends; the file LOCK stays, with the PID of whoever had it last.
///
///   LOCK           flock; the holder's PID
///   FORMAT         version of the layout
///   control.sock   the holder listens (control.hpp)
///   session.key    signs the cookies of browsers
///   NODE           the node's name among the others, for ever
class Instance {
 public:
  /// Makes the directory where it is missing. Errors, for a person: another process has it (with its PID), a newer
  /// FORMAT, whatever the file system says.
  static std::expected<Instance, std::string> claim(const std::filesystem::path& data_dir);

  /// Does any process have the directory at this moment?
  static bool in_use(const std::filesystem::path& data_dir);

  [[nodiscard]] const std::filesystem::path& data_dir() const { return data_dir_; }

  /// 32 bytes that stay with the directory, made at first. Throws when they can neither be read nor written.
  [[nodiscard]] std::string session_secret() const;
  /// A UUID that stays with the directory, made at first. Throws likewise.
  [[nodiscard]] std::string node() const;
  /// Of anybody's directory; nothing where no server of many has run yet.
  static std::optional<std::string> node_of(const std::filesystem::path& data_dir);

 private:
  Instance(std::filesystem::path data_dir, Fd lock) : data_dir_(std::move(data_dir)), lock_(std::move(lock)) {}

  std::filesystem::path data_dir_;
  Fd lock_;
};

}  // namespace onetake::app
