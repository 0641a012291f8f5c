#include "durable/found.hpp"

#include "durable/xml.hpp"
#include "provider/answer.hpp"

namespace onetake::durable {
namespace {

Found found_in(const Reply& reply, std::optional<Bytes> size) {
  const auto& headers = reply.response.headers;
  return {.size = size.value_or(0),
          .etag = std::string{provider::strong_etag(headers)},
          .sha256 = std::string{headers.find(sha256_field)},
          .mark = std::string{headers.find(mark_field)}};
}

Task<Answer<std::optional<Found>>> find_by_reading(Requests& requests, std::string key, Until until) {
  Requests::Call call;
  call.key = std::move(key);
  call.headers = {"Range: bytes=0-0"};
  auto reply = co_await requests.perform(std::move(call), until);
  if (!reply) {
    if (reply.error().kind == Trouble::Kind::missing) co_return std::optional<Found>{};
    co_return std::unexpected(std::move(reply.error()));
  }
  const auto range = provider::content_range(reply->response.headers.find("content-range"));
  co_return found_in(*reply, range ? range->total : reply->response.length);
}

}  // namespace

std::vector<std::string> head_of(const std::string& content_type, const Sent& sent, const Settings& settings) {
  std::vector<std::string> lines{"Content-Type: " + content_type};
  const auto add = [&lines](std::string_view field, const std::string& value) {
    if (!value.empty()) lines.push_back(std::string{field} + ": " + value);
  };
  add(sha256_field, sent.sha256);
  add(mark_field, sent.mark);
  add("x-amz-server-side-encryption", settings.server_side_encryption);
  add("x-amz-server-side-encryption-aws-kms-key-id", settings.kms_key_id);
  return lines;
}

Task<Answer<std::optional<Found>>> find(Requests& requests, std::string key, Until until) {
  Requests::Call call;
  call.method = provider::Method::head;
  call.key = key;
  const auto reply = co_await requests.perform(std::move(call), until);
  if (!reply) co_return std::unexpected(reply.error());
  if (reply->status() == 404) co_return co_await find_by_reading(requests, std::move(key), until);
  co_return found_in(*reply, reply->response.length);
}

Task<Answer<void>> confirmed(Requests& requests, Requests::Call call, Sent sent, Until until) {
  for (int repetition = 1;; ++repetition) {
    auto reply = co_await requests.once(call, until);
    auto verdict = judge(reply, requests.settings());
    const bool done = verdict.then == Verdict::Then::done;
    // A completion is told by its document: the 200 went out before anything was done.
    if (done && (call.method == provider::Method::put || xml::completed(reply.body))) co_return Answer<void>{};
    if (done)
      verdict.trouble = {Trouble::Kind::unavailable, requests.settings().endpoint + " did not say that it is done"};
    const bool gone = verdict.code == "NoSuchUpload";
    bool again = done || verdict.then == Verdict::Then::again;
    if (gone || done || (reply.lost && again)) {
      auto there = co_await find(requests, call.key, until);
      if (!there) co_return std::unexpected(std::move(there.error()));
      if (*there && sent.is(**there)) co_return Answer<void>{};
    }
    if (again) again = co_await requests.pause(repetition, reply, until);
    if (!again) co_return std::unexpected(std::move(verdict.trouble));
  }
}

}  // namespace onetake::durable
