#include "http/listener.hpp"

#include <gmock/gmock.h>

#include <thread>

#include "http/problem.hpp"
#include "http/test_client.hpp"

namespace onetake::http {
namespace {

using test::Client;
using test::Closed;

class EmptySite final : public Site {
 public:
  std::atomic<bool> fails = false;

  Task<Answer> answer(const Request& request) override;
  Answer refuse(Fault fault) override { return problem({.fault = fault}); }
  [[nodiscard]] bool draining() const override { return false; }
};

Task<Answer> EmptySite::answer(const Request&) {
  if (fails) throw std::runtime_error("scripted");
  co_return Answer{.status = 204, .fields = {}, .body = {}};
}

class ListenerTest : public testing::Test {
 protected:
  ListenerTest() {
    for (int i = 0; i < 2; ++i) loops_.push_back(std::make_unique<Loop>());
  }
  ~ListenerTest() override { end(); }

  void start(Listener& listener) {
    listener.start();
    for (const auto& loop : loops_) threads_.emplace_back([&loop = *loop] { loop.run_until_stopped(); });
  }
  void end() {
    for (const auto& loop : loops_) loop->stop();
    threads_.clear();
  }
  static bool answers(Client& client) {
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    return client.reply().status == 204;
  }

  EmptySite site_;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::vector<std::jthread> threads_;
};

TEST_F(ListenerTest, EveryLoopAcceptsAtOneAddress) {
  Listener listener{loops_, "127.0.0.1", 0, site_, {}};
  EXPECT_NE(listener.endpoint().port(), 0);
  start(listener);
  std::vector<Client> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(Client::connect(listener.endpoint().port()));
  for (auto& client : clients) EXPECT_TRUE(answers(client));
  EXPECT_EQ(listener.open(), 20);
  end();
}

TEST_F(ListenerTest, AnAddressIsHadOnce) {
  const Listener listener{loops_, "127.0.0.1", 0, site_, {}};
  const auto port = listener.endpoint().port();
  EXPECT_THAT([&] { Listener(loops_, "127.0.0.1", port, site_, {}); },
              testing::ThrowsMessage<std::runtime_error>("cannot listen on 127.0.0.1:" + std::to_string(port) +
                                                         ": Address already in use (server.listen)"));
  EXPECT_THROW((Listener{loops_, "192.0.2.1", 0, site_, {}}), std::runtime_error);
  EXPECT_THROW((Listener{loops_, "no address", 0, site_, {}}), boost::system::system_error);
}

TEST_F(ListenerTest, StoppedItClosesWhatIsIdleAndAcceptsNoMore) {
  Listener listener{loops_, "127.0.0.1", 0, site_, {}};
  start(listener);
  auto used = Client::connect(listener.endpoint().port());
  EXPECT_TRUE(answers(used));
  listener.stop();
  EXPECT_EQ(used.closed(), Closed::cleanly);
  while (listener.open() != 0) std::this_thread::yield();
  end();
}

// Whoever drains waits for the count.
TEST_F(ListenerTest, AConnectionThatFailsIsNotCountedAnyMore) {
  Listener listener{loops_, "127.0.0.1", 0, site_, {}};
  start(listener);
  auto client = Client::connect(listener.endpoint().port());
  EXPECT_TRUE(answers(client));
  EXPECT_EQ(listener.open(), 1);
  site_.fails = true;
  EXPECT_FALSE(answers(client));
  EXPECT_NE(client.closed(), Closed::not_yet);
  while (listener.open() != 0) std::this_thread::yield();
  end();
}

}  // namespace
}  // namespace onetake::http
