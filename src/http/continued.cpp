#include "http/continued.hpp"

#include <unistd.h>

#include <array>
#include <boost/asio/post.hpp>
#include <charconv>
#include <span>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "base/loop.hpp"
#include "base/metrics.hpp"
#include "provider/answer.hpp"

namespace onetake::http {
namespace {

/// A node that says nothing for so long, of a body whose length it has told, may be gone: the ledger is asked again.
constexpr milliseconds silence{5'000};
/// Between two looks for where it goes on: at first, and after a while.
constexpr milliseconds look_first{100};
constexpr milliseconds look_most{500};
constexpr Bytes hashed_at_once = 256_KiB;

/// The storage or the room for what it brings: who listens waits for it, and is not cut because of a hiccup.
bool passes(Fault fault) { return fault == Fault::unavailable || fault == Fault::no_space; }

/// A file's bytes from `from` to `to` into the checksum, with room for others on the loop between. False: they are not
/// there.
Task<bool> hash_file(int fd, Bytes from, Bytes to, media::Checksum& checksum) {
  const auto executor = co_await asio::this_coro::executor;
  std::vector<std::byte> buffer(std::min(hashed_at_once, to - from));
  while (from < to) {
    const auto want = std::min<Bytes>(buffer.size(), to - from);
    const auto n = ::pread(fd, buffer.data(), want, static_cast<off_t>(from));
    if (n <= 0) co_return false;
    checksum.take(std::span{buffer}.first(static_cast<std::size_t>(n)));
    from += static_cast<Bytes>(n);
    co_await asio::post(executor, use_task);
  }
  co_return true;
}

}  // namespace

Continued::Continued(stream::Streams& streams, const Relay* relay, milliseconds patience, Of of, Source source)
    : streams_(streams),
      relay_(relay),
      patience_(patience),
      of_(std::move(of)),
      source_(std::move(source)),
      etag_(of_.etag),
      at_(of_.first),
      hashed_(of_.first) {}

bool Continued::at_hand() const {
  if (const auto* flight = std::get_if<stream::Arriving>(&source_)) return flight->live->audio->view().watermark > at_;
  return std::holds_alternative<std::shared_ptr<const stream::Ready>>(source_);
}

Task<End> Continued::write(Out& out) {
  const metrics::OneMore listener{metrics::Series::listeners, {"live"}};
  for (auto pause = look_first;;) {
    const auto before = at_;
    const auto came = co_await send(out);
    if (came == Came::to_its_end) co_return End::clean;
    if (came == Came::to_nothing || relay_ == nullptr) co_return End::cut;
    // What breaks off at once each time is not asked for without end.
    if (at_ > before) pause = look_first;
    if (at_ == before) co_await sleep_for(std::exchange(pause, std::min(pause * 2, look_most)));
    co_await catch_up();
    const bool found = co_await find_on();
    if (!found) co_return End::cut;
    log::info("http.continued", "a body goes on from elsewhere",
              {{"call_sid", of_.key.call_sid.str()}, {"from", at_}, {"where", source_.index()}});
  }
}

Task<Continued::Came> Continued::send(Out& out) {
  if (const auto* flight = std::get_if<stream::Arriving>(&source_)) return send_flight(out, *flight);
  if (const auto* node = std::get_if<std::shared_ptr<Neighbour>>(&source_)) return send_neighbour(out, *node);
  return send_file(out, std::get<std::shared_ptr<const stream::Ready>>(source_));
}

void Continued::sent(Bytes bytes) {
  static const metrics::Histogram first_byte{metrics::Series::first_byte_seconds, {"live"}};
  last_ = Monotonic::now();
  if (at_ == of_.first && !of_.by_node) first_byte.observe(std::chrono::duration<double>(last_ - of_.began).count());
  at_ += bytes;
}

Task<Continued::Came> Continued::send_flight(Out& out, stream::Arriving from) {
  const auto source = from.live->audio;
  while (!of_.end || at_ < *of_.end) {
    auto view = source->view();
    if (view.watermark <= at_ && !view.final()) {
      const auto later = co_await source->past(at_, in(patience_));
      if (!later) co_return Came::to_nothing;
      view = *later;
    }
    if (view.watermark <= at_) {
      if (view.phase == blob::Growing::Phase::whole && !of_.end) co_return Came::to_its_end;
      co_return from.flight->withdrawn ? Came::to_nothing : Came::broke_off;
    }
    const auto until = std::min(view.watermark, of_.end.value_or(view.watermark));
    const bool taken = co_await out.send_file(source->fd(), at_, until - at_, &from.flight->withdrawn);
    if (!taken) co_return Came::to_nothing;
    sent(until - at_);
  }
  co_return Came::to_its_end;
}

Task<Continued::Came> Continued::send_neighbour(Out& out, std::shared_ptr<Neighbour> from) {
  static const metrics::Counter bytes_sent{metrics::Series::http_bytes_sent};
  for (;;) {
    std::optional<std::string> piece;
    if (left_.empty())
      piece = co_await from->read(of_.total ? silence : patience_);
    else
      piece = std::exchange(left_, {});
    if (!piece) co_return Came::broke_off;
    if (piece->empty()) co_return !of_.end || at_ == *of_.end ? Came::to_its_end : Came::broke_off;
    if (of_.end && piece->size() > *of_.end - at_) piece->resize(*of_.end - at_);
    const bool taken = co_await out.send(*piece, false);
    if (!taken) co_return Came::to_nothing;
    bytes_sent.add(static_cast<double>(piece->size()));
    checksum_.take(std::as_bytes(std::span{*piece}));
    sent(piece->size());
    hashed_ = at_;
    if (of_.end && at_ == *of_.end) co_return Came::to_its_end;
  }
}

Task<Continued::Came> Continued::send_file(Out& out, std::shared_ptr<const stream::Ready> from) {
  const auto end = of_.end.value_or(from->file->size);
  const bool taken = co_await out.send_file(from->file->file.get(), at_, end - at_, &from->file->withdrawn);
  if (!taken) co_return Came::to_nothing;
  sent(end - at_);
  co_return Came::to_its_end;
}

/// What a flight's file has been sent of is read again only now that it is needed.
Task<void> Continued::catch_up() {
  const auto* flight = std::get_if<stream::Arriving>(&source_);
  if (flight == nullptr || hashed_ == at_) co_return;
  const auto audio = flight->live->audio;
  const bool read = co_await hash_file(audio->fd(), hashed_, at_, checksum_);
  if (!read) throw std::runtime_error("what has arrived cannot be read again");
  hashed_ = at_;
}

Task<bool> Continued::find_on() {
  stream::Wait wait{.for_total = of_.total.has_value()};
  for (auto pause = look_first; Monotonic::now() < until(); pause = std::min(pause * 2, look_most)) {
    try {
      wait.until = until();
      auto opened = co_await streams_.open(of_.key, false, wait);
      wait.nobody_answers = std::holds_alternative<stream::Elsewhere>(opened);  // unless it does now
      const auto taken = co_await take(std::move(opened));
      if (taken != Taken::not_yet) co_return taken == Taken::yes;
    } catch (const std::exception& error) {
      log::warn("ledger.unavailable", "cannot tell where a body goes on", {{"error", error.what()}});
    }
    co_await sleep_for(pause);
  }
  co_return false;
}

Task<Continued::Taken> Continued::take(stream::Opened opened) {
  if (const auto* refused = std::get_if<stream::Refused>(&opened))
    co_return passes(refused->failure.fault) ? Taken::not_yet : Taken::never;
  if (auto* flight = std::get_if<stream::Arriving>(&opened)) {
    // The very flight that broke off: what follows it is not known yet.
    const auto* before = std::get_if<stream::Arriving>(&source_);
    if (before != nullptr && before->live == flight->live && flight->live->audio->view().final())
      co_return Taken::not_yet;
    co_return co_await take_flight(std::move(*flight));
  }
  if (auto* file = std::get_if<std::shared_ptr<const stream::Ready>>(&opened)) co_return co_await take_file(*file);
  if (auto* there = std::get_if<stream::Elsewhere>(&opened)) {
    co_return co_await take_neighbour(std::move(there->nodes));
  }
  co_return Taken::not_yet;
}

void Continued::go_on_from(Source source, std::string etag) {
  source_ = std::move(source);
  etag_ = std::move(etag);
  compared_.reset();
}

Task<Continued::Taken> Continued::take_flight(stream::Arriving there) {
  if (!fits(there.total)) co_return Taken::never;
  const auto audio = there.live->audio;
  if (there.etag != etag_) {
    for (auto come = audio->view(); come.watermark < at_;) {
      const auto more = co_await audio->past(come.watermark, until());
      if (!more || (more->final() && more->watermark < at_)) co_return Taken::not_yet;  // it may begin anew
      come = *more;
      last_ = Monotonic::now();  // what was sent comes again, however long that takes
    }
    const bool alike = co_await begins_alike(audio->fd());
    if (!alike) co_return Taken::never;
  }
  auto etag = there.etag;
  go_on_from(std::move(there), std::move(etag));
  co_return Taken::yes;
}

Task<Continued::Taken> Continued::take_file(std::shared_ptr<const stream::Ready> there) {
  const auto size = there->file->size;
  if (!fits(size) || size < at_ || (of_.end && *of_.end > size)) co_return Taken::never;
  if (there->etag != etag_) {
    const bool alike = co_await begins_alike(there->file->file.get());
    if (!alike) co_return Taken::never;
  }
  auto etag = there->etag;
  go_on_from(std::move(there), std::move(etag));
  co_return Taken::yes;
}

Task<bool> Continued::begins_alike(int fd) {
  media::Checksum theirs{Digest::Algorithm::sha256};
  const bool read = co_await hash_file(fd, of_.first, at_, theirs);
  if (!read) co_return false;
  co_return theirs.so_far() == checksum_.so_far();
}

/// First the rest of the same representation; then that of the one that was being compared; then another one, from
/// where this answer began.
Task<Continued::Taken> Continued::take_neighbour(std::vector<std::string> nodes) {
  auto there = co_await ask(at_, etag_, nodes);
  if (!there) co_return Taken::not_yet;
  if (is_rest(*there, at_, etag_)) {
    auto etag = etag_;
    go_on_from(std::move(there), std::move(etag));
    co_return Taken::yes;
  }
  bool goes_on = false;
  if (compared_) {
    const auto from = of_.first + compared_->bytes;
    there = co_await ask(from, compared_->etag, nodes);
    if (!there) co_return Taken::not_yet;
    goes_on = is_rest(*there, from, compared_->etag);
  }
  if (!goes_on) {
    if (!begins(*there)) {
      const std::string any;
      there = co_await ask(of_.first, any, nodes);
      if (!there || !begins(*there)) co_return Taken::not_yet;
    }
    compared_ = Compared{.etag = std::string{there->etag()}};
  }
  co_return co_await compare(std::move(there));
}

/// Is this the representation's bytes from there on?
bool Continued::is_rest(const Neighbour& there, Bytes from, std::string_view etag) const {
  const auto range = provider::content_range(there.content_range());
  return there.status() == 206 && range && range->first == from && fits(range->total) && there.etag() == etag;
}

/// Is this a representation from where this answer began?
bool Continued::begins(const Neighbour& there) const {
  if (there.etag().empty()) return false;
  const bool whole = there.status() == 200 && of_.first == 0 && fits(there.length());
  return whole || is_rest(there, of_.first, there.etag());
}

/// From this byte on to the end of what is being sent; with an ETag only of that representation, else all of another.
Task<std::shared_ptr<Neighbour>> Continued::ask(Bytes from, std::string etag, const std::vector<std::string>& nodes) {
  const auto last = of_.end ? std::to_string(*of_.end - 1) : std::string{};
  Relay::Question question{.tenant = of_.key.tenant, .method = "GET", .target = of_.target, .head_in = silence};
  if (from > 0 || of_.end) question.fields = "Range: bytes=" + std::to_string(from) + '-' + last + "\r\n";
  if (!etag.empty()) question.fields += "If-Range: " + std::move(etag) + "\r\n";
  return relay_->ask(std::move(question), nodes);
}

/// Over what has been sent already, from where `compared_` is. Is it the same? Not yet: it broke off before that was
/// known.
Task<Continued::Taken> Continued::compare(std::shared_ptr<Neighbour> there) {
  for (auto left = at_ - of_.first - compared_->bytes; left > 0;) {
    auto piece = co_await there->read(silence);
    if (!piece || piece->empty()) co_return Taken::not_yet;
    last_ = Monotonic::now();  // what was sent comes again, however long that takes
    const auto known = std::min<Bytes>(piece->size(), left);
    compared_->checksum.take(std::as_bytes(std::span{*piece}.first(known)));
    compared_->bytes += known;
    left -= known;
    left_ = piece->substr(known);
  }
  if (compared_->checksum.so_far() != checksum_.so_far()) co_return Taken::never;
  auto etag = std::move(compared_->etag);
  go_on_from(std::move(there), std::move(etag));
  co_return Taken::yes;
}

}  // namespace onetake::http
