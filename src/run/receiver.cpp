#include "run/receiver.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace onetake::run {
namespace {

constexpr int version_step = 1'000'000;

}  // namespace

Receiver::Receiver(blob::Store& store, Flight& flight, std::string declared_format, Bytes most, int first_version)
    : store_(store), flight_(flight), declared_(std::move(declared_format)), most_(most), version_(first_version) {}

bool Receiver::begin(const provider::Head& head) {
  if (head.total && *head.total > most_)
    return refuse(Cause::too_large, "the recording is " + std::to_string(*head.total) +
                                        " bytes long; fetch.max_recording_bytes is " + std::to_string(most_));
  if (head.total && *head.total > store_.space().most())
    return refuse(Cause::too_large, "the recording is " + std::to_string(*head.total) +
                                        " bytes long; cache.max_bytes is " + std::to_string(store_.space().most()));
  const bool another = writer_ && total_ && head.total && *total_ != *head.total;
  if (head.offset != 0 && (another || !writer_ || head.offset != writer_->position()))
    return refuse(Cause::interrupted, "the provider went on at another place than it was asked to");

  validator_ = head.validator;
  variant_ = head.variant;
  if (head.offset == 0 || head.total) answer_total_ = head.total;
  if (head.total || !writer_) total_ = head.total;  // what listeners have been told of this version stays
  if (head.offset == 0) {
    digests_ = head.digests;
    head_.clear();
    if (another) return begin_anew(0, {});
    if (writer_) writer_->rewind();
  }
  if (writer_) note();
  return true;
}

Bytes Receiver::lacks() const {
  const Bytes written = writer_ ? writer_->written() : 0;
  const auto total = total_ ? total_ : answer_total_;
  return total && *total > written ? *total - written : store_.space().foreseen();
}

bool Receiver::data(std::span<const std::byte> bytes) {
  try {
    return accept(bytes);
  } catch (const std::system_error& error) {
    return refuse(error);
  }
}

bool Receiver::accept(std::span<const std::byte> bytes) {
  if (kind_) return take(bytes);
  const auto room = std::min(bytes.size(), media::sniff_bytes - head_.size());
  head_.insert(head_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(room));
  if (head_.size() < media::sniff_bytes) return true;
  return identify() && take(bytes.subspan(room));
}

bool Receiver::identify() {
  auto kind = media::sniff(head_, declared_);
  if (!kind) return refuse(Cause::wrong_content, "what the provider sent is not audio");
  const auto run = flight_.view().run;
  // Until the first bytes lie on the disk nothing has changed: an attempt that fails before finds what this one found.
  auto writer = store_.create(prefix() + std::to_string(run.token) + '-' + std::to_string(version_));
  if (!writer.begin(total_)) return refuse(Cause::no_space, "the recording does not fit: see cache.max_bytes");
  kind_ = std::move(kind);
  inspector_.emplace(*kind_, declared_, digests_);
  writer_.emplace(std::move(writer));
  last_modified_ = wall_now();
  if (!take(std::exchange(head_, {}))) {
    writer_.reset();
    inspector_.reset();
    kind_.reset();
    return false;
  }
  note();
  make_audible();
  return true;
}

void Receiver::make_audible() {
  flight_.hear({.audio = writer_->growing(),
                .content_type = kind_->content_type,
                .version = version_,
                .last_modified = last_modified_});
}

bool Receiver::take(std::span<const std::byte> bytes) {
  if (writer_->position() + bytes.size() > most_)
    return refuse(Cause::too_large, "the recording is longer than fetch.max_recording_bytes, " + std::to_string(most_));
  if (total_ && writer_->position() + bytes.size() > *total_) {
    if (answer_total_ == total_)
      return refuse(Cause::wrong_content, "the provider sent more than the length that it told");
    return begin_anew(writer_->position(), bytes);  // the same so far, and then longer
  }
  const auto before = writer_->position();
  const auto known = writer_->written();
  if (const auto done = writer_->append(bytes); !done) {
    switch (done.error()) {
      case Cause::wrong_content: {
        const auto same = writer_->position();
        return begin_anew(same, bytes.subspan(static_cast<std::size_t>(same - before)));
      }
      case Cause::no_space:
        return refuse(Cause::no_space, "no room on the disk, or within cache.max_bytes");
      default:
        return refuse(Cause::internal, "the disk refused a write");
    }
  }
  // What was compared has been inspected when it came first.
  const auto seen = static_cast<std::size_t>(std::min<Bytes>(bytes.size(), known - std::min(known, before)));
  inspector_->take(bytes.subspan(seen));
  if (before < known && writer_->position() >= known) note();
  return true;
}

/// Another version: the first `same` bytes are those of the one that was arriving, then comes `rest`. They go the way
/// of what arrives. It ends there: this version has nothing to be compared with, and its total is its answer's.
bool Receiver::begin_anew(Bytes same, std::span<const std::byte> rest) {
  earlier_.emplace(std::move(*writer_), same);
  version_ += version_step;
  total_ = answer_total_;
  writer_.reset();
  kind_.reset();
  inspector_.reset();
  head_.clear();
  if (same > copied_at_once) return refuse(Cause::interrupted, "the provider sent another version of the recording");
  return copy(same) && (rest.empty() || accept(rest));
}

/// What fails leaves nothing to be copied; what has been is kept.
bool Receiver::copy(Bytes most) {
  auto earlier = *std::exchange(earlier_, std::nullopt);
  std::array<std::byte, 65536> buffer{};
  for (const Bytes until = std::min(earlier.same, earlier.copied + most); earlier.copied < until;) {
    const auto want = static_cast<std::size_t>(std::min<Bytes>(buffer.size(), until - earlier.copied));
    const auto n = ::pread(earlier.writer.growing()->fd(), buffer.data(), want, static_cast<off_t>(earlier.copied));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return refuse(Cause::internal, "the disk refused a read");
    if (!accept(std::span{buffer}.first(static_cast<std::size_t>(n)))) return false;
    earlier.copied += static_cast<Bytes>(n);
  }
  if (earlier.copied < earlier.same) {
    earlier_ = std::move(earlier);
  } else {
    earlier.writer.abandon(
        {.cause = Cause::interrupted, .detail = "the provider sent another version of the recording"});
  }
  return true;
}

void Receiver::catch_up() {
  fault_.reset();
  try {
    copy(copied_at_once);
  } catch (const std::system_error& error) {
    refuse(error);
  }
}

/// Before the last byte that was here, or that was promised.
bool Receiver::ends_early() const {
  return writer_ && (writer_->position() < writer_->written() || (total_ && writer_->position() < *total_));
}

std::expected<Media, Setback> Receiver::conclude(provider::Framing framing) {
  if (fault_) return std::unexpected(*fault_);
  if (ends_early()) {
    // The same so far, and shorter than an earlier answer said, or was: another version, if this one is whole.
    const bool all = answer_total_ ? writer_->position() == *answer_total_ : framing == provider::Framing::chunked;
    if (all && !begin_anew(writer_->position(), {})) return std::unexpected(*fault_);
  }
  if (!kind_ && !identify()) return std::unexpected(*fault_);  // shorter than a look at it takes
  if (ends_early())
    return std::unexpected(Setback{.cause = Cause::interrupted, .detail = "the recording ended before its length"});
  const bool framed = framing != provider::Framing::until_close;
  const auto verdict = inspector_->finish(framed);
  if (!verdict)  // a connection that merely ended may have ended early: it is asked again
    return std::unexpected(
        Setback{.cause = framed ? Cause::wrong_content : Cause::interrupted, .detail = verdict.error()});
  writer_->finish();
  return Media{.blob = {},
               .bytes = writer_->written(),
               .sha256 = verdict->sha256,
               .content_type = kind_->content_type,
               .duration_seconds = verdict->description.duration_seconds,
               .channels = verdict->description.channels,
               .codec = verdict->description.codec,
               .cycle = flight_.view().run.cycle,
               .version = version_,
               .last_modified = last_modified_};
}

bool Receiver::refuse(Cause cause, std::string detail) {
  fault_ = Setback{.cause = cause, .detail = std::move(detail)};
  return false;
}

bool Receiver::refuse(const std::system_error& error) {
  const bool full = error.code() == std::errc::no_space_on_device;
  return refuse(full ? Cause::no_space : Cause::internal, full ? "the disk is full" : "the disk failed");
}

}  // namespace onetake::run
