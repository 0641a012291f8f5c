#include "simulator/answer.hpp"

namespace onetake::simulator {
namespace {

/// A copy of `answer` after `change` was made to it.
template <class Change>
Answer changed(const Answer& answer, Change change) {
  Answer copy = answer;
  change(copy);
  return copy;
}

}  // namespace

Answer Answer::after(milliseconds first_byte) const {
  return changed(*this, [&](Answer& a) { a.first_byte_after_ = first_byte; });
}

Answer Answer::before_first_byte(std::string barrier) const {
  return changed(*this, [&](Answer& a) { a.first_byte_barriers_.push_back(std::move(barrier)); });
}

Answer Answer::at(Bytes bytes_per_second) const {
  return changed(*this, [&](Answer& a) { a.bytes_per_second_ = bytes_per_second; });
}

Answer Answer::hold_at(Place place, std::string barrier) const {
  return changed(*this, [&](Answer& a) { a.holds_.push_back({place, std::move(barrier)}); });
}

Answer Answer::cut_at(Place place) const {
  return changed(*this, [&](Answer& a) { a.end_place_ = place, a.end_ = End::fin; });
}

Answer Answer::reset_at(Place place) const {
  return changed(*this, [&](Answer& a) { a.end_place_ = place, a.end_ = End::rst; });
}

Answer Answer::length_off_by(std::int64_t by) const {
  return changed(*this, [&](Answer& a) { a.length_off_by_ = by; });
}

Answer Answer::chunked() const {
  return changed(*this, [](Answer& a) { a.framing_ = Framing::chunked, a.ranges_ = false; });
}

Answer Answer::until_close() const {
  return changed(*this, [](Answer& a) { a.framing_ = Framing::until_close, a.ranges_ = false; });
}

Answer Answer::without_ranges() const {
  return changed(*this, [](Answer& a) { a.ranges_ = false; });
}

Answer Answer::tagged(std::string etag) const {
  return changed(*this, [&](Answer& a) { a.tag_ = Tag::given, a.etag_ = std::move(etag); });
}

Answer Answer::untagged() const {
  return changed(*this, [](Answer& a) { a.tag_ = Tag::none; });
}

Answer Answer::tagged_anew() const {
  return changed(*this, [](Answer& a) { a.tag_ = Tag::anew; });
}

Answer Answer::stating(Digest digest) const {
  return changed(*this, [&](Answer& a) { a.digests_.push_back({digest, true}); });
}

Answer Answer::misstating(Digest digest) const {
  return changed(*this, [&](Answer& a) { a.digests_.push_back({digest, false}); });
}

Answer Answer::typed(std::string content_type) const {
  return changed(*this, [&](Answer& a) { a.content_type_ = std::move(content_type); });
}

Answer Answer::with(std::string header, std::string value) const {
  return changed(*this, [&](Answer& a) { a.headers_.emplace_back(std::move(header), std::move(value)); });
}

Answer Answer::of(Audio other) const {
  return changed(*this, [&](Answer& a) { a.content_ = std::move(other); });
}

Answer Answer::times(unsigned n) const {
  return changed(*this, [&](Answer& a) { a.times_ = n; });
}

Answer Answer::during(milliseconds from_the_first) const {
  return changed(*this, [&](Answer& a) { a.during_ = from_the_first; });
}

Answer whole() { return {}; }

Answer hang_up() {
  return changed(whole(), [](Answer& a) { a.hangs_up_ = true; });
}

Answer status(int status) {
  const int code = status == 401   ? 20003
                   : status == 403 ? 20403
                   : status == 404 ? 20404
                   : status == 429 ? 20429
                                   : 20500;
  return changed(whole()
                     .of(raw(twilio_error(status, code, "The simulator was told to answer so."), "json"))
                     .typed("application/json; charset=utf-8")
                     .without_ranges()
                     .untagged(),
                 [&](Answer& a) { a.status_ = status; });
}

Answer throttled(std::optional<std::chrono::seconds> retry_after) {
  const Answer answer = status(429);
  return retry_after ? answer.with("Retry-After", std::to_string(retry_after->count())) : answer;
}

Answer error_page() {
  return whole()
      .of(raw("<!DOCTYPE html>\n<html><head><title>Temporarily unavailable</title></head>\n"
              "<body><h1>Temporarily unavailable</h1><p>" +
                  std::string(600, '.') + "</p></body></html>\n",
              "html"))
      .typed("text/html; charset=utf-8")
      .without_ranges()
      .untagged();
}

Answer redirect(std::string location) {
  return changed(whole().of(raw("", "txt")).typed("text/plain").without_ranges().untagged(), [&](Answer& a) {
    a.status_ = 302;
    a.headers_.emplace_back("Location", std::move(location));
  });
}

std::string twilio_error(int status, int code, const std::string& message) {
  const auto number = std::to_string(code);
  return R"({"code": )" + number + R"(, "message": ")" + message +
         R"(", "more_info": "https://www.twilio.com/docs/errors/)" + number + R"(", "status": )" +
         std::to_string(status) + "}";
}

}  // namespace onetake::simulator
