#pragma once

#include <atomic>
#include <filesystem>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.hpp"
#include "base/units.hpp"
#include "blob/disk.hpp"
#include "blob/space.hpp"
#include "blob/writer.hpp"

namespace onetake::blob {

/// A file that is whole, under the name it will keep. Its bytes never change; it may be unlinked while it is open.
struct Published {
  Fd file;
  Bytes size = 0;
  /// Set when the recording is erased or replaced: who is sending it stops.
  mutable std::atomic<bool> withdrawn = false;

  Published(Fd opened, Bytes length) : file(std::move(opened)), size(length) {}
};

/// Audio on this disk.
///
///   DIR/temporary/NAME     being written: worth nothing after a loss of power
///   DIR/notes/NAME         what its writer has to know to go on with it in a later life of the process (note.hpp)
///   DIR/audio/xx/NAME      published: whole, synced, and only then pointed to; xx is a hash of NAME
///   DIR/quarantine/NAME    was published, and is not what it was: the latest few, for a person to look at
///
/// Names are the caller's, must differ for every attempt to publish, and are [A-Za-z0-9.-]. Every call blocks on the
/// disk: not for loops, except `create`. Any thread. A disk that fails throws std::system_error.
class Store {
 public:
  /// Makes the folders. Of the temporaries of earlier lives those with a note of this boot stay, for `resume`; the rest
  /// is removed: REQUIRES nobody else has DIR. `most` bounds what lies there, arriving and published together; so does
  /// the disk, of which the last sixteenth, 16 MiB at most, is left to the database. `disk` outlives this.
  explicit Store(const std::filesystem::path& dir, Bytes most = std::numeric_limits<Bytes>::max(),
                 Disk& disk = Disk::real());

  [[nodiscard]] Space& space() { return space_; }

  [[nodiscard]] Writer create(const std::string& name);

  /// The names of temporaries that an earlier life has left and nobody has gone on with.
  [[nodiscard]] std::vector<std::string> unfinished() const;
  struct Resumed {
    Writer writer;  ///< in phase reserved, behind the last byte that the file has
    std::string note;
  };
  /// Goes on with one of them, once. Nothing when there is no such, or no room for it: then it is gone.
  [[nodiscard]] std::optional<Resumed> resume(const std::string& name);
  /// Removes it. Nothing happens when somebody has gone on with it.
  void discard(const std::string& name);

  /// Makes the writer's file the published one: fsync, rename, fsync of the folder. Only after this returns may
  /// anything point to NAME. A failed fsync is never tried again, for the kernel may have dropped what it could not
  /// write.
  void publish(Writer& writer, const std::string& name);

  /// Null when there is no such file.
  [[nodiscard]] std::shared_ptr<const Published> open(const std::string& name) const;

  /// Where the published NAME lies, or would.
  static std::filesystem::path path_of(const std::filesystem::path& dir, const std::string& name);

  /// Nothing happens when it is gone already. Who has it open reads on.
  void remove(const std::string& name);

  /// Takes a published file out of the way without deleting it; of more than `quarantined_most` the oldest go. False
  /// when it is gone. Who has it open reads on.
  bool quarantine(const std::string& name);
  /// What lies there, the latest first.
  [[nodiscard]] std::vector<std::string> quarantined() const;
  void remove_quarantined(const std::string& name);

  static constexpr std::size_t quarantined_most = 16;

 private:
  bool take_unfinished(const std::string& name);
  void keep_or_remove(const std::filesystem::path& temporary);
  void remove_temporary(const std::filesystem::path& temporary);
  [[nodiscard]] std::filesystem::path published(const std::string& name) const { return path_of(dir_, name); }

  Disk& disk_;
  std::filesystem::path dir_;
  std::filesystem::path temporary_;
  Space space_;
  mutable std::mutex mutex_;
  std::set<std::string> unfinished_;
};

}  // namespace onetake::blob
