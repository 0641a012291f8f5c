#include "durable/s3.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>

#include <atomic>
#include <fstream>

#include "base/ids.hpp"
#include "base/temp_folder.hpp"
#include "blob/store.hpp"
#include "durable/bucket_test.hpp"
#include "provider/aws_signature.hpp"
#include "provider/harness_test.hpp"

namespace onetake::durable::test {
namespace {

using provider::test::Harness;
using provider::test::KeepingSink;
using testing::ElementsAre;
using testing::HasSubstr;
using Kind = Trouble::Kind;

constexpr Bytes part = 1000;
constexpr std::string_view sha256_of_it = "x-amz-meta-onetake-sha256";

std::string audio(std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; bytes.size() < size; ++i) bytes += std::to_string(i) + ' ';
  bytes.resize(size);
  return bytes;
}

Object object_of(const std::string& bytes) {
  return {.name = "a-1", .size = bytes.size(), .sha256 = provider::sha256_hex(bytes), .content_type = "audio/wav"};
}

Until soon() { return {.deadline = in(std::chrono::seconds{50})}; }

Fault when(bool condition, Fault fault) { return condition ? std::move(fault) : Fault{}; }

/// A bucket with faults, and the module before it.
class Storage {
 public:
  explicit Storage(
      Bucket::Faults faults = {}, const std::function<void(Settings&)>& change = [](Settings&) {})
      : bucket(std::move(faults)), s3(changed(bucket.settings(), change), harness.transfers(), hashing, tuning()) {}

  static Tuning tuning() {
    return {.part = part,
            .in_parts_from = 3 * part,
            .backoff_first = milliseconds{1},
            .backoff_most = milliseconds{2},
            .connect_timeout = std::chrono::seconds{40},
            .stall_timeout = std::chrono::seconds{40}};
  }
  template <class T>
  T run(Task<T> task) {
    return harness.run(std::move(task));
  }
  Answer<void> put(const std::string& bytes) {
    const auto path = folder.path() / "file";
    std::ofstream{path, std::ios::binary} << bytes;
    const Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    return run(s3.put(object_of(bytes), file.get(), soon()));
  }
  provider::Outcome read(KeepingSink& sink, Bytes from = 0, std::string validator = {}) {
    Wanted wanted{.name = "a-1", .sha256 = {}, .from = from, .validator = std::move(validator), .until = soon()};
    return run(s3.read(std::move(wanted), sink));
  }
  void keep(const std::string& bytes) { bucket.put("audio/a-1", {.bytes = bytes, .fields = {}, .etag = "\"v1\""}); }

  /// Made when it is first asked for: a store makes all its folders, and takes its time.
  blob::Store& disk() { return disk_ ? *disk_ : disk_.emplace(folder.path() / "store"); }

  TempFolder folder;
  Offload hashing{1};
  Harness harness;
  Bucket bucket;
  S3 s3;

 private:
  std::optional<blob::Store> disk_;

  static Settings changed(Settings settings, const std::function<void(Settings&)>& change) {
    change(settings);
    return settings;
  }
};

/// A recording that a test lets arrive.
class Arriving {
 public:
  Arriving(blob::Store& store, const std::string& bytes) : bytes_(bytes), writer_(store.create(uuid7())) {
    EXPECT_TRUE(writer_.begin(bytes.size()));
  }
  void until(Bytes position) {
    const auto more = std::string_view{bytes_}.substr(writer_.position(), position - writer_.position());
    EXPECT_TRUE(writer_.append(std::as_bytes(std::span{more})));
  }
  void finish() {
    until(bytes_.size());
    writer_.finish();
  }
  [[nodiscard]] blob::Writer& writer() { return writer_; }
  [[nodiscard]] std::shared_ptr<blob::Growing> growing() const { return writer_.growing(); }

 private:
  std::string bytes_;
  blob::Writer writer_;
};

TEST(Put, IsOneRequestWithOurMetadata) {
  Storage storage{{}, [](Settings& settings) { settings.server_side_encryption = "AES256"; }};
  const auto bytes = audio(2 * part);
  ASSERT_TRUE(storage.put(bytes));
  EXPECT_THAT(storage.bucket.asked(), ElementsAre("PUT /recordings/audio/a-1"));
  const auto kept = storage.bucket.objects().at("audio/a-1");
  EXPECT_EQ(kept.bytes, bytes);
  EXPECT_EQ(kept.fields.at("content-type"), "audio/wav");
  EXPECT_EQ(kept.fields.at(std::string{sha256_of_it}), provider::sha256_hex(bytes));
  EXPECT_EQ(kept.fields.at("x-amz-server-side-encryption"), "AES256");
}

TEST(Put, SignsEncryptionWithANamedKey) {
  Storage storage{{}, [](Settings& settings) {
                    settings.server_side_encryption = "aws:kms";
                    settings.kms_key_id = "key/1";
                  }};
  ASSERT_TRUE(storage.put(audio(10)));
  EXPECT_EQ(storage.bucket.objects().at("audio/a-1").fields.at("x-amz-server-side-encryption-aws-kms-key-id"), "key/1");
}

TEST(Put, OfALongFileIsInParts) {
  Storage storage;
  const auto bytes = audio(3 * part + 1);
  ASSERT_TRUE(storage.put(bytes));
  const auto kept = storage.bucket.objects().at("audio/a-1");
  EXPECT_EQ(kept.bytes, bytes);
  EXPECT_EQ(kept.fields.at(std::string{sha256_of_it}), provider::sha256_hex(bytes));
  EXPECT_THAT(storage.bucket.uploads(), testing::IsEmpty());
  EXPECT_EQ(storage.bucket.asked().size(), 6) << "begin, four parts, complete";
}

TEST(Put, WhoseAnswerIsLostIsLookedForAndNotRepeated) {
  Storage storage{[](const Seen& seen, int) { return when(seen.method == "PUT", {.lost = true}); }};
  ASSERT_TRUE(storage.put(audio(10)));
  EXPECT_THAT(storage.bucket.asked(), ElementsAre("PUT /recordings/audio/a-1", "HEAD /recordings/audio/a-1"));
}

TEST(Put, ThatDidNotArriveIsRepeatedOnceThatIsKnown) {
  Storage storage{[](const Seen& seen, int before) {
    // Reset without having been done: what lies there is of an earlier time, and of the same size.
    return when(seen.method == "PUT" && before == 0, {.instead = "HTTP/1.1 200 OK\r\nContent-", .lost = true});
  }};
  storage.keep(std::string(10, 'x'));
  ASSERT_TRUE(storage.put(audio(10)));
  EXPECT_THAT(storage.bucket.asked(),
              ElementsAre("PUT /recordings/audio/a-1", "HEAD /recordings/audio/a-1", "PUT /recordings/audio/a-1"));
  EXPECT_EQ(storage.bucket.objects().at("audio/a-1").bytes, audio(10));
}

TEST(Put, IsRepeatedUntilTheStorageHasTime) {
  Storage storage{
      [](const Seen&, int before) { return when(before < 2, {.instead = refusal("503 Slow Down", "SlowDown")}); }};
  ASSERT_TRUE(storage.put(audio(10)));
  EXPECT_EQ(storage.bucket.asked().size(), 3);
}

TEST(Put, EndsAtItsDeadline) {
  Storage storage{
      [](const Seen&, int) { return Fault{.instead = refusal("503 Slow Down", "SlowDown", "Retry-After: 3600\r\n")}; }};
  const auto done = storage.put(audio(10));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, Kind::unavailable);
  EXPECT_THAT(done.error().detail, HasSubstr("SlowDown"));
  EXPECT_EQ(storage.bucket.asked().size(), 1) << "what is to come after the deadline is not waited for";
}

TEST(Put, OfWhatHasRottedIsRefused) {
  Storage storage;
  const auto path = storage.folder.path() / "file";
  std::ofstream{path} << audio(10);
  const Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  auto object = object_of(audio(10));
  object.sha256 = provider::sha256_hex("what it was");
  EXPECT_FALSE(storage.run(storage.s3.put(std::move(object), file.get(), soon())));
  EXPECT_THAT(storage.bucket.objects(), testing::IsEmpty());
}

TEST(Put, InTheWrongRegionSaysWhichIsRight) {
  Storage storage{[](const Seen&, int) {
    return Fault{.instead = refusal("301 Moved Permanently", "PermanentRedirect",
                                    "x-amz-bucket-region: us-west-2\r\nLocation: http://127.0.0.1:1/\r\n")};
  }};
  const auto done = storage.put(audio(10));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, Kind::misconfigured);
  EXPECT_THAT(done.error().detail, HasSubstr("us-west-2"));
  EXPECT_EQ(storage.bucket.asked().size(), 1) << "no redirect is followed with our signature";
}

TEST(Put, WithTheWrongSecretSaysSo) {
  Storage storage{{}, [](Settings& settings) { settings.secret_access_key = "another"; }};
  const auto done = storage.put(audio(10));
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().detail, HasSubstr("storage.secret_access_key"));
  EXPECT_THAT(done.error().detail, testing::Not(HasSubstr("another")));
}

TEST(Put, InPartsThatFailsLeavesNothing) {
  Storage storage{[](const Seen& seen, int before) {
    return when(seen.method == "PUT" && before == 2, {.instead = refusal("403 Forbidden", "AccessDenied")});
  }};
  EXPECT_FALSE(storage.put(audio(4 * part)));
  EXPECT_THAT(storage.bucket.uploads(), testing::IsEmpty());
  EXPECT_THAT(storage.bucket.objects(), testing::IsEmpty());
}

TEST(Growing, IsSentWhileItArrives) {
  provider::test::Signal first;
  Storage storage{[&](const Seen& seen, int) {
    if (seen.target.contains("partNumber=1&")) first.set();
    return Fault{};
  }};
  const auto bytes = audio(3 * part + 500);
  Arriving arriving{storage.disk(), bytes};
  auto upload = storage.s3.grow("a-1", "audio/wav", arriving.growing());
  auto following = storage.harness.start(upload->follow(soon()));
  arriving.until(part + 100);
  first.wait();
  EXPECT_THAT(storage.bucket.objects(), testing::IsEmpty()) << "nobody can read it yet";
  arriving.finish();
  ASSERT_TRUE(following.get());
  ASSERT_TRUE(storage.run(upload->complete(object_of(bytes), soon())));
  EXPECT_EQ(storage.bucket.objects().at("audio/a-1").bytes, bytes);
  EXPECT_EQ(storage.bucket.objects().at("audio/a-1").fields.count(std::string{sha256_of_it}), 0);
  EXPECT_THAT(storage.bucket.uploads(), testing::IsEmpty());

  const auto found = storage.run(storage.s3.look("a-1", soon()));
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->size, bytes.size());
  EXPECT_THAT((*found)->mark, testing::Not(""));
}

TEST(Growing, ThatIsShortIsOnePut) {
  Storage storage;
  const auto bytes = audio(part);
  Arriving arriving{storage.disk(), bytes};
  auto upload = storage.s3.grow("a-1", "audio/wav", arriving.growing());
  arriving.finish();
  ASSERT_TRUE(storage.run(upload->follow(soon())));
  ASSERT_TRUE(storage.run(upload->complete(object_of(bytes), soon())));
  EXPECT_THAT(storage.bucket.asked(), ElementsAre("PUT /recordings/audio/a-1"));
  EXPECT_EQ(storage.bucket.objects().at("audio/a-1").fields.count(std::string{sha256_of_it}), 1);
}

TEST(Growing, GoesOnWhereItFailed) {
  Storage storage{[](const Seen& seen, int before) {
    return when(seen.method == "PUT" && before == 1, {.instead = refusal("403 Forbidden", "AccessDenied")});
  }};
  const auto bytes = audio(3 * part);
  Arriving arriving{storage.disk(), bytes};
  auto upload = storage.s3.grow("a-1", "audio/wav", arriving.growing());
  arriving.until(bytes.size());
  EXPECT_FALSE(storage.run(upload->follow(soon())));
  arriving.finish();
  ASSERT_TRUE(storage.run(upload->complete(object_of(bytes), soon())));
  EXPECT_EQ(storage.bucket.objects().at("audio/a-1").bytes, bytes);
  EXPECT_EQ(storage.bucket.asked().size(), 6) << "begin, part 1, part 2 twice, part 3, complete";
}

TEST(Growing, ThatIsAbandonedIsAborted) {
  Storage storage;
  Arriving arriving{storage.disk(), audio(3 * part)};
  auto upload = storage.s3.grow("a-1", "audio/wav", arriving.growing());
  auto following = storage.harness.start(upload->follow(soon()));
  arriving.until(2 * part + 100);
  arriving.writer().abandon({Cause::wrong_content, "not audio"});
  const auto followed = following.get();
  ASSERT_FALSE(followed);
  EXPECT_EQ(followed.error().kind, Kind::ended);
  ASSERT_TRUE(storage.run(upload->abort(soon())));
  EXPECT_THAT(storage.bucket.uploads(), testing::IsEmpty());
  EXPECT_THAT(storage.bucket.objects(), testing::IsEmpty());
  EXPECT_TRUE(storage.run(upload->abort(soon()))) << "any number of times";
}

TEST(Growing, WhoseCompletionIsLostIsLookedFor) {
  Storage storage{
      [](const Seen& seen, int before) { return when(seen.method == "POST" && before == 1, {.lost = true}); }};
  ASSERT_TRUE(storage.put(audio(4 * part)));
  EXPECT_EQ(storage.bucket.asked().back(), "HEAD /recordings/audio/a-1");
}

TEST(Growing, WhoseCompletionIsRepeatedKnowsItselfByItsMark) {
  // The answer is a 503, though it was done; the repetition is told that there is no such upload.
  Storage storage{[](const Seen& seen, int before) {
    if (seen.method == "POST" && before == 1) return Fault{.instead = refusal("503 Slow Down", "SlowDown")};
    if (seen.method == "POST" && before == 2) return Fault{.instead = refusal("404 Not Found", "NoSuchUpload")};
    return Fault{};
  }};
  const auto bytes = audio(2 * part);
  Arriving arriving{storage.disk(), bytes};
  auto upload = storage.s3.grow("a-1", "audio/wav", arriving.growing());
  arriving.finish();
  const auto done = storage.run(upload->complete(object_of(bytes), soon()));
  ASSERT_FALSE(done) << "nothing lies there";
  EXPECT_EQ(done.error().kind, Kind::missing);

  auto [id, pending] = *storage.bucket.uploads().begin();
  auto lies_there = pending.begun;
  lies_there.bytes = bytes;
  lies_there.etag = "\"m\"";
  storage.bucket.put("audio/a-1", lies_there);
  ASSERT_TRUE(storage.run(upload->complete(object_of(bytes), soon()))) << "the same mark and size";
}

TEST(Growing, OfAnotherMarkIsNotTakenForThisOne) {
  Storage storage{[](const Seen& seen, int before) {
    return when(seen.method == "POST" && before == 1, {.instead = refusal("404 Not Found", "NoSuchUpload")});
  }};
  const auto bytes = audio(2 * part);
  storage.bucket.put("audio/a-1",
                     {.bytes = bytes, .fields = {{"x-amz-meta-onetake-upload", "another"}}, .etag = "\"m\""});
  Arriving arriving{storage.disk(), bytes};
  auto upload = storage.s3.grow("a-1", "audio/wav", arriving.growing());
  arriving.finish();
  EXPECT_FALSE(storage.run(upload->complete(object_of(bytes), soon())));
}

TEST(Growing, WhoseCompletionIs200WithAnErrorIsRepeated) {
  for (const auto& instead : {refusal("200 OK", "InternalError"), provider::test::answer("200 OK", "  \n")}) {
    Storage storage{
        [&](const Seen& seen, int before) { return when(seen.method == "POST" && before == 1, {.instead = instead}); }};
    const auto bytes = audio(4 * part);
    ASSERT_TRUE(storage.put(bytes));
    EXPECT_EQ(storage.bucket.objects().at("audio/a-1").bytes, bytes);
  }
}

/// What may happen to any one request.
const Fault whatever[] = {{.lost = true},                                     // done, and not told
                          {.instead = "nothing", .lost = true},               // not done
                          {.instead = refusal("503 Slow Down", "SlowDown")},  // not now
                          {.instead = refusal("500 Internal Server Error", "InternalError")}};

/// A fault at the n-th request, for every n until there is no such.
void sweep(const std::function<void(Storage&, const std::string& bytes)>& store) {
  const auto bytes = audio(3 * part + 10);
  for (const auto& fault : whatever) {
    std::atomic<bool> met = true;
    for (int n = 0; met; ++n) {
      SCOPED_TRACE(testing::Message() << fault.instead << fault.lost << " at request " << n);
      met = false;
      Storage storage{[&, count = 0](const Seen&, int) mutable {
        if (count++ != n) return Fault{};
        met = true;
        return fault;
      }};
      store(storage, bytes);
      const auto objects = storage.bucket.objects();
      ASSERT_EQ(objects.count("audio/a-1"), 1);
      EXPECT_TRUE(objects.at("audio/a-1").bytes == bytes);
      // A beginning whose answer was lost is all that may be left.
      EXPECT_LE(storage.bucket.uploads().size(), 1);
      EXPECT_TRUE(storage.run(storage.s3.abort_forgotten(wall_now(), soon())));
      EXPECT_THAT(storage.bucket.uploads(), testing::IsEmpty());
    }
  }
}

TEST(Sweep, AFinishedFileIsPutWhateverFailsOnce) {
  sweep([](Storage& storage, const std::string& bytes) { EXPECT_TRUE(storage.put(bytes)); });
}

TEST(Sweep, WhatArrivesIsCopiedWhateverFailsOnce) {
  const TempFolder folder;
  blob::Store disk{folder.path()};
  sweep([&](Storage& storage, const std::string& bytes) {
    Arriving arriving{disk, bytes};
    auto upload = storage.s3.grow("a-1", "audio/wav", arriving.growing());
    arriving.until(2 * part + 1);
    auto following = storage.harness.start(upload->follow(soon()));
    arriving.finish();
    EXPECT_TRUE(following.get());
    EXPECT_TRUE(storage.run(upload->complete(object_of(bytes), soon())));
  });
}

TEST(Read, BringsAllWithItsDigest) {
  Storage storage;
  const auto bytes = audio(100'000);
  ASSERT_TRUE(storage.put(bytes));
  storage.bucket.put(
      "audio/a-1",
      {.bytes = bytes, .fields = {{std::string{sha256_of_it}, provider::sha256_hex(bytes)}}, .etag = "\"v1\""});
  KeepingSink sink;
  ASSERT_TRUE(storage.read(sink));
  EXPECT_EQ(sink.bytes, bytes);
  ASSERT_EQ(sink.heads.size(), 1);
  EXPECT_EQ(sink.heads[0].total, bytes.size());
  EXPECT_EQ(sink.heads[0].validator, "\"v1\"");
  ASSERT_EQ(sink.heads[0].digests.size(), 1);
  EXPECT_EQ(provider::hex(sink.heads[0].digests[0].bytes), provider::sha256_hex(bytes));
}

TEST(Read, ThatIsResetGoesOnUnderTheSameTag) {
  Storage storage{
      [](const Seen& seen, int before) { return when(seen.method == "GET" && before < 2, {.cut = 40'000}); }};
  const auto bytes = audio(100'000);
  storage.keep(bytes);
  KeepingSink sink;
  ASSERT_TRUE(storage.read(sink));
  EXPECT_EQ(sink.begins, 1) << "unseen by the sink";
  EXPECT_EQ(sink.bytes, bytes);
  const auto seen = storage.bucket.seen();
  ASSERT_EQ(seen.size(), 3);
  EXPECT_EQ(seen[0].field("range"), "");
  EXPECT_EQ(seen[1].field("range"), "bytes=40000-");
  EXPECT_EQ(seen[1].field("if-match"), "\"v1\"");
  EXPECT_EQ(seen[2].field("range"), "bytes=80000-");
}

TEST(Read, OfWhatChangedInBetweenEnds) {
  Storage storage{[](const Seen& seen, int before) {
    if (seen.method == "GET" && before == 1)
      return Fault{.instead = refusal("412 Precondition Failed", "PreconditionFailed")};
    return when(seen.method == "GET", {.cut = 40'000});
  }};
  storage.keep(audio(100'000));
  KeepingSink sink;
  const auto outcome = storage.read(sink);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().setback.cause, Cause::wrong_content);
}

TEST(Read, PassesOverWhatItHasWhereRangesAreNotKnown) {
  const auto bytes = audio(100'000);
  Storage storage{[&](const Seen& seen, int before) {
    if (seen.method == "GET" && before == 1)
      return Fault{.instead = provider::test::answer("200 OK", bytes, "ETag: \"v1\"\r\n")};
    return when(seen.method == "GET", {.cut = 40'000});
  }};
  storage.keep(bytes);
  KeepingSink sink;
  ASSERT_TRUE(storage.read(sink));
  EXPECT_EQ(sink.bytes, bytes);
}

TEST(Read, GoesOnWhereTheCallerStood) {
  Storage storage;
  storage.keep(audio(100));
  KeepingSink sink;
  ASSERT_TRUE(storage.read(sink, 60, "\"v1\""));
  EXPECT_EQ(sink.heads[0].offset, 60);
  EXPECT_EQ(sink.bytes, audio(100).substr(60));

  KeepingSink other;
  ASSERT_TRUE(storage.read(other, 60, "\"v0\""));
  EXPECT_EQ(other.heads[0].offset, 0) << "another copy: from its start";
  EXPECT_EQ(other.bytes, audio(100));
}

TEST(Read, OfWhatIsNotThereIsMissing) {
  Storage storage;
  KeepingSink sink;
  const auto outcome = storage.read(sink);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().setback.cause, Cause::missing);
  EXPECT_EQ(sink.begins, 0);
}

TEST(Read, IsStoppedByItsSink) {
  Storage storage;
  storage.keep(audio(100));
  KeepingSink sink;
  sink.on_data = [] { return false; };
  const auto outcome = storage.read(sink);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().setback.cause, Cause::internal);
  EXPECT_EQ(storage.bucket.asked().size(), 1);
}

TEST(Remove, IsIdempotent) {
  Storage storage;
  storage.keep(audio(10));
  EXPECT_TRUE(storage.run(storage.s3.remove("a-1", soon())));
  EXPECT_THAT(storage.bucket.objects(), testing::IsEmpty());
  EXPECT_TRUE(storage.run(storage.s3.remove("a-1", soon())));
  const auto found = storage.run(storage.s3.look("a-1", soon()));
  ASSERT_TRUE(found);
  EXPECT_FALSE(*found);
}

TEST(Forgotten, UploadsOfOursAreAborted) {
  Storage storage;
  for (const char* id : {"1", "2", "3", "4", "5"}) storage.bucket.begin(id, {.key = std::string{"audio/"} + id});
  storage.bucket.begin("young", {.key = "audio/3", .begun = {}, .parts = {}, .initiated = "2026-02-01T00:00:00.000Z"});
  storage.bucket.begin("other", {.key = "elsewhere/1"});
  const auto aborted = storage.run(storage.s3.abort_forgotten(parse_rfc3339("2026-01-15T00:00:00Z").value(), soon()));
  ASSERT_TRUE(aborted);
  EXPECT_EQ(*aborted, 5);
  EXPECT_THAT(storage.bucket.uploads(), ElementsAre(testing::Key("other"), testing::Key("young")));
}

TEST(Check, LeavesNothing) {
  Storage storage;
  EXPECT_TRUE(storage.run(storage.s3.check(soon())));
  EXPECT_THAT(storage.bucket.objects(), testing::IsEmpty());
  EXPECT_EQ(storage.bucket.asked().size(), 4) << "put, look, read, remove";
}

TEST(Check, FindsAStorageThatForgetsMetadata) {
  Storage storage{[](const Seen& seen, int) {
    return when(seen.method == "HEAD", {.instead = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"});
  }};
  const auto done = storage.run(storage.s3.check(soon()));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, Kind::different);
  EXPECT_THAT(storage.bucket.objects(), testing::IsEmpty());
}

}  // namespace
}  // namespace onetake::durable::test
