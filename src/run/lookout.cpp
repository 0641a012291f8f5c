#include "run/lookout.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <unordered_map>
#include <utility>

#include "base/log.hpp"
#include "run/receiver.hpp"

namespace onetake::run {

Lookout::Lookout(Loop& loop, ledger::Ledger& ledger, Flights& flights, milliseconds every, milliseconds node_silence)
    : loop_(loop), ledger_(ledger), flights_(flights), every_(every), node_silence_(node_silence) {}

void Lookout::start() { asio::co_spawn(loop_.get_executor(), watch(), asio::detached); }

void Lookout::look() {
  const std::lock_guard lock{mutex_};
  told_ = true;
  waiters_.wake_all();
}

Task<void> Lookout::watch() {
  for (;;) {
    {
      std::unique_lock lock{mutex_};
      const auto next = in(every_);
      while (!told_)
        if (!co_await waiters_.wait(lock, next)) break;
      told_ = false;
    }
    try {
      co_await ask();
    } catch (const std::exception& error) {
      log::error("ledger.unavailable", "cannot tell how runs of other nodes stand", {{"error", error.what()}});
    }
  }
}

Task<void> Lookout::ask() {
  std::vector<std::pair<std::shared_ptr<Flight>, std::uint64_t>> followed;
  std::vector<RunId> ids;
  for (auto& flight : flights_.all()) {
    if (flight->in_hand) continue;
    ids.push_back(flight->run());
    const auto change = flight->view().change;
    followed.emplace_back(std::move(flight), change);
  }
  if (followed.empty()) co_return;
  auto known = co_await ledger_.look_at(std::move(ids), node_silence_);
  std::unordered_map<RunId, ledger::Seen> by_id;
  for (auto& each : known) by_id.emplace(each.run.id, std::move(each));
  for (const auto& [flight, change] : followed) {
    ledger::Seen seen;
    if (const auto found = by_id.find(flight->run()); found != by_id.end()) {
      seen = std::move(found->second);
    } else {  // erased with its recording
      seen.run = flight->view().run;
      seen.run.status = RunStatus::cancelled;
    }
    tell(flight, change, std::move(seen));
  }
}

void Lookout::tell(const std::shared_ptr<Flight>& flight, std::uint64_t change, ledger::Seen seen) {
  if (flight->in_hand || flight->view().change != change) return;
  const bool over = !active(seen.run.status);
  if (over) {
    if (seen.run.status == RunStatus::cancelled) flight->withdrawn = true;
    flights_.close(flight, std::move(seen.run));
  } else if (const auto now = flight->view(); now.node != seen.node || now.run != seen.run) {
    flight->seen(change, seen.run, seen.node);
  }
  if (over || !seen.node.empty()) flight->paused.reset();
}

}  // namespace onetake::run
