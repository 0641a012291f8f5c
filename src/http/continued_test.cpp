#include "http/continued.hpp"

#include <unistd.h>

#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <utility>

#include "base/metrics.hpp"
#include "http/test_node.hpp"
#include "run/test_join.hpp"

namespace onetake::http {
namespace {

using namespace std::chrono_literals;
using test::Node;
using test::Says;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Le;
using testing::Not;
using testing::SizeIs;

/// Takes whatever comes.
class Heard final : public Out {
 public:
  std::string bytes;

  Task<bool> send(std::string_view piece, bool more) override;
  Task<bool> send_file(int fd, Bytes offset, Bytes length, const std::atomic<bool>* withdrawn) override;
};

Task<bool> Heard::send(std::string_view piece, bool) {
  bytes += piece;
  co_return true;
}

Task<bool> Heard::send_file(int fd, Bytes offset, Bytes length, const std::atomic<bool>*) {
  std::string piece(length, '\0');
  const auto n = ::pread(fd, piece.data(), piece.size(), static_cast<off_t>(offset));
  bytes += piece;
  co_return n == std::ssize(piece);
}

/// A node's answer that says `first`, and then breaks off.
class Breaking final : public Neighbour {
 public:
  explicit Breaking(std::string first, std::function<void()> at_the_break)
      : first_(std::move(first)), at_the_break_(std::move(at_the_break)) {}

  [[nodiscard]] int status() const override { return 200; }
  [[nodiscard]] const std::string& fields() const override { return fields_; }
  [[nodiscard]] std::string_view etag() const override { return "\"v1\""; }
  [[nodiscard]] std::string_view content_range() const override { return ""; }
  [[nodiscard]] std::string_view content_type() const override { return "audio/wav"; }
  [[nodiscard]] std::optional<Bytes> length() const override { return 8; }
  Task<std::optional<std::string>> read(milliseconds within) override;

 private:
  std::string first_;
  std::function<void()> at_the_break_;
  std::string fields_;
};

Task<std::optional<std::string>> Breaking::read(milliseconds) {
  if (!first_.empty()) co_return std::exchange(first_, {});
  if (at_the_break_) at_the_break_();
  co_return std::nullopt;
}

/// Version 1 is "abcdefgh"; three of its bytes have come from a node, which is gone then. The ledger names another.
class ContinuedTest : public run::test::JoinTest {
 protected:
  ContinuedTest() { flights_.alias(key(), flight_); }

  /// The run is in this node's hands.
  void is_at(const Node& node) {
    flight_->seen(flight_->view().change, recording(1, RunStatus::running).run.value(), node.url());
  }

  End write(milliseconds patience = 10s) {
    Continued::Of of{.key = key(),
                     .target = "/api/recordings/CA/stream",
                     .etag = "\"v1\"",
                     .first = 0,
                     .end = 8,
                     .total = 8,
                     .began = Monotonic::now()};
    const auto body = one_.lent(std::make_shared<Continued>(streams_, &relay_, patience, std::move(of),
                                                            std::make_shared<Breaking>("abc", at_the_break_)));
    return one_.run(body->write(heard_));
  }

  static Says whole(const std::string& etag, const std::string& bytes) {
    return {.text = "HTTP/1.1 200 OK\r\nETag: \"" + etag + "\"\r\nContent-Length: 8\r\n\r\n" + bytes};
  }
  static Says rest(const std::string& etag, int from, const std::string& bytes) {
    return {.text = "HTTP/1.1 206 Partial Content\r\nETag: \"" + etag + "\"\r\nContent-Range: bytes " +
                    std::to_string(from) + "-7/8\r\nContent-Length: " + std::to_string(8 - from) + "\r\n\r\n" + bytes};
  }
  static auto asks(int from, const std::string& etag) {
    return HasSubstr("\r\nRange: bytes=" + std::to_string(from) + "-7\r\nIf-Range: \"" + etag + "\"\r\n");
  }

  std::shared_ptr<run::Flight> flight_ = flights_.open(recording(1, RunStatus::running), run::Flights::By::onlooker);
  stream::Shelf shelf_{10};
  stream::Evictor evictor_{ledger_, store_, disk_, flights_, shelf_};
  stream::Quarantine quarantine_{ledger_, store_, disk_, shelf_};
  stream::Streams streams_{
      ledger_, store_, disk_, join_, shelf_, evictor_, quarantine_, run::Join::Admission{.works = false}, 1s};
  Relay relay_{"secret"};
  std::function<void()> at_the_break_;
  Heard heard_;
};

TEST_F(ContinuedTest, GoesOnWithTheRestOfTheSame) {
  const Node node{rest("v1", 3, "defgh")};
  is_at(node);
  EXPECT_EQ(write(), End::clean);
  EXPECT_EQ(heard_.bytes, "abcdefgh");
  EXPECT_THAT(node.asked().at(0), asks(3, "v1"));
}

TEST_F(ContinuedTest, AnotherVersionThatBeginsAlikeIsTheSame) {
  const Node node{whole("v2", "abcdefgh")};
  is_at(node);
  EXPECT_EQ(write(), End::clean);
  EXPECT_EQ(heard_.bytes, "abcdefgh");
}

TEST_F(ContinuedTest, AnotherVersionIsNotGluedOn) {
  const Node node{whole("v2", "abCdefgh")};
  is_at(node);
  EXPECT_EQ(write(), End::cut);
  EXPECT_EQ(heard_.bytes, "abc");
}

// From then on it is that one, and the first is as good as any other.
TEST_F(ContinuedTest, WhatWasTakenForTheSameIsWhatIsSent) {
  const Node node{{whole("v2", "abcde"), rest("v2", 5, "fg"), rest("v2", 7, "h")}};
  is_at(node);
  EXPECT_EQ(write(), End::clean);
  EXPECT_EQ(heard_.bytes, "abcdefgh");
  EXPECT_THAT(node.asked().at(1), asks(5, "v2"));
  EXPECT_THAT(node.asked().at(2), asks(7, "v2"));
}

TEST_F(ContinuedTest, AComparisonThatBreaksOffGoesOnWhereItWas) {
  const Node node{{whole("v2", "a"), whole("v2", ""), rest("v2", 1, "bcdefgh")}};
  is_at(node);
  EXPECT_EQ(write(), End::clean);
  EXPECT_EQ(heard_.bytes, "abcdefgh");
  EXPECT_THAT(node.asked().at(1), asks(3, "v1"));
  EXPECT_THAT(node.asked().at(2), asks(1, "v2"));
}

TEST_F(ContinuedTest, AComparisonBeginsAnewWithYetAnother) {
  const Node node{{whole("v2", "a"), whole("v3", ""), whole("v3", "abcdefgh")}};
  is_at(node);
  EXPECT_EQ(write(), End::clean);
  EXPECT_EQ(heard_.bytes, "abcdefgh");
}

// What comes again is no silence, however long it takes.
TEST_F(ContinuedTest, ALongComparisonUsesUpNoPatience) {
  auto slowly = whole("v2", "a");
  slowly.rest = "b";
  slowly.after = 2'200ms;
  const Node node{{slowly, whole("v2", ""), rest("v2", 2, "cdefgh")}};
  is_at(node);
  EXPECT_EQ(write(2s), End::clean);
  EXPECT_EQ(heard_.bytes, "abcdefgh");
}

// Each question costs the node that is asked, and the database.
TEST_F(ContinuedTest, WhatBreaksOffAtOnceIsNotAskedForWithoutEnd) {
  const Node node{{rest("v1", 3, "")}, true};
  is_at(node);
  EXPECT_EQ(write(500ms), End::cut);
  EXPECT_EQ(heard_.bytes, "abc");
  EXPECT_THAT(node.asked(), AllOf(Not(IsEmpty()), SizeIs(Le(8U))));
}

// There is no room for what it waits for, and then there is.
TEST_F(ContinuedTest, WhatPassesIsWaitedFor) {
  auto waits = recording(1, RunStatus::queued).run.value();
  waits.setback = Setback{.cause = Cause::no_space, .detail = {}};
  flight_->seen(flight_->view().change, waits, "");
  const Node node{rest("v1", 3, "defgh")};
  // When it has been asked for once: until then nobody else has the loop.
  at_the_break_ = [&] { asio::post(one_.loop(), [&] { is_at(node); }); };
  EXPECT_EQ(write(), End::clean);
  EXPECT_EQ(heard_.bytes, "abcdefgh");
}

// Whoever listens is counted once, where they asked.
TEST_F(ContinuedTest, TheFirstByteIsCountedUnlessAnotherNodeAsks) {
  const auto counted = [] {
    const std::string series = "\nonetake_first_byte_seconds_count{state=\"live\"} ";
    const auto page = metrics::text();
    const auto at = page.find(series);
    return at == std::string::npos ? 0 : std::stoi(page.substr(at + series.size()));
  };
  for (const bool by_node : {true, false}) {
    Continued::Of of{.key = key(),
                     .target = {},
                     .etag = "\"v1\"",
                     .first = 0,
                     .end = 8,
                     .total = 8,
                     .began = Monotonic::now(),
                     .by_node = by_node};
    const auto body = one_.lent(
        std::make_shared<Continued>(streams_, nullptr, 1s, std::move(of), std::make_shared<Breaking>("abc", nullptr)));
    const auto before = counted();
    EXPECT_EQ(one_.run(body->write(heard_)), End::cut);
    EXPECT_EQ(counted() - before, by_node ? 0 : 1);
  }
  EXPECT_EQ(heard_.bytes, "abcabc");
}

}  // namespace
}  // namespace onetake::http
