#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>

#include <fstream>
#include <functional>
#include <optional>
#include <string>

#include "base/ids.hpp"
#include "base/temp_folder.hpp"
#include "blob/store.hpp"
#include "durable/bucket_test.hpp"
#include "durable/s3.hpp"
#include "provider/aws_signature.hpp"
#include "provider/harness_test.hpp"

namespace onetake::durable::test {
using provider::test::Harness;
using provider::test::KeepingSink;
using testing::ElementsAre;
using testing::HasSubstr;
using Kind = Trouble::Kind;

inline constexpr Bytes part = 1000;
inline constexpr std::string_view sha256_of_it = "x-amz-meta-onetake-sha256";

inline std::string audio(std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; bytes.size() < size; ++i) bytes += std::to_string(i) + ' ';
  bytes.resize(size);
  return bytes;
}

inline Object object_of(const std::string& bytes) {
  return {.name = "a-1", .size = bytes.size(), .sha256 = provider::sha256_hex(bytes), .content_type = "audio/wav"};
}

inline Until soon() { return {.deadline = in(std::chrono::seconds{50})}; }

inline Fault when(bool condition, Fault fault) { return condition ? std::move(fault) : Fault{}; }

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

}  // namespace onetake::durable::test
