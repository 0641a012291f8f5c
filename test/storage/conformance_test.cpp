// Whatever server it is, a copy is what was put. The server is s3rver, which has neither AbortMultipartUpload nor
// ListMultipartUploads, and checks no signature: src/durable/ has these in its unit tests.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <stdlib.h>

#include <fstream>

#include "base/ids.hpp"
#include "base/temp_folder.hpp"
#include "blob/store.hpp"
#include "durable/s3.hpp"
#include "provider/aws_signature.hpp"
#include "provider/harness_test.hpp"

namespace onetake::durable::test {
namespace {

using provider::test::KeepingSink;
using testing::HasSubstr;

std::string endpoint() {
  const char* file = ::getenv("ONETAKE_S3");
  if (file == nullptr) throw std::runtime_error("ONETAKE_S3 names no file with a server's URL: script/lib/s3 start");
  std::string url;
  std::getline(std::ifstream{file}, url);
  return url;
}

Settings at(const std::string& url) {
  return {.type = "s3",
          .endpoint = url,
          .bucket = "recordings",
          .region = "us-east-1",
          .access_key_id = "S3RVER",
          .secret_access_key = "S3RVER",
          .prefix = "a test/",
          .path_style = false,
          .server_side_encryption = {},
          .kms_key_id = {}};
}

std::string noise(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 1;
  for (auto& byte : bytes) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

class Storage : public testing::Test {
 protected:
  Until soon() { return {.deadline = in(std::chrono::seconds{50})}; }
  Object object_of(const std::string& bytes) {
    return {.name = name, .size = bytes.size(), .sha256 = provider::sha256_hex(bytes), .content_type = "audio/wav"};
  }
  void put(const std::string& bytes) {
    const auto path = folder.path() / "file";
    std::ofstream{path, std::ios::binary} << bytes;
    const Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    const auto done = harness.run(s3.put(object_of(bytes), file.get(), soon()));
    ASSERT_TRUE(done) << done.error().detail;
  }
  std::optional<Found> look() {
    const auto found = harness.run(s3.look(name, soon()));
    EXPECT_TRUE(found) << found.error().detail;
    return found.value_or(std::nullopt);
  }
  std::string read(Bytes from = 0, std::string validator = {}) {
    Wanted wanted{.name = name, .sha256 = {}, .from = from, .validator = std::move(validator), .until = soon()};
    const auto outcome = harness.run(s3.read(std::move(wanted), sink));
    EXPECT_TRUE(outcome) << outcome.error().setback.detail;
    return sink.bytes;
  }

  const std::string name = uuid7();
  TempFolder folder;
  Offload hashing{1};
  provider::test::Harness harness;
  S3 s3{at(endpoint()), harness.transfers(), hashing, {.part = 5_MiB, .in_parts_from = 6_MiB}};
  KeepingSink sink;
};

TEST_F(Storage, KeepsAFile) {
  EXPECT_FALSE(look());
  const auto bytes = noise(100'000);
  put(bytes);
  const auto found = look();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->size, bytes.size());
  EXPECT_EQ(found->sha256, provider::sha256_hex(bytes));
  EXPECT_TRUE(read() == bytes);
  EXPECT_EQ(sink.heads.at(0).total, bytes.size());
  EXPECT_EQ(sink.heads.at(0).digests.size(), 1);
  EXPECT_TRUE(read(60'000, found->etag) == bytes.substr(60'000));
  EXPECT_EQ(sink.heads.at(1).offset, 60'000);
}

TEST_F(Storage, KeepsAFileInParts) {
  const auto bytes = noise(12_MiB + 1);
  put(bytes);
  const auto found = look();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->size, bytes.size());
  EXPECT_EQ(found->sha256, provider::sha256_hex(bytes));
  EXPECT_TRUE(read() == bytes);
}

TEST_F(Storage, KeepsWhatArrives) {
  const auto bytes = noise(11_MiB);
  blob::Store store{folder.path() / "store"};
  auto writer = store.create("a");
  ASSERT_TRUE(writer.begin(bytes.size()));
  auto upload = s3.grow(name, "audio/wav", writer.growing());
  auto following = harness.start(upload->follow(soon()));
  for (std::size_t at = 0; at < bytes.size(); at += 1_MiB)
    ASSERT_TRUE(writer.append(std::as_bytes(std::span{bytes}).subspan(at, 1_MiB)));
  EXPECT_FALSE(look()) << "not before it has been checked";
  writer.finish();
  ASSERT_TRUE(following.get());
  const auto done = harness.run(upload->complete(object_of(bytes), soon()));
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_EQ(look()->size, bytes.size());
  EXPECT_TRUE(read() == bytes);
}

TEST_F(Storage, RemovesOnceAndAgain) {
  put(noise(10));
  EXPECT_TRUE(harness.run(s3.remove(name, soon())));
  EXPECT_FALSE(look());
  EXPECT_TRUE(harness.run(s3.remove(name, soon())));
}

TEST_F(Storage, ListsWhatItKeeps) {
  put(noise(10));
  const auto page = harness.run(s3.list(name.substr(0, name.size() - 1), soon()));
  ASSERT_TRUE(page) << page.error().detail;
  ASSERT_FALSE(page->empty());
  EXPECT_EQ(page->front().name, name);
  EXPECT_EQ(page->front().size, 10);
  EXPECT_LT(wall_now() - page->front().written, std::chrono::minutes{1});
  const auto behind = harness.run(s3.list("~", soon()));
  ASSERT_TRUE(behind) << behind.error().detail;
  EXPECT_TRUE(behind->empty());
}

TEST_F(Storage, IsChecked) { EXPECT_TRUE(harness.run(s3.check(soon()))); }

TEST_F(Storage, SaysWhatIsWrong) {
  const auto said = [&](const Settings& settings) {
    S3 other{settings, harness.transfers(), hashing};
    const auto done = harness.run(other.check(soon()));
    return done ? "" : done.error().detail;
  };
  auto settings = at(endpoint());
  settings.bucket = "nowhere";
  EXPECT_THAT(said(settings), HasSubstr("no bucket \"nowhere\""));
  settings = at(endpoint());
  settings.access_key_id = "nobody";
  EXPECT_THAT(said(settings), HasSubstr("storage.access_key_id"));
}

}  // namespace
}  // namespace onetake::durable::test
