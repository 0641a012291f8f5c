#include "durable/s3.hpp"

#include "base/ids.hpp"
#include "durable/found.hpp"
#include "durable/multipart.hpp"
#include "durable/reading.hpp"
#include "durable/upload.hpp"
#include "durable/xml.hpp"

namespace onetake::durable {

S3::S3(const Settings& settings, provider::Transfers& transfers, Offload& hashing, Tuning tuning)
    : requests_(settings, tuning, transfers), hashing_(hashing) {}

Task<Answer<void>> S3::put(Object object, int file, Until until) {
  const auto key = requests_.place().key(object.name);
  if (object.size <= requests_.tuning().in_parts_from)
    co_return co_await put_whole(requests_, key, object, file, until);
  Multipart parts{requests_, hashing_, key, object.content_type, object.sha256, file, requests_.tuning().part};
  auto done = co_await parts.complete(object.size, until);
  if (!done) {
    // What was begun is taken back even when there was no time left for the rest.
    Until little{.deadline = in(requests_.tuning().connect_timeout)};
    std::ignore = co_await parts.abort(little);
  }
  co_return done;
}

std::unique_ptr<Upload> S3::grow(std::string name, std::string content_type, std::shared_ptr<blob::Growing> growing) {
  return std::make_unique<S3Upload>(requests_, hashing_, name, std::move(content_type), std::move(growing));
}

Task<provider::Outcome> S3::read(Wanted wanted, provider::Sink& sink) {
  auto key = requests_.place().key(wanted.name);  // before `wanted` is given away
  return read_key(std::move(key), std::move(wanted), sink);
}

Task<provider::Outcome> S3::read_key(std::string key, Wanted wanted, provider::Sink& sink) {
  Reading reading{wanted, sink};
  for (int repetition = 1;; ++repetition) {
    auto reply = co_await requests_.once(reading.call(key), wanted.until, reading);
    auto step = reading.step(reply, requests_.settings());
    if (!step.again) co_return std::move(step.outcome);
    if (step.progress) repetition = 1;
    const bool time = co_await requests_.pause(repetition, reply, wanted.until);
    if (!time) co_return std::move(step.outcome);
  }
}

Task<Answer<std::optional<Found>>> S3::look(std::string name, Until until) {
  return find(requests_, requests_.place().key(name), until);
}

/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
Task<Answer<std::vector<Listed>>> S3::list(std::string after, Until until) {
  const auto ours = requests_.place().audio();
  Requests::Call call;
  call.query = {{"list-type", "2"}, {"prefix", ours}};
  if (!after.empty()) call.query.emplace_back("start-after", requests_.place().key(after));
  auto reply = co_await requests_.perform(std::move(call), until);
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  const auto objects = xml::objects(reply->body);
  if (!objects)
    co_return std::unexpected(
        Trouble{Trouble::Kind::misconfigured, requests_.settings().endpoint + " does not list objects as S3 does"});
  std::vector<Listed> copies;
  for (const auto& object : *objects)
    if (object.key.starts_with(ours))
      copies.push_back({.name = object.key.substr(ours.size()), .size = object.size, .written = object.written});
  co_return copies;
}

Task<Answer<void>> S3::remove(std::string name, Until until) { return remove_key(requests_.place().key(name), until); }

Task<Answer<void>> S3::remove_key(std::string key, Until until) {
  Requests::Call call;
  call.method = provider::Method::remove;
  call.key = std::move(key);
  auto reply = co_await requests_.perform(std::move(call), until);
  if (!reply && reply.error().kind != Trouble::Kind::missing) co_return std::unexpected(std::move(reply.error()));
  co_return Answer<void>{};
}

Task<Answer<int>> S3::abort_forgotten(WallTime before, Until until) {
  const auto ours = requests_.place().audio();
  int aborted = 0;
  std::optional<Trouble> first;
  std::string next_key;
  std::string next_upload_id;
  for (;;) {
    Requests::Call call;
    call.query = {{"uploads", ""}, {"prefix", ours}};
    if (!next_key.empty()) call.query.emplace_back("key-marker", next_key);
    if (!next_upload_id.empty()) call.query.emplace_back("upload-id-marker", next_upload_id);
    auto reply = co_await requests_.perform(std::move(call), until);
    if (!reply) co_return std::unexpected(std::move(reply.error()));
    auto page = xml::uploads(reply->body);
    if (!page)
      co_return std::unexpected(
          Trouble{Trouble::Kind::misconfigured, requests_.settings().endpoint + " does not list uploads as S3 does"});
    for (const auto& upload : page->pending) {
      if (!upload.key.starts_with(ours) || upload.begun >= before) continue;
      auto done = co_await abort_upload(requests_, upload.key, upload.upload_id, until);
      if (done) ++aborted;
      if (!done && !first) first = std::move(done.error());  // it keeps no other from its end
    }
    const bool moved = page->next_key != next_key || page->next_upload_id != next_upload_id;
    if ((!page->more || !moved) && first) co_return std::unexpected(*std::move(first));
    if (!page->more || !moved) co_return aborted;
    next_key = std::move(page->next_key);
    next_upload_id = std::move(page->next_upload_id);
  }
}

namespace {

class Collecting final : public provider::Sink {
 public:
  bool begin(const provider::Head&) override { return true; }
  bool data(std::span<const std::byte> more) override {
    bytes.append(reinterpret_cast<const char*>(more.data()), more.size());
    return bytes.size() < 4_KiB;
  }
  std::string bytes;
};

}  // namespace

Task<Answer<void>> S3::check(Until until) {
  auto key = requests_.place().probe(uuid7());
  auto good = co_await check_probe(key, until);
  auto removed = co_await remove_key(key, until);
  if (good && !removed) co_return removed;
  co_return good;
}

Task<Answer<void>> S3::check_probe(std::string key, Until until) {
  const auto text = "onetake was here: " + key + '\n';
  Sent sent{.size = text.size(), .sha256 = provider::sha256_hex(text), .mark = {}};
  Requests::Call call;
  call.method = provider::Method::put;
  call.key = key;
  call.headers = head_of("text/plain", sent, requests_.settings());
  call.body.bytes = text;
  auto put = co_await confirmed(requests_, std::move(call), sent, until);
  if (!put) co_return put;

  auto found = co_await find(requests_, key, until);
  if (!found) co_return std::unexpected(std::move(found.error()));
  const bool kept = *found && sent.is(**found);
  Collecting sink;
  Wanted wanted{.name = {}, .until = until};
  auto read = co_await read_key(key, std::move(wanted), sink);
  if (!read) co_return std::unexpected(Trouble{Trouble::Kind::unavailable, std::move(read.error().setback.detail)});
  if (!kept || sink.bytes != text)
    co_return std::unexpected(Trouble{
        Trouble::Kind::different,
        requests_.settings().endpoint + " does not keep what it is given: size, metadata or bytes have changed"});
  co_return Answer<void>{};
}

}  // namespace onetake::durable
