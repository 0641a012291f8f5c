#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "blob/store.hpp"
#include "ledger/files.hpp"
#include "recording/recording.hpp"

namespace onetake::stream {

/// A recording that is whole and open, with all that its answers say. Immutable: a request holds it and needs nothing
/// else.
struct Ready {
  std::shared_ptr<const blob::Published> file;
  RecordingId recording;
  std::string blob;
  std::string content_type;
  std::string etag;
  WallTime last_modified;
  WallTime expires;  ///< retention: from then on it is gone
};

/// The ready recordings that were played last, open: on their way out they ask no database and open no file.
/// Least recently used out. Any thread.
class Shelf {
 public:
  explicit Shelf(std::size_t most) : most_(most) {}

  /// Null when it is not here, or has expired.
  [[nodiscard]] std::shared_ptr<const Ready> find(const Key& key, WallTime now);

  /// What is put here must have been read from the ledger after this number was taken: a change that fell between would
  /// otherwise be put back. Then it is not taken: false, and the ledger is to be asked again.
  [[nodiscard]] std::uint64_t epoch(const Key& key) const;
  [[nodiscard]] bool put(const Key& key, std::shared_ptr<const Ready> ready, std::uint64_t epoch, WallTime now);

  /// A recording of this call has been registered, replaced or erased: whoever asks from now on gets what the ledger
  /// says. Whoever is sending one of `blobs`, which are no more, stops.
  void forget(const TenantId& tenant, const CallSid& call_sid, const std::vector<std::string>& blobs);

  /// The same of files that another node's change has left without a pointer, of whatever calls: which of them are
  /// being opened nobody knows, so nothing is taken that was read from the ledger before.
  void withdraw(const std::vector<std::string>& blobs);

  /// Eviction: takes the call's entries of `blob` away, unless somebody holds one of them or is being sent its file.
  /// Then false, and nothing has changed. What has been read from the ledger before is not put here any more.
  [[nodiscard]] bool let_go(const TenantId& tenant, const CallSid& call_sid, const std::string& blob);

  /// What has been found or put here since this was asked the last time, and when it was last.
  [[nodiscard]] std::vector<ledger::Played> take_plays();

 private:
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  struct Entry {
    Key key;
    std::shared_ptr<const Ready> ready;
    WallTime played = {};  ///< since `take_plays`; those that have been are in front, for they moved there
  };
  using Entries = std::list<Entry>;

  [[nodiscard]] std::uint64_t epoch_now(const Key& key) const;
  Entries::iterator drop(Entries::iterator entry);
  [[nodiscard]] bool held(const std::string& blob) const;

  const std::size_t most_;
  mutable std::mutex mutex_;
  std::uint64_t withdrawals_ = 0;
  std::array<std::uint64_t, 1024> changes_{};  ///< by a hash of the call, so that others' changes seldom get in the way
  Entries recent_;                             ///< the most recently played in front
  std::unordered_map<Key, Entries::iterator, KeyHash> by_key_;
  /// No longer here and still being sent, by blob: they too may have to be stopped.
  std::unordered_multimap<std::string, std::weak_ptr<const blob::Published>> lent_;
  std::vector<ledger::Played> plays_;  ///< of entries that are no longer here
};

}  // namespace onetake::stream
