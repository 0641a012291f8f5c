#include "simulator/plan.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <utility>

namespace onetake::simulator {
namespace {

std::string from_hex(const std::string& hex) {
  std::string out;
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) out += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  return out;
}

std::string base64(const std::string& bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(n));
  return out;
}

std::string digest_line(const Answer::StatedDigest& stated, const Audio& content) {
  std::string value = from_hex(stated.kind == Digest::content_md5 ? content.md5() : content.sha256());
  if (!stated.right) value.front() = static_cast<char>(value.front() ^ 1);
  const std::string encoded = base64(value);
  switch (stated.kind) {
    case Digest::content_md5:
      return "Content-MD5: " + encoded + "\r\n";
    case Digest::digest:
      return "Digest: sha-256=" + encoded + "\r\n";  // RFC 3230
    case Digest::repr_digest:
      break;
  }
  return "Repr-Digest: sha-256=:" + encoded + ":\r\n";  // RFC 9530
}

std::string tag(const Answer& answer, const Audio& content, std::uint64_t serial) {
  switch (answer.tag_) {
    case Answer::Tag::of_audio:
      return content.etag();
    case Answer::Tag::given:
      return answer.etag_;
    case Answer::Tag::anew:
      return "\"anew-" + std::to_string(serial) + '"';
    case Answer::Tag::none:
      break;
  }
  return {};
}

bool weak(std::string_view etag) { return etag.starts_with("W/"); }

}  // namespace

std::string status_text(int status) {
  static constexpr std::array<std::pair<int, const char*>, 14> texts{{{200, "OK"},
                                                                      {206, "Partial Content"},
                                                                      {302, "Found"},
                                                                      {400, "Bad Request"},
                                                                      {401, "Unauthorized"},
                                                                      {403, "Forbidden"},
                                                                      {404, "Not Found"},
                                                                      {405, "Method Not Allowed"},
                                                                      {410, "Gone"},
                                                                      {416, "Range Not Satisfiable"},
                                                                      {429, "Too Many Requests"},
                                                                      {500, "Internal Server Error"},
                                                                      {502, "Bad Gateway"},
                                                                      {503, "Service Unavailable"}}};
  const auto found = std::ranges::find(texts, status, &std::pair<int, const char*>::first);
  return std::to_string(status) + ' ' + (found != texts.end() ? found->second : "Status");
}

Plan plan(const Answer& answer, const Audio& recording, const Request& request, std::uint64_t serial) {
  const Audio& content = answer.content_ ? *answer.content_ : recording;
  const Bytes size = content.size();
  const std::string etag = tag(answer, content, serial);

  int status = answer.status_;
  Span body{0, size};
  if (answer.ranges_ && status == 200 && request.has("Range")) {
    const auto condition = request.header("If-Range");
    const bool same = condition.empty() || (condition == etag && !weak(etag));  // strong comparison
    Span wanted;
    const auto kind = same ? parse_range(request.header("Range"), size, wanted) : RangeKind::ignored;
    if (kind == RangeKind::satisfiable) status = 206, body = wanted;
    if (kind == RangeKind::unsatisfiable) status = 416, body = {0, 0};
  }

  std::string head = "HTTP/1.1 " + status_text(status) + "\r\nServer: simulator\r\n";
  head += "Content-Type: " + answer.content_type_.value_or(content.content_type()) + "\r\n";
  if (answer.ranges_) head += "Accept-Ranges: bytes\r\n";
  if (!etag.empty()) head += "ETag: " + etag + "\r\n";
  if (status == 206)
    head += "Content-Range: bytes " + std::to_string(body.first) + '-' + std::to_string(body.last - 1) + '/' +
            std::to_string(size) + "\r\n";
  if (status == 416) head += "Content-Range: bytes */" + std::to_string(size) + "\r\n";
  for (const auto& stated : answer.digests_) {
    // Content-MD5 is of the body that is sent, the others of the whole.
    if (stated.kind != Digest::content_md5 || status == 200) head += digest_line(stated, content);
  }
  for (const auto& [name, value] : answer.headers_) head.append(name).append(": ").append(value).append("\r\n");

  Plan made{
      status, {}, content, body, answer.framing_, {}, Answer::End::clean, false, answer.bytes_per_second_.value_or(0)};
  switch (answer.framing_) {
    case Answer::Framing::length: {
      const auto promised = static_cast<std::int64_t>(body.last - body.first) + answer.length_off_by_;
      head += "Content-Length: " + std::to_string(std::max<std::int64_t>(promised, 0)) + "\r\n";
      made.close = answer.length_off_by_ != 0;
      break;
    }
    case Answer::Framing::chunked:
      head += "Transfer-Encoding: chunked\r\n";
      break;
    case Answer::Framing::until_close:
      made.close = true;
      break;
  }

  for (const auto& hold : answer.holds_) {
    const Bytes at = hold.place.in(size);
    if (at >= body.first && at <= body.last)
      made.stops.insert(std::ranges::upper_bound(made.stops, at, {}, &Plan::Stop::at), {at, hold.barrier});
  }
  if (answer.end_place_) {
    const Bytes end = std::max(body.first, answer.end_place_->in(size));
    if (end <= body.last) {
      made.body.last = end;
      made.end = answer.end_;
      std::erase_if(made.stops, [end](const Plan::Stop& stop) { return stop.at > end; });
    }
  }
  if (request.method == "HEAD") {
    made.body = {};
    made.stops.clear();
    made.end = Answer::End::clean;
    made.framing = Answer::Framing::length;
  }
  if (made.close || made.end != Answer::End::clean || request.header("Connection") == "close") {
    made.close = true;
    // A connection that breaks does not say so before.
    if (made.end == Answer::End::clean) head += "Connection: close\r\n";
  }
  made.head = std::move(head) + "\r\n";
  return made;
}

}  // namespace onetake::simulator
