#include "stream/shelf.hpp"

namespace onetake::stream {

std::size_t Shelf::KeyHash::operator()(const Key& key) const noexcept {
  const auto call = std::hash<CallSid>{}(key.call_sid);
  return call * 31 + std::hash<TenantId>{}(key.tenant) +
         (key.recording_sid ? std::hash<std::string>{}(*key.recording_sid) : 0);
}

std::shared_ptr<const Ready> Shelf::find(const Key& key, WallTime now) {
  const std::lock_guard lock{mutex_};
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  if (found->second->ready->expires <= now) {
    recent_.erase(found->second);
    by_key_.erase(found);
    return nullptr;
  }
  recent_.splice(recent_.begin(), recent_, found->second);
  return found->second->ready;
}

std::uint64_t Shelf::epoch() const {
  const std::lock_guard lock{mutex_};
  return epoch_;
}

void Shelf::put(const Key& key, std::shared_ptr<const Ready> ready, std::uint64_t epoch) {
  const std::lock_guard lock{mutex_};
  if (epoch != epoch_) return;
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    found->second->ready = std::move(ready);
    return;
  }
  recent_.push_front({key, std::move(ready)});
  by_key_[key] = recent_.begin();
  if (recent_.size() > most_) {
    by_key_.erase(recent_.back().key);
    recent_.pop_back();
  }
}

void Shelf::forget(const TenantId& tenant, const CallSid& call_sid) {
  const std::lock_guard lock{mutex_};
  ++epoch_;
  for (auto it = recent_.begin(); it != recent_.end();) {
    if (it->key.tenant == tenant && it->key.call_sid == call_sid) {
      it->ready->file->withdrawn = true;
      by_key_.erase(it->key);
      it = recent_.erase(it);
    } else {
      ++it;
    }
  }
}

}  // namespace onetake::stream
