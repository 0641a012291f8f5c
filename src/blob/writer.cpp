#include "blob/writer.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/log.hpp"
#include "blob/note.hpp"

namespace onetake::blob {
namespace {

/// A full disk may have room again; one that fails has lost something.
Cause cause_of(const std::system_error& error) {
  const bool full = error.code() == std::errc::no_space_on_device || error.code().value() == EDQUOT;
  return full ? Cause::no_space : Cause::internal;
}

/// How many bytes at `offset` are the same as `bytes`; nothing when they cannot be read.
std::optional<std::size_t> same_at(int fd, std::span<const std::byte> bytes, Bytes offset) {
  std::array<std::byte, 16384> had{};
  std::size_t same = 0;
  while (same < bytes.size()) {
    const auto want = std::min(had.size(), bytes.size() - same);
    const auto n = ::pread(fd, had.data(), want, static_cast<off_t>(offset + same));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return std::nullopt;
    const auto got = static_cast<std::size_t>(n);
    const auto here = bytes.subspan(same, got);
    const auto differs = std::mismatch(here.begin(), here.end(), had.begin()).first;
    same += static_cast<std::size_t>(differs - here.begin());
    if (differs != here.end()) break;
  }
  return same;
}

}  // namespace

Writer::Writer(std::shared_ptr<Growing> growing, std::filesystem::path temporary, Space& space, Disk& disk)
    : growing_(std::move(growing)), disk_(&disk), temporary_(std::move(temporary)), claim_(space) {}

Writer::Writer(Writer&& other) noexcept
    : growing_(std::move(other.growing_)),
      disk_(other.disk_),
      temporary_(std::exchange(other.temporary_, {})),
      claim_(std::move(other.claim_)),
      position_(other.position_),
      written_(other.written_),
      left_(other.left_) {}

Writer& Writer::operator=(Writer&& other) noexcept {
  Writer taken{std::move(other)};
  std::swap(growing_, taken.growing_);
  std::swap(disk_, taken.disk_);
  std::swap(temporary_, taken.temporary_);
  std::swap(claim_, taken.claim_);
  std::swap(position_, taken.position_);
  std::swap(written_, taken.written_);
  std::swap(left_, taken.left_);
  return *this;
}

Writer::~Writer() {
  if (!growing_) return;
  if (!growing_->view().final()) abandon({.cause = Cause::internal, .detail = "the fetch was given up"});
  if (temporary_.empty() || left_) return;
  try {
    disk_->remove(note_path());
    disk_->remove(temporary_);
  } catch (const std::system_error& error) {
    log::warn("blob.left", "a temporary file stays until the next start", {{"error", error.what()}});
  }
}

std::expected<void, Cause> Writer::begin(std::optional<Bytes> total) {
  if (total && !claim_.reach(*total)) return std::unexpected(Cause::no_space);
  try {
    if (total) disk_->reserve(growing_->fd(), *total);
  } catch (const std::system_error& error) {
    return std::unexpected(cause_of(error));
  }
  const std::lock_guard lock{growing_->mutex_};
  growing_->view_.phase = Growing::Phase::arriving;
  growing_->view_.total = total;
  if (written_ > 0) growing_->view_.watermark = written_ - 1;
  growing_->waiters_.wake_all();
  return {};
}

std::expected<void, Cause> Writer::append(std::span<const std::byte> bytes) {
  if (position_ < written_) {
    const auto known = static_cast<std::size_t>(std::min<Bytes>(bytes.size(), written_ - position_));
    const auto same = same_at(growing_->fd(), bytes.first(known), position_);
    if (!same) return std::unexpected(Cause::internal);
    position_ += *same;
    if (*same < known) return std::unexpected(Cause::wrong_content);
    bytes = bytes.subspan(known);
  }
  if (bytes.empty()) return {};
  if (!claim_.reach(position_ + bytes.size())) return std::unexpected(Cause::no_space);
  try {
    disk_->write(growing_->fd(), bytes, position_);
  } catch (const std::system_error& error) {
    return std::unexpected(cause_of(error));
  }
  position_ += bytes.size();
  written_ = position_;

  const std::lock_guard lock{growing_->mutex_};
  growing_->view_.watermark = written_ - 1;
  growing_->waiters_.wake_all();
  return {};
}

void Writer::note(const std::string& text) {
  const auto path = note_path();
  auto draft = path;
  draft += ".new";
  disk_->remove(draft);
  const auto whole = note_for_this_boot(text);
  disk_->write(disk_->create(draft).get(), std::as_bytes(std::span{whole}), 0);
  disk_->rename(draft, path);  // all of the old one or all of the new one
}

std::filesystem::path Writer::note_path() const { return note_of(temporary_); }

void Writer::finish() { end(Growing::Phase::whole, std::nullopt); }

void Writer::abandon(Setback cause) { end(Growing::Phase::abandoned, std::move(cause)); }

void Writer::end(Growing::Phase phase, std::optional<Setback> cause) {
  const std::lock_guard lock{growing_->mutex_};
  if (growing_->view_.final()) return;
  growing_->view_.phase = phase;
  growing_->cause_ = std::move(cause);
  if (phase == Growing::Phase::whole) {
    growing_->view_.watermark = written_;
    growing_->view_.total = written_;
  }
  growing_->waiters_.wake_all();
}

}  // namespace onetake::blob
