#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "blob/store.hpp"
#include "recording/recording.hpp"

namespace onetake::stream {

/// A recording that is whole and open, with all that its answers say. Immutable: a request holds it and needs nothing else.
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
  /// otherwise be put back.
  [[nodiscard]] std::uint64_t epoch() const;
  void put(const Key& key, std::shared_ptr<const Ready> ready, std::uint64_t epoch);

  /// A recording of this call has been erased or replaced: whoever is sending it stops, whoever asks from now on gets what
  /// the ledger says.
  void forget(const TenantId& tenant, const CallSid& call_sid);

 private:
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  struct Entry {
    Key key;
    std::shared_ptr<const Ready> ready;
  };

  const std::size_t most_;
  mutable std::mutex mutex_;
  std::uint64_t epoch_ = 0;
  std::list<Entry> recent_;  ///< the most recently played in front
  std::unordered_map<Key, std::list<Entry>::iterator, KeyHash> by_key_;
};

}  // namespace onetake::stream
