#include "story/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <system_error>

namespace onetake::story {
namespace {

constexpr std::chrono::milliseconds most{60'000};

bool readable(int fd, std::chrono::milliseconds within) {
  pollfd p{fd, POLLIN, 0};
  int n = 0;
  do {
    n = ::poll(&p, 1, static_cast<int>(within.count()));
  } while (n < 0 && errno == EINTR);
  return n > 0;
}

}  // namespace

Process::Process(const std::vector<std::string>& words, const std::filesystem::path& errors) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  out_ = Fd{pipe[0]};
  const Fd in{pipe[1]};
  const Fd err{::open(errors.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  std::vector<char*> arguments;
  for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);

  pid_ = ::fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid_ == 0) {  // only what is safe where other threads were: no allocation from here on
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(in.get(), STDOUT_FILENO);
    ::dup2(err.get(), STDERR_FILENO);
    ::close_range(3, ~0U, 0);  // the provider's connections, which would outlive their ends here
    ::execv(arguments.front(), arguments.data());
    ::_exit(127);
  }
  // glibc 2.36 declares pidfd_open for C only.
  handle_ = Fd{static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0))};
}

Process::~Process() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::string Process::line() {
  for (;;) {
    if (const auto end = input_.find('\n'); end != std::string::npos) {
      auto line = input_.substr(0, end);
      input_.erase(0, end + 1);
      return line;
    }
    if (!readable(out_.get(), most)) throw std::runtime_error("the program says nothing");
    std::array<char, 4096> buffer{};
    const auto n = ::read(out_.get(), buffer.data(), buffer.size());
    if (n <= 0) return std::exchange(input_, {});
    input_.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

void Process::signal(int number) const {
  if (pid_ == 0) return;
  ::kill(pid_, number);
  siginfo_t stopped{};
  if (number == SIGSTOP) ::waitid(P_PID, static_cast<id_t>(pid_), &stopped, WSTOPPED | WNOWAIT);
}

int Process::wait() {
  if (!readable(handle_.get(), most)) throw std::runtime_error("the program does not end");
  int status = 0;
  ::waitpid(std::exchange(pid_, 0), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

bool Process::ended() { return pid_ == 0 || readable(handle_.get(), std::chrono::milliseconds{0}); }

}  // namespace onetake::story
