#include "durable/reading.hpp"

#include <algorithm>

#include "durable/found.hpp"
#include "provider/answer.hpp"

namespace onetake::durable {
namespace {

constexpr std::size_t max_refusal_bytes = 64_KiB;

std::optional<std::string> from_hex(std::string_view text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  if (text.size() != 64 || text.find_first_not_of("0123456789abcdef") != std::string_view::npos) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) bytes += static_cast<char>(digit(text[i]) << 4 | digit(text[i + 1]));
  return bytes;
}

/// What an attempt to read means to those who fetch: a copy that cannot be had is not the provider's fault. That it is
/// another one is told by its bytes, never by a refusal.
Cause cause_of(const Trouble& trouble, const Reply& reply) {
  switch (trouble.kind) {
    case Trouble::Kind::missing:
      return Cause::missing;
    case Trouble::Kind::ended:
      return Cause::internal;
    default:
      return reply.lost ? reply.lost->cause : Cause::unavailable;
  }
}

}  // namespace

Reading::Reading(const Wanted& wanted, provider::Sink& sink)
    : sha256_(wanted.sha256), sink_(sink), etag_(wanted.validator), at_(wanted.validator.empty() ? 0 : wanted.from) {}

Requests::Call Reading::call(std::string key) const {
  Requests::Call call;
  call.key = std::move(key);
  if (at_ > 0) {
    call.headers.push_back("Range: bytes=" + std::to_string(at_) + '-');
    if (!etag_.empty()) call.headers.push_back("If-Match: " + etag_);
  }
  return call;
}

bool Reading::end(Cause cause, std::string detail) {
  fault_ = Setback{cause, std::move(detail), status_};
  return false;
}

bool Reading::head(const provider::Response& response) {
  status_ = response.status;
  skip_ = 0;
  before_ = at_;
  from_the_start_ = false;
  refusal_.clear();
  if (status_ == 200) return whole(response);
  if (status_ == 206) return part(response);
  // The caller's ETag is of another copy, or there is less of it: then all of it is wanted.
  from_the_start_ = (status_ == 412 || status_ == 416) && !begun_ && at_ > 0;
  return true;
}

bool Reading::whole(const provider::Response& response) {
  if (!begun_) {
    at_ = 0;
    return begin(response, response.length);
  }
  if (provider::strong_etag(response.headers) != etag_ || response.length != total_)
    return end(Cause::wrong_content, "the copy changed while it was read");
  skip_ = at_;  // a server that does not know Range
  return true;
}

bool Reading::part(const provider::Response& response) {
  const auto range = provider::content_range(response.headers.find("content-range"));
  const bool fits = at_ > 0 && range && range->first == at_ && range->total && range->last + 1 == *range->total;
  const auto etag = provider::strong_etag(response.headers);
  if (!fits || (!etag.empty() && etag != etag_) || (begun_ && total_ && range->total != total_))
    return end(Cause::wrong_content, "the storage sent another part than it was asked for");
  return begun_ || begin(response, range->total);
}

bool Reading::begin(const provider::Response& response, std::optional<Bytes> total) {
  begun_ = true;
  total_ = total;
  if (const auto etag = provider::strong_etag(response.headers); !etag.empty()) etag_ = etag;
  provider::Head head{.offset = at_, .total = total, .framing = response.framing, .validator = etag_, .digests = {}};
  const auto& known = sha256_.empty() ? std::string{response.headers.find(sha256_field)} : sha256_;
  if (auto bytes = from_hex(known); bytes && at_ == 0)
    head.digests.push_back({Digest::Algorithm::sha256, std::move(*bytes)});
  stopped_ = !sink_.begin(head);
  return !stopped_;
}

bool Reading::data(std::span<const std::byte> bytes) {
  if (status_ != 200 && status_ != 206) {
    if (refusal_.size() + bytes.size() > max_refusal_bytes) return false;
    refusal_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return true;
  }
  const auto skipped = static_cast<std::size_t>(std::min<Bytes>(skip_, bytes.size()));
  skip_ -= skipped;
  bytes = bytes.subspan(skipped);
  if (bytes.empty()) return true;
  if (total_ && at_ + bytes.size() > *total_) return end(Cause::wrong_content, "the storage sent more than there is");
  at_ += bytes.size();
  stopped_ = !sink_.data(bytes);
  return !stopped_;
}

Reading::Step Reading::step(const Reply& reply, const Settings& settings) {
  const auto refused = [](Setback setback) {
    return provider::Outcome{std::unexpected(provider::Refused{std::move(setback)})};
  };
  if (stopped_) return {.outcome = refused({Cause::internal, "stopped", status_})};
  if (fault_) return {.outcome = refused(*fault_)};
  if (from_the_start_) {
    at_ = 0;
    etag_.clear();
    from_the_start_ = false;
    return {.again = true, .progress = true};
  }
  auto read = reply;
  read.body = refusal_;
  const bool bodied = status_ == 200 || status_ == 206;
  const bool complete = bodied && !reply.lost && (!total_ || at_ == *total_);
  if (complete) return {.outcome = provider::Delivered{reply.response.framing}};
  if (bodied && !reply.lost) read.lost = Setback{Cause::interrupted, "the copy ended before its length", status_};
  if (begun_ && status_ == 412)
    return {.outcome = refused({Cause::wrong_content, "the copy changed while it was read"})};

  const auto verdict = judge(read, settings);
  Step made{.outcome = refused({cause_of(verdict.trouble, read), verdict.trouble.detail, status_})};
  made.again = verdict.then == Verdict::Then::again && (!begun_ || !etag_.empty());
  made.progress = bodied && at_ > before_;
  status_ = 0;
  return made;
}

}  // namespace onetake::durable
