#include <boost/json/serialize.hpp>
#include <chrono>

#include "base/loop.hpp"
#include "base/metrics.hpp"
#include "http/api.hpp"
#include "http/conditional.hpp"
#include "http/json.hpp"
#include "http/problem.hpp"
#include "provider/answer.hpp"
#include "recording/byte_range.hpp"

namespace onetake::http {

using metrics::Series;

namespace {

double seconds_since(Monotonic::time_point then) {
  return std::chrono::duration<double>(Monotonic::now() - then).count();
}

/// What counts with every answer, looked up once.
struct Counted {
  metrics::Histogram ready{Series::first_byte_seconds, {"ready"}};
  metrics::Counter seeks{Series::seek_requests};
  metrics::Counter hits{Series::cache_opens, {"hit"}};
};

const Counted& counted() {
  static const Counted made;
  return made;
}

/// A representation's own fields, the same live and ready.
struct Face {
  std::string_view content_type;
  std::string_view etag;
  WallTime last_modified;
};

Answer audio(int status, const Face& face, const Request& request) {
  Answer answer{.status = status, .fields = {}, .body = {}};
  answer.fields.reserve(512);
  if (status != 304) answer.add("Content-Type", face.content_type);
  answer.add("ETag", face.etag);
  answer.add("Last-Modified", http_date(face.last_modified));
  answer.fields +=
      "Cache-Control: private, no-cache\r\n"
      "Vary: Prefer, Authorization, Cookie\r\n"
      "X-Content-Type-Options: nosniff\r\n";
  if (status != 304 && request.parameter("download") == "1") {
    auto name = request.path;
    name.remove_suffix(std::string_view{"/stream"}.size());
    name.remove_prefix(name.rfind('/') + 1);
    const auto subtype = face.content_type.substr(face.content_type.find('/') + 1);
    const auto ending = subtype == "mpeg" ? "mp3" : subtype == "mp4" ? "m4a" : subtype;
    // A call sid has nothing in it that a quoted string would have to escape.
    answer.add("Content-Disposition", "attachment; filename=\"" + percent_decoded(name, false).value_or("recording") +
                                          '.' + std::string{ending.substr(0, ending.find(';'))} + '"');
  }
  return answer;
}

Answer precondition_failed(const Face& face) {
  auto answer = problem({.fault = Fault::precondition_failed});
  answer.add("ETag", face.etag);
  return answer;
}

Answer not_satisfiable(Bytes total) {
  auto answer = problem({.fault = Fault::range_not_satisfiable});
  answer.add("Content-Range", "bytes */" + std::to_string(total));
  return answer;
}

std::string content_range(const ByteRange& range, Bytes total) {
  std::string text = "bytes ";
  append_number(text, range.first);
  append_number(text += '-', range.last);
  append_number(text += '/', total);
  return text;
}

/// A GET that moves about in what it plays.
bool seeks(const Request& request) {
  const auto specs = parse_range(request.field(Field::range));
  return request.is_get() && specs && specs->front().first.value_or(1) != 0;
}

Face face_of(const stream::Arriving& live) { return {live.live->content_type, live.etag, live.live->last_modified}; }

/// What the Range field asks for: nothing means everything.
std::vector<RangeSpec> ranges_of(const Request& request, const Face& face) {
  const auto field = request.field(Field::range);
  if (!request.is_get() || field.empty() || !range_applies(request, face.etag, face.last_modified)) return {};
  return parse_range(field).value_or(std::vector<RangeSpec>{});
}

/// What a live answer gives a part of; nothing: it begins with the first byte. Several ranges are as if there were
/// none.
std::optional<RangeSpec> live_range(const Request& request, const Face& face) {
  const auto specs = ranges_of(request, face);
  return specs.size() == 1 ? std::optional{specs.front()} : std::nullopt;
}

/// Is there no answer before its length is known? Which Range applies, and whether the body is asked for at all, can
/// only be told by the representation.
bool lacks_total(const Request& request, const stream::Arriving& live) {
  const auto face = face_of(live);
  return !live.total && evaluate(request, face.etag, face.last_modified) == Precondition::proceed &&
         live_range(request, face);
}

Answer stopping() { return problem({.fault = Fault::draining}, {.retry_after = milliseconds{1'000}}); }

/// True, for somebody to wait for.
Task<bool> passed(milliseconds span) {
  co_await sleep_for(span);
  co_return true;
}

/// RFC 9110 section 14.6. Each part has its own head; the file is sent between them.
class Multipart {
 public:
  Multipart(std::shared_ptr<const blob::Published> file, std::vector<ByteRange> ranges, std::string_view content_type)
      : file_(std::move(file)), ranges_(std::move(ranges)), boundary_(uuid7()) {
    for (const auto& range : ranges_) {
      heads_.push_back("\r\n--" + boundary_ + "\r\nContent-Type: " + std::string{content_type} +
                       "\r\nContent-Range: " + content_range(range, file_->size) + "\r\n\r\n");
      length_ += heads_.back().size() + range.size();
    }
    heads_.push_back("\r\n--" + boundary_ + "--\r\n");
    length_ += heads_.back().size();
  }

  [[nodiscard]] std::string content_type() const { return "multipart/byteranges; boundary=" + boundary_; }
  [[nodiscard]] Bytes length() const { return length_; }

  Task<End> write(Out& out) {
    for (std::size_t i = 0; i < ranges_.size(); ++i) {
      if (!co_await out.send(heads_[i], true)) co_return End::cut;
      if (!co_await out.send_file(file_->file.get(), ranges_[i].first, ranges_[i].size(), &file_->withdrawn))
        co_return End::cut;
    }
    co_return co_await out.send(heads_.back(), false) ? End::clean : End::cut;
  }

 private:
  std::shared_ptr<const blob::Published> file_;
  std::vector<ByteRange> ranges_;
  std::string boundary_;
  std::vector<std::string> heads_;
  Bytes length_ = 0;
};

/// Another node's answer that is no live audio.
Task<End> pass_on(Out& out, std::shared_ptr<Neighbour> from, milliseconds patience) {
  static const metrics::Counter bytes_sent{Series::http_bytes_sent};
  const bool is_audio = from->status() == 200 || from->status() == 206;
  for (;;) {
    const auto piece = co_await from->read(patience);
    if (!piece) co_return End::cut;
    if (piece->empty()) co_return End::clean;
    const bool taken = co_await out.send(*piece, false);
    if (!taken) co_return End::cut;
    if (is_audio) bytes_sent.add(static_cast<double>(piece->size()));
  }
}

/// Within this a node begins to answer, of what is ready: one that hangs is not worth the wait while another holder, or
/// the durable copy, has it too. Of a run under way it may take what is left of `stream_wait`, as here.
constexpr milliseconds head_patience{3'000};
/// Of a node that does not answer and may be back, or be found to be gone.
constexpr milliseconds between_looks{500};

}  // namespace

std::optional<Answer> Api::from_shelf(const Request& request, Asked asked) {
  const auto key = key_of(request, std::move(asked.caller.tenant), std::move(asked.sid));
  if (!key) return std::nullopt;
  const auto on_shelf = parts_.streams.on_shelf(*key);
  if (!on_shelf) return std::nullopt;
  counted().hits.add();
  auto answer = ready(request, on_shelf, asked.by_node);
  if (!asked.by_node) count_play(request, answer.status);
  return answer;
}

Task<Answer> Api::stream(const Request& request, Asked asked) {
  const auto key = key_of(request, std::move(asked.caller.tenant), std::move(asked.sid));
  if (!key) co_return problem(key.error());

  const bool only_looks = request.is_head() || lists_token(request.field(Field::prefer), "respond-async");
  stream::Wait wait;
  if (!only_looks) wait.until = request.began + config_.stream_wait;
  auto answer = co_await opened(request, *key, wait, only_looks, asked.by_node);
  if (!asked.by_node) count_play(request, answer.status);
  co_return answer;
}

/// Who is asked by a node begins nothing, and passes nothing on: one hop. Nor does it when the body breaks off: then
/// whoever asked goes on from elsewhere.
Task<Answer> Api::opened(const Request& request, Key key, stream::Wait wait, bool only_looks, bool by_node) {
  for (bool may_begin = is_explicit(request) && !by_node;;) {
    auto opening = parts_.streams.open(key, may_begin, wait);
    auto opened = co_await last_call_.wait(std::move(opening));
    if (!opened) co_return stopping();
    if (const auto* whole = std::get_if<std::shared_ptr<const stream::Ready>>(&*opened))
      co_return ready(request, *whole, by_node);
    if (const auto* live = std::get_if<stream::Arriving>(&*opened)) {
      if (only_looks && !live->published) co_return pending(request, live->flight->view());
      if (wait.for_total || !lacks_total(request, *live)) co_return arriving(request, key, *live, by_node);
      wait.for_total = true;
      may_begin = false;  // it has: what is cancelled from now on does not begin again
      continue;
    }
    if (const auto* nothing_yet = std::get_if<stream::Pending>(&*opened)) co_return pending(request, nothing_yet->view);
    if (by_node) co_return problem({.fault = Fault::misdirected, .detail = "This node does not have it."});
    if (const auto* refused = std::get_if<stream::Refused>(&*opened)) {
      auto failure = refused->failure;
      if (wait.for_total && failure.fault == Fault::explicit_user_action_required)
        failure = {Fault::fetch_failed, "The fetch ended before its length was known. Press Play to begin another."};
      auto retry_after = refused->retry_after;
      // What does not cool down was cancelled, and may be pressed on at once.
      if (failure.fault == Fault::fetch_failed && !retry_after) retry_after = milliseconds{1'000};
      co_return problem(failure, {.retry_after = retry_after, .provider_status = refused->provider_status});
    }

    auto there = std::get<stream::Elsewhere>(*std::move(opened));
    if (only_looks && there.pending) co_return pending(request, *there.pending);
    auto answer = co_await from_elsewhere(request, key, there);
    if (answer) co_return *std::move(answer);
    wait.nobody_answers = true;
    if (there.durable) continue;  // however late it is: the copy has patience of its own
    // That node is gone, or stops: either it is back soon, or the ledger gives what it had to somebody else.
    if (in(between_looks) >= request.began + config_.stream_wait) {
      if (there.pending) co_return pending(request, *there.pending);
      co_return problem({.fault = Fault::unavailable, .detail = "The node that has the audio does not answer."},
                        {.retry_after = milliseconds{1'000}});
    }
    const auto rested = co_await last_call_.wait(passed(between_looks));
    if (!rested) co_return stopping();
  }
}

/// What another node answers; nothing where none does.
Task<std::optional<Answer>> Api::from_elsewhere(const Request& request, Key key, stream::Elsewhere elsewhere) {
  if (parts_.relay == nullptr) co_return std::nullopt;
  auto question = Relay::question(request, key.tenant);
  question.head_in = head_patience;
  if (elsewhere.pending) {
    const auto left = request.began + config_.stream_wait - Monotonic::now();
    question.head_in = std::max(head_patience, std::chrono::duration_cast<milliseconds>(left));
  }
  auto asking = parts_.relay->ask(std::move(question), std::move(elsewhere.nodes));
  auto answered = co_await last_call_.wait(std::move(asking));
  if (!answered) co_return stopping();
  auto there = *std::move(answered);
  if (!there) co_return std::nullopt;
  Answer answer{.status = there->status(), .fields = there->fields(), .body = {}};
  const auto length = there->length();
  if (answer.status == 204 || answer.status == 304 || (request.is_head() && !length)) co_return answer;

  const auto range = provider::content_range(there->content_range());
  if (request.is_get() && !there->etag().empty() && (answer.status == 200 || range)) {
    Continued::Of of{.key = std::move(key),
                     .target = std::string{request.target},
                     .etag = std::string{there->etag()},
                     .first = range ? range->first : 0,
                     .end = range ? std::optional{range->last + 1} : length,
                     .total = range ? range->total : length,
                     .began = request.began};
    answer.body = continued(length, std::move(of), std::move(there), parts_.relay);
    co_return answer;
  }
  answer.body = Streamed{.length = length, .write = [there, patience = config_.listener_patience](Out& out) {
                           return pass_on(out, there, patience);
                         }};
  co_return answer;
}

Streamed Api::continued(std::optional<Bytes> length, Continued::Of of, Continued::Source source, const Relay* relay) {
  const auto body =
      std::make_shared<Continued>(parts_.streams, relay, config_.listener_patience, std::move(of), std::move(source));
  return {.length = length,
          .write = [body](Out& out) { return body->write(out); },
          .at_hand = [body] { return body->at_hand(); }};
}

/// A press's own requests, apart from those that move about in what it plays.
void Api::count_play(const Request& request, int status) {
  if (status != 202 && seeks(request)) return counted().seeks.add();
  if (const auto play = request.parameter("play")) plays_.count(*play, Monotonic::now());
}

Answer Api::ready(const Request& request, const std::shared_ptr<const stream::Ready>& whole, bool by_node) {
  const Face face{whole->content_type, whole->etag, whole->last_modified};
  switch (evaluate(request, face.etag, face.last_modified)) {
    case Precondition::failed:
      return precondition_failed(face);
    case Precondition::not_modified:
      return audio(304, face, request);
    case Precondition::proceed:
      break;
  }
  const auto total = whole->file->size;
  const auto specs = ranges_of(request, face);
  std::vector<ByteRange> ranges;
  Bytes asked_for = 0;
  for (const auto& spec : specs) {
    if (const auto range = resolve(spec, total)) {
      ranges.push_back(*range);
      asked_for += range->size();
    }
  }
  if (!specs.empty() && ranges.empty()) return not_satisfiable(total);
  // Ranges that overlap so much that they are more than the whole are somebody's attack, or mistake.
  if (ranges.size() > 1 && asked_for > total) ranges.clear();

  if (!by_node && request.is_get()) counted().ready.observe(seconds_since(request.began));
  auto answer = audio(ranges.empty() ? 200 : 206, face, request);
  answer.add("Accept-Ranges", "bytes");
  if (ranges.size() > 1) {
    auto parts = std::make_shared<Multipart>(whole->file, std::move(ranges), face.content_type);
    answer.fields.replace(answer.fields.find(face.content_type), face.content_type.size(), parts->content_type());
    answer.body = Streamed{.length = parts->length(), .write = [parts](Out& out) { return parts->write(out); }};
    return answer;
  }
  const ByteRange range = ranges.empty() ? ByteRange{0, total - 1} : ranges.front();
  if (!ranges.empty()) answer.add("Content-Range", content_range(range, total));
  answer.body = FilePart{.file = whole->file, .offset = range.first, .length = range.size()};
  return answer;
}

Answer Api::arriving(const Request& request, const Key& key, const stream::Arriving& live, bool by_node) {
  const auto face = face_of(live);
  switch (evaluate(request, face.etag, face.last_modified)) {
    case Precondition::failed:
      return precondition_failed(face);
    case Precondition::not_modified:
      return audio(304, face, request);
    case Precondition::proceed:
      break;
  }
  std::optional<ByteRange> range;
  if (const auto spec = live_range(request, face); live.total && spec) {
    range = resolve(*spec, *live.total);
    if (!range) return not_satisfiable(*live.total);
  }
  auto answer = audio(range ? 206 : 200, face, request);
  if (live.total) answer.add("Accept-Ranges", "bytes");
  if (range) answer.add("Content-Range", content_range(*range, *live.total));

  const Bytes at = range ? range->first : 0;
  const auto end = range ? std::optional{range->last + 1} : live.total;
  const auto length = end ? std::optional{*end - at} : std::nullopt;
  answer.body = continued(length,
                          {.key = key,
                           .target = std::string{request.target},
                           .etag = live.etag,
                           .first = at,
                           .end = end,
                           .total = live.total,
                           .began = request.began,
                           .by_node = by_node},
                          live, by_node ? nullptr : parts_.relay);
  return answer;
}

Answer Api::pending(const Request& request, const run::Flight::View& view) {
  auto answer = json_answer(202, boost::json::serialize(json_of(view)));
  answer.add("Location", "/api/runs/" + view.run.id.str());
  const auto due = view.run.due_at ? std::chrono::ceil<std::chrono::seconds>(*view.run.due_at - wall_now()).count() : 0;
  answer.add("Retry-After", std::to_string(std::max<std::int64_t>(due, 1)));
  if (lists_token(request.field(Field::prefer), "respond-async")) answer.add("Preference-Applied", "respond-async");
  answer.add("Vary", "Prefer");
  return answer;
}

}  // namespace onetake::http
