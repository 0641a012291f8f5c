#include "provider/answer.hpp"

#include <gmock/gmock.h>

namespace onetake::provider {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

Headers fields(std::initializer_list<std::string_view> lines) {
  Headers made;
  for (const auto line : lines) EXPECT_TRUE(made.add_line(line)) << line;
  return made;
}

TEST(Headers, KeepOrderAndFoldNames) {
  auto made = fields({"ETag: \"a\"", "X-Goog-Hash: crc32c=n03x6A==", "x-goog-hash:md5=x  "});
  made.add_line("  more");
  EXPECT_EQ(made.find("etag"), "\"a\"");
  EXPECT_EQ(made.joined("x-goog-hash"), "crc32c=n03x6A==, md5=x more");
  EXPECT_EQ(made.find("missing"), "");
  for (const char* odd : {"no colon", ": nameless", ""}) EXPECT_FALSE(made.add_line(odd)) << odd;
}

TEST(Status, HasOneCause) {
  for (const int status : {200, 206}) EXPECT_EQ(cause_of(status), std::nullopt) << status;
  EXPECT_EQ(cause_of(401), Cause::unauthorized);
  for (const int status : {403, 451}) EXPECT_EQ(cause_of(status), Cause::forbidden) << status;
  for (const int status : {404, 202, 425}) EXPECT_EQ(cause_of(status), Cause::not_ready) << status;
  EXPECT_EQ(cause_of(410), Cause::gone);
  EXPECT_EQ(cause_of(429), Cause::throttled);
  for (const int status : {204, 300, 304, 400, 405, 408, 416, 500, 502, 503, 504, 599})
    EXPECT_EQ(cause_of(status), Cause::unavailable) << status;
}

TEST(RetryAfter, IsSecondsOrADate) {
  const auto now = parse_rfc3339("2026-11-22T09:00:00Z").value();
  const auto of = [&](std::string_view value) {
    return retry_after(fields({"Retry-After: " + std::string{value}}), now);
  };
  EXPECT_EQ(of("0"), 0ms);
  EXPECT_EQ(of("120"), 120s);
  EXPECT_EQ(of("99999999999999"), 24h);
  EXPECT_EQ(of("Sun, 22 Nov 2026 09:01:30 GMT"), 90s);
  EXPECT_EQ(of("Sun, 22 Nov 2026 08:00:00 GMT"), 0ms);
  EXPECT_EQ(of("Fri, 22 Nov 2030 08:00:00 GMT"), 24h);
  for (const char* odd : {"", "-1", "soon", "1.5", "99999999999999999999999999", "12 s"})
    EXPECT_EQ(of(odd), std::nullopt) << odd;
  EXPECT_EQ(retry_after({}, now), std::nullopt);
}

TEST(ContentRange, IsBytesOfAWhole) {
  const auto range = content_range("bytes 1000-1999/5000");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->first, 1000);
  EXPECT_EQ(range->last, 1999);
  EXPECT_EQ(range->total, 5000);
  EXPECT_EQ(content_range("Bytes 0-0/*").value().total, std::nullopt);
  for (const char* odd :
       {"", "bytes", "bytes ", "bytes */5000", "bytes 5-4/10", "bytes 0-10/10", "items 0-1/2", "bytes 0-1",
        "bytes -1-2/3", "bytes 0-1/x", "bytes 0-99999999999999999999999/x", "bytes=0-1/2", "bytes 0/1-2"})
    EXPECT_FALSE(content_range(odd)) << odd;
}

TEST(StrongEtag, IsNoWeakOne) {
  EXPECT_EQ(strong_etag(fields({"ETag: \"a\""})), "\"a\"");
  for (const char* odd : {"W/\"a\"", "a", "\"", ""})
    EXPECT_EQ(strong_etag(fields({"ETag: " + std::string{odd}})), "") << odd;
}

// Checksums of "hello".
const std::string in_md5 = "XUFAKrxLKna5cZ2REBfFkg==";
const std::string in_sha1 = "qvTGHdzF6KLavt4PO0gs2a6pQ00=";
const std::string in_sha256 = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";

auto is(Digest::Algorithm algorithm, std::size_t size) {
  return testing::AllOf(testing::Field(&Digest::algorithm, algorithm),
                        testing::Field(&Digest::bytes, testing::SizeIs(size)));
}

TEST(Digests, AreReadFromEveryFieldThatHasThem) {
  using enum Digest::Algorithm;
  EXPECT_THAT(digests(fields({"Content-MD5: " + in_md5})), ElementsAre(is(md5, 16)));
  EXPECT_THAT(digests(fields({"Digest: MD5=" + in_md5 + ",unixsum=30637, SHA-256=" + in_sha256})),
              ElementsAre(is(md5, 16), is(sha256, 32)));
  EXPECT_THAT(digests(fields({"Digest: sha=" + in_sha1})), ElementsAre(is(sha1, 20)));
  EXPECT_THAT(digests(fields({"Repr-Digest: sha-256=:" + in_sha256 + ":, crc32=:AAAA:"})), ElementsAre(is(sha256, 32)));
  EXPECT_THAT(digests(fields({"Content-Digest: sha-256=:" + in_sha256 + ":"})), ElementsAre(is(sha256, 32)));
  EXPECT_THAT(digests(fields({"x-amz-checksum-sha256: " + in_sha256, "x-amz-checksum-sha1: " + in_sha1})),
              ElementsAre(is(sha256, 32), is(sha1, 20)));
  EXPECT_THAT(digests(fields({"x-goog-hash: crc32c=n03x6A==", "x-goog-hash: md5=" + in_md5})),
              ElementsAre(is(md5, 16)));
  EXPECT_EQ(digests(fields({"Content-MD5: " + in_md5})).front().bytes.substr(0, 4), "\x5d\x41\x40\x2a");
}

TEST(Digests, ThatAreNotUnderstoodAreNotThere) {
  EXPECT_THAT(digests(fields({"Content-MD5: " + in_sha256})), IsEmpty());
  EXPECT_THAT(digests(fields({"Content-MD5: !UFAKrxLKna5cZ2REBfFkg=="})), IsEmpty());
  EXPECT_THAT(digests(fields({"Content-MD5: "})), IsEmpty());
  EXPECT_THAT(digests(fields({"x-amz-checksum-sha256: " + in_sha256 + "-3"})), IsEmpty())
      << "of parts, not of the whole";
  EXPECT_THAT(digests(fields({"Repr-Digest: sha-256=" + in_sha256, "Digest: ,,=,sha-256"})), IsEmpty());
}

TEST(ErrorCode, IsInJsonOrXml) {
  EXPECT_EQ(error_code(R"({"code": 20429, "message": "Too Many Requests"})"), 20429);
  EXPECT_EQ(error_code(R"({"error_code": 16113})"), 16113);
  EXPECT_EQ(error_code("<?xml version='1.0'?><TwilioResponse><RestException><Code>16113</Code></RestException>"),
            16113);
  for (const char* none : {"", "oops", "{}", "[1]", R"({"code": "x"})", "<Code>x</Code>", "<Code>", R"({"code": 1e9})",
                           "<Code>99999999999999</Code>"})
    EXPECT_EQ(error_code(none), 0) << none;
}

}  // namespace
}  // namespace onetake::provider
