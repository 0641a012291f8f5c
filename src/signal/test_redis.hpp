#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <future>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/temp_folder.hpp"
#include "signal/redis.hpp"

namespace onetake::signal::test {

/// A redis-server of the test's own, which may be hurt. In memory only, on a free loopback port that it keeps when it
/// is started again.
class RedisServer {
 public:
  explicit RedisServer(std::vector<std::string> options = {}) : options_(std::move(options)) {
    std::random_device random;
    for (int attempt = 0; attempt < 20 && pid_ == 0; ++attempt) {
      address_ = {.host = "127.0.0.1", .port = 20'000 + static_cast<int>(random() % 20'000)};
      begin();
    }
    if (pid_ == 0) throw std::runtime_error{"redis-server does not start; script/bootstrap installs it"};
  }
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;
  ~RedisServer() { kill(); }

  [[nodiscard]] const RedisAddress& address() const { return address_; }

  void kill() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  void start_again() {
    begin();
    if (pid_ == 0) throw std::runtime_error{"redis-server does not start again"};
  }
  /// It takes connections, as the kernel does that for it, and answers nothing.
  void pause() const { signal(SIGSTOP); }
  void go_on() const { signal(SIGCONT); }

  /// From outside, past what is tested.
  Reply says(const Command& command) const {
    RedisConnection line{address_, milliseconds{10'000}};
    return line.ask(command, in(milliseconds{10'000}));
  }

 private:
  /// To one that was killed: nothing. 0 is everybody in the group, the servers of tests beside this one too.
  void signal(int number) const {
    if (pid_ != 0) ::kill(pid_, number);
  }
  void begin() {
    const auto log = folder_.path() / uuid7();
    std::vector<std::string> words{"redis-server", "--bind",       "127.0.0.1", "--port", std::to_string(address_.port),
                                   "--dir",        folder_.path(), "--save",    "",       "--appendonly",
                                   "no",           "--logfile",    log};
    words.insert(words.end(), options_.begin(), options_.end());
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    if (::posix_spawnp(&pid_, "redis-server", nullptr, nullptr, arguments.data(), environ) != 0) {
      pid_ = 0;
      return;
    }
    while (!ready(log)) {
      if (::waitpid(pid_, nullptr, WNOHANG) != 0) {
        pid_ = 0;
        return;
      }
      ::usleep(5'000);
    }
  }
  static bool ready(const std::string& log) {
    std::ifstream file{log};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    return text.find("Ready to accept connections") != text.npos;
  }

  const std::vector<std::string> options_;
  TempFolder folder_;
  RedisAddress address_;
  pid_t pid_ = 0;
};

/// The URL of a server that tests share and do nothing to: what the environment variable says, or "@FILE", in whose
/// first line it stands.
inline std::string shared_server(const char* variable) {
  const char* said = std::getenv(variable);
  if (said == nullptr)
    throw std::runtime_error{std::string{variable} + " is not set: ctest sets it, with its fixtures"};
  if (*said != '@') return said;
  std::ifstream file{said + 1};
  std::string url;
  if (!std::getline(file, url)) throw std::runtime_error{std::string{said + 1} + ": no server's URL"};
  return url;
}

/// ctest has one running; who runs a test by hand has one started.
inline RedisAddress shared_redis() {
  if (std::getenv("ONETAKE_REDIS") != nullptr) return RedisAddress::parse(shared_server("ONETAKE_REDIS")).value();
  static const RedisServer own;
  return own.address();
}

/// A node's Redis that is here once this is made, and is given all the time that a busy machine takes.
struct PatientRedis {
  explicit PatientRedis(const RedisAddress& address)
      : redis(address, {.answer = milliseconds{10'000}}, [this](bool here) {
          if (here) up.set_value();
        }) {
    up.get_future().wait();
  }
  std::promise<void> up;
  Redis redis;
};

}  // namespace onetake::signal::test
