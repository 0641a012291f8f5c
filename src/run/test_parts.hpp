#pragma once

#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/waiters.hpp"
#include "blob/growing.hpp"
#include "provider/provider.hpp"

/// What the tests of this module have instead of a telephony provider.
namespace onetake::run::test {

/// A whole WAV file of `size` bytes, 46 or more and even: 16 bit, 8 kHz, mono. Files with another `seed` differ from
/// their 45th byte on.
inline std::string wav(std::size_t size, int seed = 0) {
  const auto le = [](std::size_t value, int bytes) {
    std::string made;
    for (; bytes > 0; --bytes, value >>= 8) made += static_cast<char>(value & 0xff);
    return made;
  };
  auto made = "RIFF" + le(size - 8, 4) + "WAVEfmt " + le(16, 4) + le(1, 2) + le(1, 2) + le(8000, 4) + le(16'000, 4) +
              le(2, 2) + le(16, 2) + "data" + le(size - 44, 4);
  for (std::size_t i = made.size(); i < size; ++i)
    made += static_cast<char>(i * 7 + i / 253 + static_cast<std::size_t>(seed) * 31);
  return made;
}

inline std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span{text}); }

/// What a reader may read.
inline std::string readable(const blob::Growing& growing) {
  std::string text(growing.view().watermark, '\0');
  const auto n = ::pread(growing.fd(), text.data(), text.size(), 0);
  text.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
  return text;
}

/// What a provider does with one request.
struct Step {
  std::optional<provider::Head> head = {};
  std::string body = {};
  bool holds = false;  ///< waits behind the body until it is released or told to stop
  std::optional<provider::Refused> end = {};
};

inline Step sends(std::string audio) {
  return {.head = provider::Head{.offset = 0,
                                 .total = audio.size(),
                                 .framing = provider::Framing::length,
                                 .validator = "\"v\"",
                                 .digests = {}},
          .body = std::move(audio)};
}
inline Step refuses(Cause cause, int status = 0, std::optional<milliseconds> retry_after = {}) {
  return {.end = provider::Refused{.setback = {.cause = cause, .detail = "scripted", .provider_status = status},
                                   .retry_after = retry_after}};
}
/// The first `count` bytes of `step`, then the connection breaks.
inline Step cut(Step step, std::size_t count) {
  step.body.resize(count);
  step.end = provider::Refused{.setback = {.cause = Cause::interrupted, .detail = "scripted"}};
  return step;
}

/// Does step after step, one a request; past the last one it is unavailable.
class ScriptedProvider final : public provider::Provider {
 public:
  void will(Step step) {
    const std::lock_guard lock{mutex_};
    steps_.push_back(std::move(step));
  }

  /// Returns when `count` requests in all have come to their hold.
  void until_held(int count = 1) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return held_ >= count; });
  }
  /// From now on nothing holds.
  void release() {
    const std::lock_guard lock{mutex_};
    released_ = true;
    waiters_.wake_all();
  }

  struct Asked {
    std::string call_sid;
    Bytes from;
    std::string validator;
    Deadline deadline;
    std::string variant;
  };
  std::vector<Asked> asked() const {
    const std::lock_guard lock{mutex_};
    return asked_;
  }

  [[nodiscard]] std::string_view type() const override { return "scripted"; }
  [[nodiscard]] result<void> admits(const Registration&) const override { return {}; }

  // Defined below: GCC 12 resumes a virtual coroutine that is defined in its class at the wrong address.
  Task<provider::Outcome> fetch(provider::Ask ask, provider::Sink& sink) override;

 private:
  Step next(const provider::Ask& ask) {
    const std::lock_guard lock{mutex_};
    asked_.push_back({ask.recording.call_sid.str(), ask.from, ask.validator, ask.deadline, ask.variant});
    if (steps_.empty()) return refuses(Cause::unavailable);
    auto step = std::move(steps_.front());
    steps_.pop_front();
    return step;
  }
  static provider::Outcome stopped() {
    return std::unexpected(provider::Refused{.setback = {.cause = Cause::internal, .detail = "stopped"}});
  }

  mutable std::mutex mutex_;
  Waiters waiters_{mutex_};
  std::condition_variable changed_;
  std::deque<Step> steps_;
  std::vector<Asked> asked_;
  int held_ = 0;
  bool released_ = false;
};

inline Task<provider::Outcome> ScriptedProvider::fetch(provider::Ask ask, provider::Sink& sink) {
  auto step = next(ask);
  if (step.head && !sink.begin(*step.head)) co_return stopped();
  if (!step.body.empty() && !sink.data(bytes(step.body))) co_return stopped();
  if (step.holds) {
    const std::stop_callback wake{ask.stop, [this] {
                                    const std::lock_guard lock{mutex_};
                                    waiters_.wake_all();
                                  }};
    std::unique_lock lock{mutex_};
    ++held_;
    changed_.notify_all();
    while (!released_ && !ask.stop.stop_requested()) co_await waiters_.wait(lock, never);
  }
  if (ask.stop.stop_requested()) co_return stopped();
  if (step.end) co_return std::unexpected(*step.end);
  co_return provider::Delivered{step.head ? step.head->framing : provider::Framing::length};
}

}  // namespace onetake::run::test
