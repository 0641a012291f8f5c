#pragma once

#include <expected>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "blob/disk.hpp"
#include "blob/growing.hpp"
#include "blob/space.hpp"

namespace onetake::blob {

/// The one who writes a Growing. Not thread-safe, but may be handed from thread to thread. Destroyed before `finish`,
/// it abandons; destroyed before `Store::publish`, it removes the temporary file, unless it was told to leave it.
class Writer {
 public:
  Writer(std::shared_ptr<Growing> growing, std::filesystem::path temporary, Space& space, Disk& disk);
  Writer(Writer&& other) noexcept;
  Writer& operator=(Writer&& other) noexcept;
  ~Writer();

  [[nodiscard]] const std::shared_ptr<Growing>& growing() const { return growing_; }
  /// Where the next byte goes: everything below is written, and is right.
  [[nodiscard]] Bytes position() const { return position_; }
  [[nodiscard]] Bytes written() const { return written_; }

  /// The bytes that are about to come are audio. `total` where the provider told the length: room for all of it is
  /// taken now, within `Space` and on the disk. Errors: `no_space`.
  std::expected<void, Cause> begin(std::optional<Bytes> total);

  /// Adds bytes at `position`; where something is written already, compares. Errors: `no_space`; `internal` for a disk
  /// that fails; `wrong_content` where what comes differs from what was there: the position is then the first byte that
  /// differs, and nothing has changed.
  std::expected<void, Cause> append(std::span<const std::byte> bytes);

  /// What comes next begins at the first byte again.
  void rewind() { position_ = 0; }

  /// Every byte is here and has been found right: readers get the last ones. REQUIRES: position() == written().
  void finish();

  void abandon(Setback cause);

  /// What a later life of this process has to know to go on with the file (`Store::resume`); the newest counts. Not
  /// synced, for neither is the file. Throws when the disk fails.
  void note(const std::string& text);
  /// The file stays for a later life when this goes. REQUIRES: `note`.
  void leave() { left_ = true; }

 private:
  friend class Store;
  void end(Growing::Phase phase, std::optional<Setback> cause);
  [[nodiscard]] std::filesystem::path note_path() const;

  std::shared_ptr<Growing> growing_;
  Disk* disk_;
  std::filesystem::path temporary_;  ///< "" once published
  Space::Claim claim_;
  Bytes position_ = 0;
  Bytes written_ = 0;
  bool left_ = false;
};

}  // namespace onetake::blob
