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
      at_(of_.first),
      hashed_(of_.first) {}

Task<End> Continued::write(Out& out) {
  for (;;) {
    const auto came = co_await send(out);
    if (came == Came::to_its_end) co_return End::clean;
    if (came == Came::to_nothing || relay_ == nullptr) co_return End::cut;
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
  static const metrics::Counter bytes_sent{metrics::Series::http_bytes_sent};
  last_ = Monotonic::now();
  if (at_ == of_.first) first_byte.observe(std::chrono::duration<double>(last_ - of_.began).count());
  at_ += bytes;
  bytes_sent.add(static_cast<double>(bytes));
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
      if (taken) co_return *taken;
    } catch (const std::exception& error) {
      log::warn("ledger.unavailable", "cannot tell where a body goes on", {{"error", error.what()}});
    }
    co_await sleep_for(pause);
  }
  co_return false;
}

/// True: there it goes on. False: it never will. Nothing: not yet.
Task<std::optional<bool>> Continued::take(stream::Opened opened) {
  if (std::holds_alternative<stream::Refused>(opened)) co_return false;
  if (auto* flight = std::get_if<stream::Arriving>(&opened)) {
    // The very flight that broke off: what follows it is not known yet.
    const auto* before = std::get_if<stream::Arriving>(&source_);
    if (before != nullptr && before->live == flight->live && flight->live->audio->view().final())
      co_return std::nullopt;
    co_return co_await take_flight(std::move(*flight));
  }
  if (auto* file = std::get_if<std::shared_ptr<const stream::Ready>>(&opened)) co_return co_await take_file(*file);
  if (auto* there = std::get_if<stream::Elsewhere>(&opened)) {
    co_return co_await take_neighbour(std::move(there->nodes));
  }
  co_return std::nullopt;
}

Task<std::optional<bool>> Continued::take_flight(stream::Arriving there) {
  if (!fits(there.total)) co_return false;
  const auto audio = there.live->audio;
  if (there.etag != of_.etag) {
    for (auto come = audio->view(); come.watermark < at_;) {
      const auto more = co_await audio->past(come.watermark, until());
      if (!more || (more->final() && more->watermark < at_)) co_return std::nullopt;  // it may begin anew
      come = *more;
      last_ = Monotonic::now();  // what was sent comes again, however long that takes
    }
    const bool alike = co_await begins_alike(audio->fd());
    if (!alike) co_return false;
  }
  source_ = std::move(there);
  co_return true;
}

Task<bool> Continued::take_file(std::shared_ptr<const stream::Ready> there) {
  const auto size = there->file->size;
  if (!fits(size) || size < at_ || (of_.end && *of_.end > size)) co_return false;
  if (there->etag != of_.etag) {
    const bool alike = co_await begins_alike(there->file->file.get());
    if (!alike) co_return false;
  }
  source_ = std::move(there);
  co_return true;
}

Task<bool> Continued::begins_alike(int fd) {
  media::Checksum theirs{Digest::Algorithm::sha256};
  const bool read = co_await hash_file(fd, of_.first, at_, theirs);
  if (!read) co_return false;
  co_return theirs.so_far() == checksum_.so_far();
}

/// First the rest of the same representation; another one is asked for from where this answer began.
Task<std::optional<bool>> Continued::take_neighbour(std::vector<std::string> nodes) {
  const auto last = of_.end ? std::to_string(*of_.end - 1) : std::string{};
  for (const bool same : {true, false}) {
    const auto from = same ? at_ : of_.first;
    Relay::Question question{.tenant = of_.key.tenant, .method = "GET", .target = of_.target, .head_in = silence};
    if (from > 0 || of_.end) question.fields = "Range: bytes=" + std::to_string(from) + '-' + last + "\r\n";
    if (same) question.fields += "If-Range: " + of_.etag + "\r\n";
    auto there = co_await relay_->ask(std::move(question), nodes);
    if (!there) co_return std::nullopt;
    const auto range = provider::content_range(there->content_range());
    const bool partial = there->status() == 206 && range && range->first == from && fits(range->total);
    const bool whole = there->status() == 200 && fits(there->length());
    if (same && partial && there->etag() == of_.etag) {
      source_ = std::move(there);
      co_return true;
    }
    if (partial ? !same : whole && of_.first == 0) {
      const auto alike = co_await skip(there);
      if (alike.value_or(false)) source_ = std::move(there);
      co_return alike;
    }
    if (!partial && !whole) co_return std::nullopt;
  }
  co_return std::nullopt;
}

/// Over what has been sent already. Is it the same? Nothing: it broke off before that was known.
Task<std::optional<bool>> Continued::skip(std::shared_ptr<Neighbour> there) {
  media::Checksum theirs{Digest::Algorithm::sha256};
  Bytes to_skip = at_ - of_.first;
  std::string piece;
  while (to_skip > 0) {
    auto read = co_await there->read(silence);
    if (!read || read->empty()) co_return std::nullopt;
    piece = *std::move(read);
    const auto known = std::min<Bytes>(piece.size(), to_skip);
    theirs.take(std::as_bytes(std::span{piece}.first(known)));
    to_skip -= known;
    piece.erase(0, known);
  }
  left_ = std::move(piece);
  co_return theirs.so_far() == checksum_.so_far();
}

}  // namespace onetake::http
