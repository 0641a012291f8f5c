#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/fd.hpp"

namespace onetake::story {

/// A run of a program. Killed when this goes, and when the test's process does.
class Process {
 public:
  /// `errors` gets what it writes to stderr, behind what is there.
  Process(const std::vector<std::string>& words, const std::filesystem::path& errors);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// The next line on stdout; "" when stdout has ended.
  std::string line();
  /// After SIGSTOP it does nothing any more.
  void signal(int number) const;
  /// Waits for its end: the exit status, or minus the signal that ended it. Throws when it does not come.
  int wait();
  [[nodiscard]] bool ended();

 private:
  pid_t pid_ = 0;
  Fd handle_;  ///< a pidfd: readable when the process has ended
  Fd out_;
  std::string input_;
};

}  // namespace onetake::story
