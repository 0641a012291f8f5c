#include "durable/upload.hpp"

#include <algorithm>

namespace onetake::durable {
namespace {

/// At `until.stop`, while nothing arrives.
constexpr milliseconds between_looks{500};

}  // namespace

Task<Answer<void>> put_whole(Requests& requests, std::string key, const Object& object, int file, Until until) {
  Sent sent{.size = object.size, .sha256 = object.sha256, .mark = {}};
  Requests::Call call;
  call.method = provider::Method::put;
  call.key = std::move(key);
  call.headers = head_of(object.content_type, sent, requests.settings());
  call.body = {.bytes = {}, .file = file, .offset = 0, .length = object.size};
  call.sha256 = object.sha256;  // a file that has rotted since is refused there
  return confirmed(requests, std::move(call), std::move(sent), std::move(until));
}

S3Upload::S3Upload(Requests& requests, Offload& hashing, const std::string& name, std::string content_type,
                   std::shared_ptr<blob::Growing> growing)
    : requests_(requests),
      key_(requests.place().key(name)),
      growing_(std::move(growing)),
      parts_(requests, hashing, key_, std::move(content_type), {}, growing_->fd(), requests.tuning().part) {}

Task<Answer<void>> S3Upload::follow(Until until) {
  for (;;) {
    const auto next = parts_.sent() + requests_.tuning().part;
    auto view = co_await growing_->past(next - 1, std::min(until.deadline, in(between_looks)));
    if (until.stop.stop_requested()) co_return std::unexpected(Trouble{Trouble::Kind::ended, "stopped"});
    if (!view && Monotonic::now() < until.deadline) continue;
    if (!view) co_return std::unexpected(Trouble{Trouble::Kind::unavailable, "the recording took too long to arrive"});
    if (view->phase == blob::Growing::Phase::abandoned)
      co_return std::unexpected(Trouble{Trouble::Kind::ended, "the recording was abandoned"});
    if (view->phase == blob::Growing::Phase::whole) co_return Answer<void>{};  // `complete` sends the rest
    auto sent = co_await parts_.send(view->watermark, until);
    if (!sent) co_return sent;
  }
}

Task<Answer<void>> S3Upload::complete(Object object, Until until) {
  const bool short_one = !parts_.begun() && object.size <= requests_.tuning().part;
  if (short_one) {
    const int file = growing_->fd();
    co_return co_await put_whole(requests_, key_, object, file, until);
  }
  co_return co_await parts_.complete(object.size, until);
}

Task<Answer<void>> S3Upload::abort(Until until) { return parts_.abort(until); }

}  // namespace onetake::durable
