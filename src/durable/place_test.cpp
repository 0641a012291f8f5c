#include "durable/place.hpp"

#include <gmock/gmock.h>

namespace onetake::durable::test {
namespace {

Settings at(std::string endpoint, std::string bucket = "calls") {
  return {.type = "s3",
          .endpoint = std::move(endpoint),
          .bucket = std::move(bucket),
          .region = "eu-west-1",
          .access_key_id = "k",
          .secret_access_key = "s",
          .prefix = {},
          .path_style = false,
          .server_side_encryption = {},
          .kms_key_id = {}};
}

std::string url(const Settings& settings) { return Place{settings}.at("audio/a b", {{"uploads", ""}}).url(); }

TEST(Place, NamesTheBucketByTheHostWhereItCan) {
  EXPECT_EQ(url(at("https://s3.eu-west-1.amazonaws.com")),
            "https://calls.s3.eu-west-1.amazonaws.com/audio/a%20b?uploads=");
  EXPECT_EQ(url(at("https://abc.r2.cloudflarestorage.com/")),
            "https://calls.abc.r2.cloudflarestorage.com/audio/a%20b?uploads=");
  EXPECT_EQ(Place{at("https://s3.eu-west-1.amazonaws.com")}.at("").url(), "https://calls.s3.eu-west-1.amazonaws.com/");
}

TEST(Place, NamesTheBucketByThePathElsewhere) {
  EXPECT_EQ(url(at("http://10.0.0.1")), "http://10.0.0.1/calls/audio/a%20b?uploads=");
  EXPECT_EQ(url(at("http://[fd00::1]:9000")), "http://[fd00::1]:9000/calls/audio/a%20b?uploads=");
  EXPECT_EQ(url(at("https://minio.example.com:9000")), "https://minio.example.com:9000/calls/audio/a%20b?uploads=");
  EXPECT_EQ(url(at("http://minio")), "http://minio/calls/audio/a%20b?uploads=");
  EXPECT_EQ(url(at("https://s3.eu-west-1.amazonaws.com", "a.b")),
            "https://s3.eu-west-1.amazonaws.com/a.b/audio/a%20b?uploads=");
  auto forced = at("https://ceph.example.com");
  forced.path_style = true;
  EXPECT_EQ(url(forced), "https://ceph.example.com/calls/audio/a%20b?uploads=");
  EXPECT_EQ(Place{forced}.at("").url(), "https://ceph.example.com/calls");
}

TEST(Place, KeepsAudioUnderItsPrefix) {
  auto settings = at("https://s3.amazonaws.com");
  EXPECT_EQ(Place{settings}.key("x-1"), "audio/x-1");
  settings.prefix = "calls";
  EXPECT_EQ(Place{settings}.key("x-1"), "calls/audio/x-1");
  settings.prefix = "a/b/";
  EXPECT_EQ(Place{settings}.key("x-1"), "a/b/audio/x-1");
  EXPECT_EQ(Place{settings}.probe("x"), "a/b/check/x");
}

std::string wrong(const std::function<void(Settings&)>& change) {
  auto settings = at("https://s3.amazonaws.com");
  change(settings);
  const auto fault = check(settings);
  return fault ? fault->key : "";
}

TEST(Settings, AreChecked) {
  EXPECT_EQ(wrong([](Settings&) {}), "");
  for (const char* endpoint : {"", "s3.amazonaws.com", "ftp://a", "https://a/b", "https://a?b", "https://u:p@a"})
    EXPECT_EQ(wrong([&](Settings& s) { s.endpoint = endpoint; }), "endpoint") << endpoint;
  for (const char* bucket : {"", "ab", "a/b", "a b c", "-abc"})
    EXPECT_EQ(wrong([&](Settings& s) { s.bucket = bucket; }), "bucket") << bucket;
  for (const char* region : {"", "a b", "a/b"})
    EXPECT_EQ(wrong([&](Settings& s) { s.region = region; }), "region") << region;
  EXPECT_EQ(wrong([](Settings& s) { s.access_key_id = "a/b"; }), "access_key_id");
  EXPECT_EQ(wrong([](Settings& s) { s.secret_access_key = ""; }), "secret_access_key");
  EXPECT_EQ(wrong([](Settings& s) { s.secret_access_key = "a\n"; }), "secret_access_key");
  EXPECT_EQ(wrong([](Settings& s) { s.prefix = "/a"; }), "prefix");
  EXPECT_EQ(wrong([](Settings& s) { s.server_side_encryption = "AES128"; }), "server_side_encryption");
  EXPECT_EQ(wrong([](Settings& s) { s.server_side_encryption = "AES256"; }), "");
  EXPECT_EQ(wrong([](Settings& s) { s.kms_key_id = "k"; }), "kms_key_id");
  EXPECT_EQ(wrong([](Settings& s) {
              s.server_side_encryption = "aws:kms";
              s.kms_key_id = "k";
            }),
            "");
}

}  // namespace
}  // namespace onetake::durable::test
