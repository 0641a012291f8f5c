#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/units.hpp"
#include "base/waiters.hpp"
#include "recording/cause.hpp"

namespace onetake::blob {

/// A recording that is still arriving: one writer, any number of readers, one file.
///
///   phase      entered by               the writer may             a reader at offset N
///   ---------  -----------------------  -------------------------  ------------------------------------------
///   reserved   Store::create            begin, abandon             waits
///   arriving   Writer::begin(total?)    append, rewind, abandon    gets bytes below the watermark, else waits
///   whole      Writer::finish           –                          gets every byte, then the end
///   abandoned  Writer::abandon(cause)   –                          gets what there is, then the cause
///
/// A phase is entered once and never left upwards. The watermark only grows, and only while arriving.
/// Bytes below the watermark never change: a reader may send them straight from the file.
/// While arriving the watermark stays one byte short of what is written: nobody can receive the last byte, and so take
/// the recording for whole, before `finish` has said that it is.
class Growing : public std::enable_shared_from_this<Growing> {
 public:
  enum class Phase { reserved, arriving, whole, abandoned };

  /// What a reader sees, taken under one lock: all together, or a reader could miss the end.
  struct View {
    Bytes watermark = 0;  ///< bytes that may be read
    Phase phase = Phase::reserved;
    std::optional<Bytes> total;  ///< from the provider; known from `begin` on, or never until `whole`

    [[nodiscard]] bool final() const { return phase == Phase::whole || phase == Phase::abandoned; }
  };

  explicit Growing(Fd file);

  /// Open for reading at any offset, for as long as this object lives; the file may have been renamed or unlinked.
  [[nodiscard]] int fd() const { return file_.get(); }

  [[nodiscard]] View view() const;
  /// What `abandon` said. REQUIRES: the phase is abandoned.
  [[nodiscard]] Setback cause() const;

  /// Suspends until the watermark passes `offset` or the phase is final, at most until `deadline`.
  /// Any loop. Errors: `request_timeout`. The caller holds a shared_ptr to this while it waits.
  Task<result<View>> past(Bytes offset, Deadline deadline);

  /// Suspends until the whole length is known or the phase is final, at most until `deadline`; then as `past`.
  Task<result<View>> sized(Deadline deadline);

 private:
  friend class Writer;
  Task<result<View>> until(bool (*enough)(const View&, Bytes), Bytes offset, Deadline deadline);

  const Fd file_;
  mutable std::mutex mutex_;
  Waiters waiters_{mutex_};
  View view_;
  std::optional<Setback> cause_;
};

}  // namespace onetake::blob
