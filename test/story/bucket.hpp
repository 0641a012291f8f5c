#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>

#include "durable/bucket_test.hpp"
#include "story/server.hpp"

namespace onetake::story {

/// A bucket whose doings a story turns on and off.
class Storage {
 public:
  std::atomic<bool> down = false;     ///< connections are reset
  std::atomic<bool> pausing = false;  ///< a GET stops in mid-body, until `go_on`

  /// A server's settings with it, and `more`.
  [[nodiscard]] Server::Settings settings(Server::Settings more = {}) const {
    const auto said = bucket_.settings();
    for (const auto& [key, value] : {std::pair{"type", said.type},
                                     {"endpoint", said.endpoint},
                                     {"bucket", said.bucket},
                                     {"region", said.region},
                                     {"access_key_id", said.access_key_id},
                                     {"secret_access_key", said.secret_access_key}})
      more[std::string{"storage."} + key] = '"' + value + '"';
    return more;
  }
  /// From now on these requests are answered so, and nothing is done; those for which it says "" are served.
  using Answers = std::function<std::string(const durable::test::Seen&)>;
  void answer(Answers answers) {
    const std::lock_guard lock{mutex_};
    answers_ = std::move(answers);
  }
  /// As whoever stands in between, or the storage without the bucket, says that something is not there.
  static std::string nothing_there(const durable::test::Seen& seen, const std::string& answer) {
    return seen.method == "HEAD" ? "HTTP/1.1 404 Not Found\r\n\r\n" : answer;
  }
  void go_on() {
    pausing = false;
    go_on_.set();
  }

  /// Waits until there are so many.
  [[nodiscard]] bool has_objects(std::size_t count) const {
    return Server::eventually([&] { return bucket_.objects().size() == count; });
  }
  /// Waits until a copy is growing.
  [[nodiscard]] bool has_a_part() const {
    return Server::eventually([&] {
      const auto uploads = bucket_.uploads();
      return !uploads.empty() && !uploads.begin()->second.parts.empty();
    });
  }
  /// REQUIRES: there is one of the call.
  [[nodiscard]] std::string key(const Server& server, const std::string& call_sid) const {
    const auto id = server.get(recording(call_sid))["/id"];
    for (const auto& [key, _] : bucket_.objects())
      if (key.starts_with("audio/" + id)) return key;
    throw std::runtime_error("no object of " + call_sid);
  }
  [[nodiscard]] durable::test::Bucket& bucket() { return bucket_; }

 private:
  durable::test::Fault fault(const durable::test::Seen& seen) {
    if (down) return {.instead = "nothing", .lost = true};
    {
      const std::lock_guard lock{mutex_};
      if (auto said = answers_ ? answers_(seen) : ""; !said.empty()) return {.instead = std::move(said)};
    }
    if (pausing && seen.method == "GET") return {.cut = 40'000, .pause = [this] { go_on_.wait(); }};
    return {};
  }

  std::mutex mutex_;
  Answers answers_;
  provider::test::Signal go_on_;
  durable::test::Bucket bucket_{[this](const durable::test::Seen& seen, int) { return fault(seen); }};
};

}  // namespace onetake::story
