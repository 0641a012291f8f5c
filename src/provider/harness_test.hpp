#pragma once

#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "base/loop.hpp"
#include "base/metrics.hpp"
#include "provider/settings.hpp"
#include "provider/transfer.hpp"

namespace onetake::provider::test {

/// A loop on its own thread, and the transfers that it waits for.
class Harness {
 public:
  Harness() : thread_([this] { loop_.run_until_stopped(); }) {}
  ~Harness() {
    transfers_.reset();
    loop_.stop();
    thread_.join();
  }
  Harness(const Harness&) = delete;
  Harness& operator=(const Harness&) = delete;

  template <class T>
  std::future<T> start(Task<T> task) {
    auto promise = std::make_shared<std::promise<T>>();
    auto future = promise->get_future();
    asio::co_spawn(loop_.get_executor(), std::move(task), [promise](std::exception_ptr error, T value) {
      if (error) return promise->set_exception(error);
      promise->set_value(std::move(value));
    });
    return future;
  }
  template <class T>
  T run(Task<T> task) {
    return start(std::move(task)).get();
  }

  Transfers& transfers() { return *transfers_; }
  void end_transfers() { transfers_.reset(); }

 private:
  Loop loop_;
  std::unique_ptr<Transfers> transfers_ = std::make_unique<Transfers>();
  std::thread thread_;
};

/// Keeps what a provider delivers, and can announce or refuse it.
class KeepingSink final : public Sink {
 public:
  bool begin(const Head& head) override {
    ++begins;
    heads.push_back(head);
    bytes.clear();
    return on_begin ? on_begin() : true;
  }
  bool data(std::span<const std::byte> more) override {
    bytes.append(reinterpret_cast<const char*>(more.data()), more.size());
    return on_data ? on_data() : true;
  }

  int begins = 0;
  std::vector<Head> heads;
  std::string bytes;
  std::function<bool()> on_begin;
  std::function<bool()> on_data;
};

/// Patient: a test that is about a deadline sets its own, and no other may fail because the machine is busy.
inline Limits loopback_limits() {
  return {.connect_timeout = milliseconds{40'000},
          .stall_timeout = milliseconds{40'000},
          .max_recording_bytes = 1_GiB,
          .allow_addresses = {Cidr::parse("127.0.0.0/8").value(), Cidr::parse("::1").value()},
          .allow_plain_http = true};
}

/// A counter's value in the text that /metrics shows; 0 where it is not there yet. `labels` as they stand between
/// braces.
inline double counted(const std::string& series, const std::string& labels) {
  const auto text = metrics::text();
  const auto line = series + '{' + labels + "} ";
  const auto at = text.find(line);
  return at == std::string::npos ? 0 : std::stod(text.substr(at + line.size()));
}

inline Ask asking(std::string source_url) {
  Ask ask;
  ask.recording.call_sid = CallSid{"CA1"};
  ask.recording.registered.source_url = std::move(source_url);
  ask.deadline = in(std::chrono::seconds{50});
  return ask;
}

}  // namespace onetake::provider::test
