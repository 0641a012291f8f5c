#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/loop.hpp"
#include "base/offload.hpp"
#include "base/waiters.hpp"
#include "blob/store.hpp"
#include "durable/copies.hpp"
#include "ledger/ledger.hpp"
#include "run/growth.hpp"

namespace onetake::run {

/// Brings what is published here to the storage that all nodes share. One a process; its coroutines live on one loop,
/// the worker's. No run waits for it, and none fails because of it.
///
///   what                                     how its copy is made
///   ---------------------------------------  ---------------------------------------------------------------------
///   long, or nobody knows how long           grows while it arrives; completed once the pointer is committed
///   short                                    put from the published file, after the pointer
///   whatever has none, for any reason        the same, by rounds over what the ledger knows to have none: the storage
///                                            was down, the process died between, there was no storage when it was
///                                            fetched
///
/// Before an object is made its name stands on the ledger's list of objects that nothing points to, and comes off it in
/// the transaction that says that the copy exists: one that nobody asks for is removed, whoever dies when.
///
///   what fails                               what follows
///   ---------------------------------------  ---------------------------------------------------------------------
///   one copy, by its own fault: refused as   it is put off, longer each time; the others go on
///   it is, or others have been taken since
///   whichever is tried                       down: one after the other, behind the last that failed, is tried, until
///                                            one is taken
class Copier {
 public:
  struct Pace {
    milliseconds between{60'000};  ///< rounds, while nothing is published
    milliseconds wait_first{1'000};
    milliseconds wait_most{60'000};  ///< while the storage is down
    milliseconds patience{30'000};   ///< with one copy, repetitions included, beside what its length takes
    milliseconds growing_for{6 * 3'600'000};
    Bytes slowest = 256_KiB;  ///< a second
    Bytes grow_from = 8_MiB;
    int at_once = 4;
    milliseconds put_off_first{60'000};
    milliseconds put_off_most{3'600'000};
    int refused_most = 10;  ///< one after the other, and none taken: then it is not these
  };

  Copier(Loop& loop, ledger::Ledger& ledger, blob::Store& store, Offload& disk, durable::Copies& copies)
      : Copier(loop, ledger, store, disk, copies, Pace{}) {}
  Copier(Loop& loop, ledger::Ledger& ledger, blob::Store& store, Offload& disk, durable::Copies& copies, Pace pace);

  /// Looks for what has no copy from now on. On the loop's thread or before it runs.
  void start();

  /// Looks once for what has no copy, and makes it. True where the storage took what it was given. On the loop.
  Task<bool> round();

  /// An attempt begins; see `Growth`. On the loop. It is over when what this returns is let go.
  std::shared_ptr<Growth> attend(std::shared_ptr<Flight> flight, BlobName name, std::int64_t token);
  /// The pointer to it is committed; `growth` is the attempt's. On the loop.
  void published(Growth& growth, ledger::Uncopied file);

 private:
  /// What became of one try.
  enum class Done {
    copied,    ///< … or the pointer has gone meanwhile
    not_this,  ///< this one cannot be copied now; others may
    down,      ///< the storage takes nothing now
    cut_off    ///< the ledger does not answer
  };
  /// What the storage has not taken.
  struct Failure {
    std::uint64_t taken;  ///< how many copies had been, when it first failed
    int put_off = 0;      ///< how often
    Deadline until = {};  ///< then it is tried again
  };
  struct Batch;

  Task<void> watch();
  Task<bool> probe();
  Task<bool> copy_all(std::vector<ledger::Uncopied> files);
  Task<void> lane(std::shared_ptr<Batch> batch);
  Task<Done> copy_one(ledger::Uncopied file);
  Task<Done> put(ledger::Uncopied file);
  Task<bool> announce(ledger::Uncopied file);
  Task<Done> copied(ledger::Uncopied file);
  void taken(const std::string& blob);
  /// `before`: what was `taken_` when this try began.
  Done failed(const ledger::Uncopied& file, const durable::Trouble& trouble, std::uint64_t before);
  [[nodiscard]] bool waits(const std::string& blob) const;

  Task<void> grow(std::shared_ptr<Growth> growth);
  Task<bool> grow_one(std::shared_ptr<Growth> growth, std::shared_ptr<const Live> live);
  Task<bool> complete(std::shared_ptr<durable::Upload> upload, ledger::Uncopied file);

  void look();
  void await_copies(std::size_t count);
  [[nodiscard]] durable::Until until(const ledger::Uncopied& file) const;

  Loop& loop_;
  ledger::Ledger& ledger_;
  blob::Store& store_;
  Offload& disk_;
  durable::Copies& copies_;
  const Pace pace_;

  // On the loop.
  std::set<std::string> in_hand_;            ///< blobs that are being copied, or grow
  std::map<std::string, Failure> failures_;  ///< by blob
  std::uint64_t taken_ = 0;                  ///< copies, by the storage
  int refused_ = 0;                          ///< different ones since the last that was taken
  std::size_t awaited_ = 0;
  bool down_ = false;
  RecordingId probed_;  ///< the last that was tried while it was down

  std::mutex mutex_;
  Waiters waiters_{mutex_};  ///< for `told_`, and the lanes of a batch
  bool told_ = false;
};

/// What the pointer says, as far as its copy is concerned.
ledger::Uncopied uncopied(const RecordingId& recording, const Media& media);

}  // namespace onetake::run
