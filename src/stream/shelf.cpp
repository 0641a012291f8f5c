#include "stream/shelf.hpp"

#include <algorithm>
#include <utility>

namespace onetake::stream {
namespace {

std::size_t hash_of(const TenantId& tenant, const CallSid& call_sid) {
  return std::hash<CallSid>{}(call_sid) * 31 + std::hash<TenantId>{}(tenant);
}

}  // namespace

std::size_t Shelf::KeyHash::operator()(const Key& key) const noexcept {
  return hash_of(key.tenant, key.call_sid) + (key.recording_sid ? std::hash<std::string>{}(*key.recording_sid) : 0);
}

std::shared_ptr<const Ready> Shelf::find(const Key& key, WallTime now) {
  const std::lock_guard lock{mutex_};
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  if (found->second->ready->expires <= now) {
    drop(found->second);
    return nullptr;
  }
  recent_.splice(recent_.begin(), recent_, found->second);
  found->second->played = now;
  return found->second->ready;
}

std::uint64_t Shelf::epoch(const Key& key) const {
  const std::lock_guard lock{mutex_};
  return epoch_now(key);
}

/// Both only grow, so that their sum is another once either is.
std::uint64_t Shelf::epoch_now(const Key& key) const {
  return withdrawals_ + changes_[hash_of(key.tenant, key.call_sid) % changes_.size()];
}

bool Shelf::put(const Key& key, std::shared_ptr<const Ready> ready, std::uint64_t epoch, WallTime now) {
  const std::lock_guard lock{mutex_};
  if (epoch != epoch_now(key)) return false;
  if (const auto found = by_key_.find(key); found != by_key_.end()) drop(found->second);
  recent_.push_front({.key = key, .ready = std::move(ready), .played = now});
  by_key_[key] = recent_.begin();
  if (recent_.size() > most_) drop(std::prev(recent_.end()));
  return true;
}

void Shelf::forget(const TenantId& tenant, const CallSid& call_sid, const std::vector<std::string>& blobs) {
  const std::lock_guard lock{mutex_};
  ++changes_[hash_of(tenant, call_sid) % changes_.size()];
  for (auto it = recent_.begin(); it != recent_.end();)
    it = it->key.tenant == tenant && it->key.call_sid == call_sid ? drop(it) : std::next(it);
  for (const auto& blob : blobs) {
    const auto [first, last] = lent_.equal_range(blob);
    for (auto it = first; it != last; ++it)
      if (const auto file = it->second.lock()) file->withdrawn = true;
    lent_.erase(first, last);
  }
}

void Shelf::withdraw(const std::vector<std::string>& blobs) {
  if (blobs.empty()) return;
  const std::lock_guard lock{mutex_};
  ++withdrawals_;
  for (const auto& blob : blobs) {
    for (auto it = recent_.begin(); it != recent_.end();) it = it->ready->blob == blob ? drop(it) : std::next(it);
    const auto [first, last] = lent_.equal_range(blob);
    for (auto it = first; it != last; ++it)
      if (const auto file = it->second.lock()) file->withdrawn = true;
    lent_.erase(first, last);
  }
}

bool Shelf::let_go(const TenantId& tenant, const CallSid& call_sid, const std::string& blob) {
  const std::lock_guard lock{mutex_};
  if (held(blob)) return false;
  ++changes_[hash_of(tenant, call_sid) % changes_.size()];
  for (auto it = recent_.begin(); it != recent_.end();) it = it->ready->blob == blob ? drop(it) : std::next(it);
  return true;
}

/// Counts are sure: whoever holds a copy got it, or what it was copied from, under the mutex.
bool Shelf::held(const std::string& blob) const {
  const auto [first, last] = lent_.equal_range(blob);
  return std::any_of(first, last, [](const auto& lent) { return !lent.second.expired(); }) ||
         std::ranges::any_of(recent_, [&](const Entry& entry) {
           return entry.ready->blob == blob && (entry.ready.use_count() > 1 || entry.ready->file.use_count() > 1);
         });
}

std::vector<ledger::Played> Shelf::take_plays() {
  const std::lock_guard lock{mutex_};
  auto plays = std::exchange(plays_, {});
  for (auto& entry : recent_) {
    if (entry.played == WallTime{}) break;
    plays.push_back({.recording = entry.ready->recording, .at = std::exchange(entry.played, {})});
  }
  return plays;
}

/// Takes an entry away; its file is remembered while somebody may be sending it.
Shelf::Entries::iterator Shelf::drop(Entries::iterator entry) {
  std::erase_if(lent_, [](const auto& lent) { return lent.second.expired(); });
  lent_.emplace(entry->ready->blob, entry->ready->file);
  if (entry->played != WallTime{}) plays_.push_back({.recording = entry->ready->recording, .at = entry->played});
  by_key_.erase(entry->key);
  return recent_.erase(entry);
}

}  // namespace onetake::stream
