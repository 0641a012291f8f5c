// Each fault, as a client sees it on the wire.

#include "simulator/answer.hpp"

#include <gmock/gmock.h>

#include "simulator/provider.hpp"
#include "simulator/visitor.hpp"

namespace onetake::simulator {
namespace {

using namespace std::chrono_literals;
using End = Visitor::End;
using testing::HasSubstr;

class Wire : public testing::Test {
 protected:
  Visitor::Got play(const Answer& answer, const std::vector<std::string>& headers = {}) {
    call.answering(answer);
    return get(provider.port(), "/media/CA1", headers);
  }

  Provider provider;
  Call call = provider.has("CA1", speech(2s));
  const Bytes size = call.audio.size();
};

TEST_F(Wire, CutAtHalf) {
  const auto got = play(cut_at(0.5));
  EXPECT_EQ(got.header("Content-Length"), std::to_string(size));
  EXPECT_EQ(got.body, call.audio.bytes(0, size / 2));
  EXPECT_EQ(got.end, End::fin);
  EXPECT_EQ(call.bytes_sent(), size / 2);
  call.until(request(1).ends());
  EXPECT_EQ(call.counters().aborted, 0U) << "it was the provider who left";
}

TEST_F(Wire, CutAndTheRestIsEveryByteOnce) {
  call.answering(cut_at(0.5), the_rest());
  const auto first = get(provider.port(), "/media/CA1");
  const auto second =
      get(provider.port(), "/media/CA1",
          {"Range: bytes=" + std::to_string(first.body.size()) + "-", "If-Range: " + first.header("ETag")});
  EXPECT_EQ(second.status, 206);
  EXPECT_EQ(first.body + second.body, call.audio.bytes());
  EXPECT_EQ(call.bytes_sent(), size);
}

TEST_F(Wire, CutAgainAtTheSamePlaceGivesNothing) {
  const auto got = play(cut_at(1'000), {"Range: bytes=1000-"});
  EXPECT_EQ(got.status, 206);
  EXPECT_EQ(got.body, "");
  EXPECT_EQ(got.end, End::fin);
}

TEST_F(Wire, ResetDeliversWhatStandsBefore) {
  const auto got = play(reset_at(12'345));
  EXPECT_EQ(got.body, call.audio.bytes(0, 12'345));
  EXPECT_EQ(got.end, End::rst);
}

TEST_F(Wire, ResetBeforeTheFirstByte) {
  const auto got = play(reset_at(0));
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "");
  EXPECT_EQ(got.end, End::rst);
}

TEST_F(Wire, HangsUpWithoutAnAnswer) {
  const auto got = play(hang_up());
  EXPECT_EQ(got.status, 0);
  EXPECT_EQ(got.end, End::fin);
}

TEST_F(Wire, PromisesMoreThanItHas) {
  const auto got = play(whole().length_off_by(100));
  EXPECT_EQ(got.header("Content-Length"), std::to_string(size + 100));
  EXPECT_EQ(got.body, call.audio.bytes());
  EXPECT_EQ(got.end, End::fin);
}

TEST_F(Wire, SendsMoreThanItPromised) {
  call.answering(whole().length_off_by(-100));
  Visitor visitor{provider.port()};
  visitor.ask("/media/CA1");
  const auto got = visitor.answer();
  EXPECT_EQ(got.header("Content-Length"), std::to_string(size - 100));
  EXPECT_EQ(got.body, call.audio.bytes(0, size - 100));
  EXPECT_EQ(visitor.until_closed(), call.audio.bytes(size - 100));
}

TEST_F(Wire, StallsUntilReleased) {
  call.answering(stall_at(0.25));
  Visitor visitor{provider.port()};
  visitor.ask("/media/CA1");
  auto got = visitor.head();
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(visitor.some(size / 4), call.audio.bytes(0, size / 4));
  call.until(held("stall"));
  EXPECT_FALSE(visitor.has_something());
  call.release("stall");
  EXPECT_EQ(visitor.some(size - size / 4), call.audio.bytes(size / 4));
}

TEST_F(Wire, ErrorPageSaysItIsFine) {
  const auto got = play(error_page());
  EXPECT_EQ(got.status, 200);
  EXPECT_THAT(got.header("Content-Type"), HasSubstr("text/html"));
  EXPECT_THAT(got.body, HasSubstr("<html>"));
  EXPECT_GT(got.body.size(), 512U) << "longer than what a server looks at first";
}

TEST_F(Wire, Statuses) {
  for (const int code : {401, 403, 404, 410, 500, 503}) {
    const auto got = play(status(code));
    EXPECT_EQ(got.status, code);
    EXPECT_THAT(got.body, HasSubstr("\"status\": " + std::to_string(code)));
  }
  EXPECT_EQ(play(throttled(7s)).header("Retry-After"), "7");
  EXPECT_EQ(play(throttled()).header("Retry-After"), "");
  const auto redirected = play(redirect("http://elsewhere.example/x"));
  EXPECT_EQ(redirected.status, 302);
  EXPECT_EQ(redirected.header("Location"), "http://elsewhere.example/x");
}

TEST_F(Wire, ChunkedWithoutLength) {
  const auto got = play(whole().chunked(), {"Range: bytes=5-"});
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.header("Content-Length"), "");
  EXPECT_EQ(got.body, call.audio.bytes());
  EXPECT_EQ(got.end, End::whole);

  const auto cut = play(whole().chunked().cut_at(0.5));
  EXPECT_EQ(cut.body, call.audio.bytes(0, size / 2));
  EXPECT_EQ(cut.end, End::fin) << "no final chunk";

  const auto nothing = play(whole().chunked().of(raw("")));
  EXPECT_EQ(nothing.body, "");
  EXPECT_EQ(nothing.end, End::whole);
}

TEST_F(Wire, UntilClose) {
  const auto got = play(whole().until_close());
  EXPECT_EQ(got.header("Content-Length"), "");
  EXPECT_EQ(got.header("Transfer-Encoding"), "");
  EXPECT_EQ(got.body, call.audio.bytes());
  EXPECT_EQ(got.end, End::fin);
  EXPECT_EQ(play(whole().until_close().cut_at(10)).body, call.audio.bytes(0, 10));
}

TEST_F(Wire, Ranges) {
  const auto middle = play(whole(), {"Range: bytes=100-199"});
  EXPECT_EQ(middle.status, 206);
  EXPECT_EQ(middle.body, call.audio.bytes(100, 100));
  EXPECT_EQ(middle.header("Content-Range"), "bytes 100-199/" + std::to_string(size));
  EXPECT_EQ(play(whole(), {"Range: bytes=-10"}).body, call.audio.bytes(size - 10));
  const auto behind = play(whole(), {"Range: bytes=" + std::to_string(size) + "-"});
  EXPECT_EQ(behind.status, 416);
  EXPECT_EQ(behind.header("Content-Range"), "bytes */" + std::to_string(size));
  EXPECT_EQ(play(whole(), {"Range: bytes=0-1,5-6"}).status, 200);
  EXPECT_EQ(play(whole(), {"Range: items=0-1"}).status, 200);

  const auto all = play(whole().without_ranges(), {"Range: bytes=100-199"});
  EXPECT_EQ(all.status, 200);
  EXPECT_EQ(all.header("Accept-Ranges"), "");
  EXPECT_EQ(all.body, call.audio.bytes());
  EXPECT_EQ(call.seen().front().range, "bytes=100-199");
}

TEST_F(Wire, Tags) {
  const std::string range = "Range: bytes=1-";
  EXPECT_EQ(play(whole(), {range, "If-Range: " + call.audio.etag()}).status, 206);
  EXPECT_EQ(play(whole(), {range, "If-Range: \"other\""}).status, 200);
  EXPECT_EQ(play(whole().tagged("\"a\""), {range, "If-Range: \"a\""}).status, 206);
  EXPECT_EQ(play(whole().tagged("W/\"a\""), {range, "If-Range: W/\"a\""}).status, 200) << "weak is not enough";
  const auto untagged = play(whole().untagged(), {range, "If-Range: \"a\""});
  EXPECT_EQ(untagged.status, 200);
  EXPECT_EQ(untagged.header("ETag"), "");
  EXPECT_EQ(play(whole().untagged(), {range}).status, 206);
  EXPECT_NE(play(whole().tagged_anew()).header("ETag"), play(whole().tagged_anew()).header("ETag"));
}

TEST_F(Wire, AnotherContentTheSecondTime) {
  const Audio other = call.audio.differing_from(1'000);
  call.answering(cut_at(0.5), whole().of(other));
  const auto first = get(provider.port(), "/media/CA1");
  const auto second = get(provider.port(), "/media/CA1", {"Range: bytes=500-", "If-Range: " + first.header("ETag")});
  EXPECT_EQ(second.status, 200);
  EXPECT_EQ(second.body, other.bytes());
  EXPECT_NE(second.body, call.audio.bytes());
}

TEST_F(Wire, Digests) {
  const Answer right = whole().of(raw("abc"));
  EXPECT_EQ(play(right.stating(Digest::content_md5)).header("Content-MD5"), "kAFQmDzST7DWlj99KOF/cg==");
  EXPECT_EQ(play(right.stating(Digest::digest)).header("Digest"),
            "sha-256=ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
  EXPECT_EQ(play(right.stating(Digest::repr_digest)).header("Repr-Digest"),
            "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:");
  EXPECT_EQ(play(right.stating(Digest::content_md5), {"Range: bytes=1-"}).header("Content-MD5"), "");
  EXPECT_NE(play(right.misstating(Digest::digest)).header("Digest"),
            "sha-256=ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
}

TEST_F(Wire, LiesAboutTypesAndAddsHeaders) {
  const auto got = play(whole().typed("text/plain").with("X-Odd", "yes"));
  EXPECT_EQ(got.header("Content-Type"), "text/plain");
  EXPECT_EQ(got.header("X-Odd"), "yes");
}

TEST_F(Wire, PacesFinely) {
  // 64,044 bytes at 640,000 a second, in steps of 10 ms, take a tenth of a second or longer, never less.
  const auto before = Monotonic::now();
  EXPECT_EQ(play(at(640'000)).body, call.audio.bytes());
  EXPECT_GE(Monotonic::now() - before, 99ms);
  const auto late = Monotonic::now();
  play(after(30ms).cut_at(0));
  EXPECT_GE(Monotonic::now() - late, 30ms);
}

TEST_F(Wire, DripsAByteAtATime) {
  call.answering(whole().at(200));
  Visitor visitor{provider.port()};
  visitor.ask("/media/CA1");
  visitor.head();
  EXPECT_EQ(visitor.some(3), "RIF");
  EXPECT_LT(call.bytes_sent(), size) << "which takes minutes";
}

TEST_F(Wire, EmptyAndTiny) {
  for (const auto* bytes : {"", "x"}) {
    const auto got = play(whole().of(raw(bytes)));
    EXPECT_EQ(got.body, bytes);
    EXPECT_EQ(got.header("Content-Length"), std::to_string(std::string{bytes}.size()));
  }
  EXPECT_EQ(play(whole().of(raw("")), {"Range: bytes=0-"}).status, 416);
}

TEST(Throughput, HalfAGigabyteIsReadOffTheWireByteForByte) {
  Provider provider;
  const auto call = provider.has("CA1", wav(500'000'000));
  Visitor visitor{provider.port()};
  visitor.ask("/media/CA1");
  visitor.head();
  Bytes at = 0;
  const auto before = Monotonic::now();
  while (at < call.audio.size()) {
    const auto piece = visitor.some(std::min<Bytes>(1_MiB, call.audio.size() - at));
    ASSERT_TRUE(call.audio.holds(at, piece)) << at;
    ASSERT_FALSE(piece.empty());
    at += piece.size();
  }
  RecordProperty("MB_per_second",
                 static_cast<int>(500 / std::chrono::duration<double>(Monotonic::now() - before).count()));
}

}  // namespace
}  // namespace onetake::simulator
