#include "signal/redis_wakes.hpp"

#include "signal/line_wakes.hpp"
#include "signal/redis_connection.hpp"

namespace onetake::signal {
namespace {

/// For each step: a server that takes longer is taken for lost. Nobody waits for this.
constexpr milliseconds patience{2'000};

class Line final : public WakeLine {
 public:
  explicit Line(const RedisAddress& address)
      : channel_("onetake:wakes:" + std::to_string(address.db)), said_(address, patience), heard_(address, patience) {
    said_.probe(in(patience));
    heard_.ask({"SUBSCRIBE", channel_}, in(patience));
  }

  [[nodiscard]] int fd() const override { return heard_.fd(); }

  void send(const std::vector<std::string>& messages) override {
    for (const auto& message : messages) said_.ask({"PUBLISH", channel_, message}, in(patience));
    if (!messages.empty()) return;
    said_.probe(in(patience));
    heard_.append({"PING"});
    alive_ = false;
    const auto until = in(patience);
    while (!alive_) {
      const bool sent = heard_.flush();
      take();
      if (alive_) break;
      if (Monotonic::now() >= until) throw RedisLost{"no answer in time"};
      heard_.wait(!sent, -1, until);
    }
  }

  std::vector<std::string> receive() override {
    take();
    return std::exchange(arrived_, {});
  }

 private:
  void take() {
    heard_.receive();
    while (auto reply = heard_.next()) {
      if (reply->items.size() == 3 && reply->items[0].text == "message") {
        arrived_.push_back(std::move(reply->items[2].text));
      } else if (!reply->items.empty() && reply->items[0].text == "pong") {
        alive_ = true;
      } else if (reply->kind == Reply::Kind::error) {
        throw RedisLost{reply->text};
      }
    }
  }

  const std::string channel_;
  RedisConnection said_;
  RedisConnection heard_;
  std::vector<std::string> arrived_;
  bool alive_ = false;
};

}  // namespace

DialWakes redis_line(RedisAddress address) {
  return [address = std::move(address)] { return std::make_unique<Line>(address); };
}

std::unique_ptr<LineWakes> redis_wakes(RedisAddress address) {
  return std::make_unique<LineWakes>("redis", redis_line(std::move(address)));
}

}  // namespace onetake::signal
