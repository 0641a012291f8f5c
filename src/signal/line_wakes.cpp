#include "signal/line_wakes.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/ids.hpp"
#include "base/log.hpp"

namespace onetake::signal {
namespace {

/// On the line: the node, the topic, the id. A node of a later version may say what this one does not know.
constexpr std::array<std::pair<Topic, std::string_view>, 5> names{{{Topic::run_queued, "run_queued"},
                                                                   {Topic::run_taken, "run_taken"},
                                                                   {Topic::run_ended, "run_ended"},
                                                                   {Topic::recording_changed, "recording_changed"},
                                                                   {Topic::everything, "everything"}}};

std::string written(const std::string& node, const Wake& wake) {
  const auto* const row = std::ranges::find(names, wake.topic, &std::pair<Topic, std::string_view>::first);
  return node + ' ' + std::string{row->second} + ' ' + wake.id;
}

std::optional<Wake> read(std::string_view message, std::string_view own_node) {
  const auto first = message.find(' ');
  const auto second = message.find(' ', first + 1);
  if (first == message.npos || second == message.npos || message.substr(0, first) == own_node) return std::nullopt;
  const auto topic = message.substr(first + 1, second - first - 1);
  const auto* const row = std::ranges::find(names, topic, &std::pair<Topic, std::string_view>::second);
  if (row == names.end()) return std::nullopt;
  return Wake{.topic = row->first, .id = std::string{message.substr(second + 1)}};
}

int timeout_until(Deadline deadline) {
  const auto left = std::chrono::ceil<milliseconds>(deadline - Monotonic::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

}  // namespace

LineWakes::LineWakes(std::string line, DialWakes dial, Timing timing)
    : name_(std::move(line)),
      dial_(std::move(dial)),
      timing_(timing),
      node_(uuid7()),
      woken_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

LineWakes::~LineWakes() {
  {
    const std::lock_guard lock{mutex_};
    ending_ = true;
  }
  wake();
  if (thread_.joinable()) thread_.join();
}

void LineWakes::listen(Heard heard) {
  heard_ = std::move(heard);
  thread_ = std::thread{[this] { run(); }};
}

void LineWakes::announce(Wake wake) noexcept {
  try {
    if (wake.id.size() > WakeLine::longest / 2) return;
    bool first = false;
    {
      const std::lock_guard lock{mutex_};
      first = waiting_.empty();
      if (waiting_.size() >= timing_.most_waiting) {
        waiting_.clear();
        wake = {.topic = Topic::everything};
      }
      // Of what is said often there is no id, and one that waits says it for all.
      const bool said = wake.id.empty() && std::ranges::find(waiting_, wake) != waiting_.end();
      if (said) return;
      waiting_.push_back(std::move(wake));
    }
    if (first) this->wake();  // for the others, too
  } catch (const std::exception&) {
    return;  // no memory: it costs time
  }
}

void LineWakes::wake() const { ::eventfd_write(woken_.get(), 1); }

bool LineWakes::ending() const {
  const std::lock_guard lock{mutex_};
  return ending_;
}

void LineWakes::run() {
  auto wait = timing_.redial;
  bool down = false;
  while (!ending()) {
    auto since = Deadline::max();
    try {
      const auto line = dial_();
      since = Monotonic::now();
      up_ = true;
      if (std::exchange(down, false)) log::info("wakes.available", "other nodes are heard again", {{"line", name_}});
      heard_({.topic = Topic::everything});
      serve(*line);
    } catch (const std::exception& error) {
      if (up_.exchange(false) && broken_) broken_();
      if (!std::exchange(down, true))
        log::warn("wakes.unavailable", "other nodes are not heard; sweeps find what they do",
                  {{"line", name_}, {"error", error.what()}});
    }
    up_ = false;
    if (since != Deadline::max() && Monotonic::now() - since >= timing_.redial_at_most) wait = timing_.redial;
    if (!pause(wait)) return;
    wait = std::min(2 * wait, timing_.redial_at_most);
  }
}

/// Until the line is lost (it throws), or we end.
void LineWakes::serve(WakeLine& line) {
  auto sign_of_life = in(timing_.idle);
  auto next_batch = Monotonic::now();
  while (!ending()) {
    eventfd_t ignored = 0;
    ::eventfd_read(woken_.get(), &ignored);
    const bool may_send = Monotonic::now() >= next_batch;
    if (const auto messages = may_send ? take_waiting() : std::vector<std::string>{}; !messages.empty()) {
      try {
        line.send(messages);
      } catch (...) {
        announce({.topic = Topic::everything});
        throw;
      }
      next_batch = in(timing_.together);
    } else if (Monotonic::now() >= sign_of_life) {
      line.send({});
      sign_of_life = in(timing_.idle);
    }
    const auto arrived = line.receive();
    if (!arrived.empty()) sign_of_life = in(timing_.idle);
    hear(arrived);
    std::array<pollfd, 2> watched{
        {{.fd = line.fd(), .events = POLLIN, .revents = 0}, {.fd = woken_.get(), .events = POLLIN, .revents = 0}}};
    ::poll(watched.data(), watched.size(), timeout_until(may_send ? sign_of_life : std::min(next_batch, sign_of_life)));
  }
  if (const auto last = take_waiting(); !last.empty()) line.send(last);
}

void LineWakes::hear(const std::vector<std::string>& messages) {
  for (const auto& message : messages)
    if (const auto wake = read(message, node_)) heard_(*wake);
}

std::vector<std::string> LineWakes::take_waiting() {
  std::deque<Wake> taken;
  {
    const std::lock_guard lock{mutex_};
    taken.swap(waiting_);
  }
  std::vector<std::string> messages;
  messages.reserve(taken.size());
  for (const auto& wake : taken) messages.push_back(written(node_, wake));
  return messages;
}

/// False: we end.
bool LineWakes::pause(milliseconds span) {
  const auto until = in(span);
  while (!ending()) {
    if (Monotonic::now() >= until) return true;
    pollfd watched{.fd = woken_.get(), .events = POLLIN, .revents = 0};
    ::poll(&watched, 1, timeout_until(until));
    eventfd_t ignored = 0;
    ::eventfd_read(woken_.get(), &ignored);
  }
  return false;
}

}  // namespace onetake::signal
