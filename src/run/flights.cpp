#include "run/flights.hpp"

#include <algorithm>

namespace onetake::run {

std::size_t Flights::KeyHash::operator()(const Key& key) const noexcept {
  const auto tenant = std::hash<TenantId>{}(key.tenant);
  const auto call = std::hash<CallSid>{}(key.call_sid);
  return tenant * 31 + call * 17 + (key.recording_sid ? std::hash<std::string>{}(*key.recording_sid) : 0);
}

std::shared_ptr<Flight> Flights::find(const RecordingId& recording) const {
  const std::lock_guard lock{mutex_};
  return listed(recording);
}

std::shared_ptr<Flight> Flights::find(const Key& key) const {
  const std::lock_guard lock{mutex_};
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : listed(found->second);
}

Task<std::shared_ptr<Flight>> Flights::opened(Key key, Deadline deadline) {
  std::unique_lock lock{mutex_};
  if (const auto found = by_key_.find(key); found != by_key_.end()) co_return listed(found->second);
  auto& entry = watched_[key];
  if (!entry) entry = std::make_shared<Watched>();
  const auto watched = entry;
  while (!watched->flight)
    if (!co_await watchers_.wait(lock, deadline)) break;
  if (const auto left = watched_.find(key);
      left != watched_.end() && left->second == watched && watched.use_count() == 2)
    watched_.erase(left);  // nobody else watches
  co_return watched->flight;
}

std::shared_ptr<Flight> Flights::listed(const RecordingId& recording) const {
  const auto found = by_recording_.find(recording);
  return found == by_recording_.end() ? nullptr : found->second.flight;
}

std::shared_ptr<Flight> Flights::open(const Recording& recording, By by) {
  const auto& run = recording.run.value();
  std::shared_ptr<Flight> opened;
  std::shared_ptr<Flight> replaced;
  {
    const std::lock_guard lock{mutex_};
    auto& listed = by_recording_[recording.id];
    if (listed.flight && listed.flight->run() == run.id) {
      if (by == By::worker) listed.flight->worked_on = true;
      return listed.flight;
    }
    opened = std::make_shared<Flight>(recording.id, run);
    if (listed.flight && listed.flight->view().run.cycle > run.cycle) return opened;
    forget(listed);
    replaced = listed.flight;
    listed = {.flight = opened, .keys = {}};
    opened->worked_on = by == By::worker;
  }
  if (replaced) {
    replaced->stop();  // an attempt may not have heard yet that its run was ended elsewhere
    replaced->end(replaced->view().run);
  }
  if (by == By::onlooker && on_following_) on_following_(run);
  return opened;
}

void Flights::alias(const Key& key, const std::shared_ptr<Flight>& flight) {
  const std::lock_guard lock{mutex_};
  const auto found = by_recording_.find(flight->recording());
  if (found == by_recording_.end() || found->second.flight != flight) return;
  if (const auto watched = watched_.find(key); watched != watched_.end()) {
    watched->second->flight = flight;
    watched_.erase(watched);
    watchers_.wake_all();
  }
  const auto [entry, is_new] = by_key_.try_emplace(key, flight->recording());
  if (!is_new && entry->second == flight->recording()) return;
  if (!is_new) {  // another recording of the call
    if (const auto other = by_recording_.find(entry->second); other != by_recording_.end())
      std::erase(other->second.keys, key);
    entry->second = flight->recording();
  }
  found->second.keys.push_back(key);
}

void Flights::close(const std::shared_ptr<Flight>& flight, Run run) {
  std::vector<Key> keys;
  {
    const std::lock_guard lock{mutex_};
    keys = erase(flight);
    std::erase_if(landed_, [](const auto& entry) { return entry.second.expired(); });
    landed_.emplace(flight->recording(), flight);
  }
  if (on_landing_ && !active(run.status))
    for (const auto& key : keys) on_landing_(key, flight->run());
  flight->end(std::move(run));
}

void Flights::doubt(const std::shared_ptr<Flight>& flight) {
  {
    const std::lock_guard lock{mutex_};
    if (flight->worked_on) return;
    erase(flight);
  }
  flight->end(flight->view().run);
}

/// Tells by which keys it was known.
std::vector<Key> Flights::erase(const std::shared_ptr<Flight>& flight) {
  const auto found = by_recording_.find(flight->recording());
  if (found == by_recording_.end() || found->second.flight != flight) return {};
  auto keys = forget(found->second);
  by_recording_.erase(found);
  return keys;
}

std::vector<Key> Flights::forget(const Listed& listed) {
  for (const auto& key : listed.keys) by_key_.erase(key);
  return listed.keys;
}

void Flights::let_go() {
  std::vector<std::shared_ptr<Flight>> last;  // they go when nobody has to wait for it
  const std::lock_guard lock{mutex_};
  for (auto it = by_recording_.begin(); it != by_recording_.end();) {
    auto& listed = it->second;
    // Under the lock nobody can come to hold on to what only this holds.
    if (listed.flight->worked_on || listed.flight.use_count() > 1) {
      ++it;
      continue;
    }
    forget(listed);
    last.push_back(std::move(listed.flight));
    it = by_recording_.erase(it);
  }
}

void Flights::call_off(const std::vector<RunId>& runs) {
  constexpr std::size_t most = 1024;
  const std::lock_guard lock{mutex_};
  called_off_.insert(called_off_.end(), runs.begin(), runs.end());
  while (called_off_.size() > most) called_off_.pop_front();
}

bool Flights::called_off(const RunId& run) const {
  const std::lock_guard lock{mutex_};
  return std::ranges::find(called_off_, run) != called_off_.end();
}

void Flights::withdraw(const RecordingId& recording, int last_cycle) {
  // What has landed may have come from a durable copy, and be under way.
  for (const auto& flight : withdraw_some(recording, last_cycle, [](const Flight&) { return true; })) flight->stop();
}

void Flights::withdraw_file(const RecordingId& recording, int cycle) {
  withdraw_some(recording, cycle, [](const Flight& landed) { return landed.view().ended; });
}

/// Tells of those that had landed.
template <class Which>
std::vector<std::shared_ptr<Flight>> Flights::withdraw_some(const RecordingId& recording, int last_cycle,
                                                            Which of_landed) {
  std::vector<std::shared_ptr<Flight>> landed;
  const std::lock_guard lock{mutex_};
  if (const auto flying = listed(recording); flying && flying->view().run.cycle <= last_cycle) flying->withdrawn = true;
  const auto [first, last] = landed_.equal_range(recording);
  for (auto it = first; it != last; ++it) {
    auto flight = it->second.lock();
    if (!flight || flight->view().run.cycle > last_cycle || !of_landed(*flight)) continue;
    flight->withdrawn = true;
    landed.push_back(std::move(flight));
  }
  return landed;
}

void Flights::land(const std::shared_ptr<Flight>& flight) {
  const std::lock_guard lock{mutex_};
  std::erase_if(landed_, [](const auto& entry) { return entry.second.expired(); });
  landed_.emplace(flight->recording(), flight);
}

bool Flights::followed(const RecordingId& recording) const {
  const std::lock_guard lock{mutex_};
  if (by_recording_.contains(recording)) return true;
  const auto [first, last] = landed_.equal_range(recording);
  return std::any_of(first, last, [](const auto& entry) { return !entry.second.expired(); });
}

std::vector<std::shared_ptr<Flight>> Flights::all() const {
  const std::lock_guard lock{mutex_};
  std::vector<std::shared_ptr<Flight>> flights;
  flights.reserve(by_recording_.size());
  for (const auto& [_, listed] : by_recording_) flights.push_back(listed.flight);
  return flights;
}

}  // namespace onetake::run
