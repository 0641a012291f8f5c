#include "run/refill.hpp"

#include <system_error>

#include "base/ids.hpp"

namespace onetake::run {

Refill::Refill(blob::Store& store, Flight& flight, Media media)
    : store_(store), flight_(flight), media_(std::move(media)) {}

bool Refill::begin(const provider::Head& head) {
  if (head.offset != 0 || head.total.value_or(media_.bytes) != media_.bytes)
    return refuse(Cause::wrong_content, "the copy has another length");
  try {
    writer_.emplace(store_.create("refill-" + uuid7()));
    if (!writer_->begin(media_.bytes)) return refuse(Cause::no_space, "no room on the disk, or within cache.max_bytes");
  } catch (const std::system_error&) {
    return refuse(Cause::internal, "the disk failed");
  }
  return true;
}

bool Refill::data(std::span<const std::byte> bytes) {
  if (flight_.withdrawn) return refuse(Cause::internal, "the recording was erased or replaced");
  const bool first = writer_->written() == 0;
  if (writer_->written() + bytes.size() > media_.bytes)
    return refuse(Cause::wrong_content, "the copy is longer than it should be");
  sha256_.take(bytes);
  if (const auto done = writer_->append(bytes); !done)
    return refuse(done.error(), done.error() == Cause::no_space ? "the disk is full" : "the disk refused a write");
  if (first)
    flight_.hear({.audio = writer_->growing(),
                  .content_type = media_.content_type,
                  .version = media_.version,
                  .last_modified = media_.last_modified});
  return true;
}

std::optional<Setback> Refill::conclude() {
  if (fault_) return fault_;
  if (!writer_ || writer_->written() < media_.bytes)
    return Setback{.cause = Cause::interrupted, .detail = "the copy ended before its length"};
  if (media::hex(sha256_.so_far()) != media_.sha256)
    return Setback{.cause = Cause::wrong_content, .detail = "the copy is not what was copied"};
  writer_->finish();
  return std::nullopt;
}

bool Refill::refuse(Cause cause, std::string detail) {
  fault_ = Setback{.cause = cause, .detail = std::move(detail)};
  return false;
}

}  // namespace onetake::run
