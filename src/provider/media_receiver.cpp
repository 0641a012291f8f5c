#include "provider/media_receiver.hpp"

#include "base/metrics.hpp"
#include "provider/answer.hpp"

namespace onetake::provider {
namespace {

constexpr std::size_t max_refusal_bytes = 64_KiB;

}  // namespace

MediaReceiver::MediaReceiver(std::string type, Bytes max_bytes, Bytes from, std::string validator, Sink& sink)
    : type_(std::move(type)), max_bytes_(max_bytes), from_(from), validator_(std::move(validator)), sink_(sink) {}

bool MediaReceiver::end(Cause cause, std::string detail) {
  setback_ = Setback{cause, std::move(detail), status_};
  return false;
}

bool MediaReceiver::head(const Response& response) {
  status_ = response.status;
  if (status_ == 416 && from_ > 0) from_the_start_ = true;
  if (status_ != 200 && status_ != 206) return true;

  const auto coding = lower(response.headers.joined("content-encoding"));
  if (!coding.empty() && coding != "identity")
    return end(Cause::wrong_content, "sent the recording in a content coding");
  return status_ == 200 ? whole(response) : part(response);
}

bool MediaReceiver::whole(const Response& response) {
  return begin({.offset = 0,
                .total = response.length,
                .framing = response.framing,
                .validator = std::string{strong_etag(response.headers)},
                .digests = digests(response.headers)});
}

bool MediaReceiver::part(const Response& response) {
  if (from_ == 0) return end(Cause::unavailable, "sent a part though all was asked for");
  const auto range = content_range(response.headers.find("content-range"));
  const auto etag = strong_etag(response.headers);
  if (!range || range->first != from_ || !range->total || range->last + 1 != *range->total ||
      (response.length && *response.length != *range->total - from_) || (!etag.empty() && etag != validator_)) {
    from_the_start_ = true;
    return false;
  }
  part_ends_ = range->total;
  return begin(
      {.offset = from_, .total = range->total, .framing = response.framing, .validator = validator_, .digests = {}});
}

bool MediaReceiver::begin(const Head& head) {
  if (head.total.value_or(0) > max_bytes_) return end(Cause::too_large, "is larger than max_recording_bytes");
  metrics::add(metrics::Series::provider_requests, {type_, std::to_string(status_)});
  begun_ = true;
  offset_ = head.offset;
  sink_stopped_ = !sink_.begin(head);
  return !sink_stopped_;
}

bool MediaReceiver::data(std::span<const std::byte> bytes) {
  if (!begun_) {
    if (refusal_.size() + bytes.size() > max_refusal_bytes) return false;
    refusal_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return true;
  }
  metrics::add(metrics::Series::received_bytes, {type_}, static_cast<double>(bytes.size()));
  offset_ += bytes.size();
  if (offset_ > max_bytes_) return end(Cause::too_large, "is larger than max_recording_bytes");
  if (part_ends_ && offset_ > *part_ends_) return end(Cause::interrupted, "sent more than its Content-Range says");
  sink_stopped_ = !sink_.data(bytes);
  return !sink_stopped_;
}

MediaAnswer MediaReceiver::answer(Transferred transferred) {
  const auto framing = transferred.response.framing;
  MediaAnswer made{.outcome = Delivered{framing, status_}, .status = status_, .error_code = 0, .counted = begun_};
  if (sink_stopped_) {
    made.outcome = std::unexpected(Refused{{Cause::internal, "stopped", status_}});
  } else if (setback_) {
    made.outcome = std::unexpected(Refused{std::move(*setback_)});
  } else if (transferred.setback && !(status_ != 0 && cause_of(status_))) {
    transferred.setback->provider_status = status_;
    made.outcome = std::unexpected(Refused{std::move(*transferred.setback)});
  } else if (status_ != 0 && cause_of(status_)) {
    // Also when the refusal's own body was cut: its status says enough.
    made.error_code = error_code(refusal_);
    auto detail = "answered " + std::to_string(status_);
    if (made.error_code != 0) detail += ", error " + std::to_string(made.error_code);
    made.outcome = std::unexpected(refused(transferred.response, std::move(detail)));
  } else if (part_ends_ && offset_ != *part_ends_) {
    made.outcome = std::unexpected(Refused{{Cause::interrupted, "sent less than its Content-Range says", status_}});
  }
  return made;
}

}  // namespace onetake::provider
