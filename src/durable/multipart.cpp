#include "durable/multipart.hpp"

#include <algorithm>
#include <system_error>

#include "base/ids.hpp"
#include "durable/hash.hpp"
#include "durable/xml.hpp"

namespace onetake::durable {
namespace {

constexpr std::size_t most_parts = 10'000;

}  // namespace

Multipart::Multipart(Requests& requests, Offload& hashing, std::string key, std::string content_type,
                     std::string sha256, int file, Bytes part)
    : requests_(requests),
      hashing_(hashing),
      key_(std::move(key)),
      content_type_(std::move(content_type)),
      what_{.size = 0, .sha256 = std::move(sha256), .mark = uuid7()},
      file_(file),
      part_(part) {}

Task<Answer<void>> Multipart::begin(Until until) {
  Requests::Call call;
  call.method = provider::Method::post;
  call.key = key_;
  call.query = {{"uploads", ""}};
  call.headers = head_of(content_type_, what_, requests_.settings());
  // One whose answer is lost stays behind for `abort_forgotten`.
  auto reply = co_await requests_.perform(std::move(call), until);
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  auto id = xml::upload_id(reply->body);
  if (!id)
    co_return std::unexpected(Trouble{Trouble::Kind::misconfigured,
                                      requests_.settings().endpoint + " does not answer as S3 does: is it the API?"});
  upload_id_ = std::move(*id);
  co_return Answer<void>{};
}

Task<Answer<std::string>> Multipart::send_part(Bytes offset, Bytes size, Until until) {
  Requests::Call call;
  call.method = provider::Method::put;
  call.key = key_;
  call.query = {{"partNumber", std::to_string(offset / part_ + 1)}, {"uploadId", upload_id_}};
  call.body = {.bytes = {}, .file = file_, .offset = offset, .length = size};
  const int file = file_;
  call.sha256 = co_await hashing_.run([file, offset, size] { return sha256_of(file, offset, size); });
  auto reply = co_await requests_.perform(std::move(call), until);
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  std::string etag{reply->response.headers.find("etag")};
  if (etag.empty())
    co_return std::unexpected(
        Trouble{Trouble::Kind::different, requests_.settings().endpoint + " took a part without an ETag"});
  co_return etag;
}

Task<Answer<void>> Multipart::send(Bytes end, Until until) {
  while (sent() + part_ <= end) {
    if (etags_.size() >= most_parts - 1)
      co_return std::unexpected(Trouble{Trouble::Kind::different, "the recording has more than 10,000 parts"});
    if (until.stop.stop_requested()) co_return std::unexpected(Trouble{Trouble::Kind::ended, "stopped"});
    if (!begun()) {
      auto begun = co_await begin(until);
      if (!begun) co_return begun;
    }
    auto etag = co_await send_part(sent(), part_, until);
    if (!etag) co_return std::unexpected(std::move(etag.error()));
    etags_.push_back(std::move(*etag));
  }
  co_return Answer<void>{};
}

Task<Answer<void>> Multipart::complete(Bytes size, Until until) {
  auto whole = co_await send(size, until);
  if (!whole) co_return whole;
  if (!begun()) {
    auto begun = co_await begin(until);
    if (!begun) co_return begun;
  }
  if (sent() < size && last_.empty()) {
    auto etag = co_await send_part(sent(), size - sent(), until);
    if (!etag) co_return std::unexpected(std::move(etag.error()));
    last_ = std::move(*etag);
  }
  auto etags = etags_;
  if (!last_.empty()) etags.push_back(last_);

  Requests::Call call;
  call.method = provider::Method::post;
  call.key = key_;
  call.query = {{"uploadId", upload_id_}};
  call.headers = {"Content-Type: application/xml"};
  call.body.bytes = xml::complete(etags);
  what_.size = size;
  auto done = co_await confirmed(requests_, std::move(call), what_, until);
  if (done) upload_id_.clear();
  co_return done;
}

Task<Answer<void>> Multipart::abort(Until until) {
  if (!begun()) co_return Answer<void>{};
  auto done = co_await abort_upload(requests_, key_, upload_id_, until);
  if (done) upload_id_.clear();
  co_return done;
}

Task<Answer<void>> abort_upload(Requests& requests, std::string key, std::string upload_id, Until until) {
  Requests::Call call;
  call.method = provider::Method::remove;
  call.key = std::move(key);
  call.query = {{"uploadId", std::move(upload_id)}};
  auto reply = co_await requests.perform(std::move(call), until);
  if (!reply && reply.error().kind != Trouble::Kind::missing) co_return std::unexpected(std::move(reply.error()));
  co_return Answer<void>{};
}

}  // namespace onetake::durable
