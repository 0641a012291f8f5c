#include "run/lookout.hpp"

#include <unordered_map>
#include <utility>

#include "base/log.hpp"
#include "run/receiver.hpp"

namespace onetake::run {
namespace {

constexpr milliseconds long_look{10};
/// An answer is overtaken by moments.
constexpr std::size_t most_early = 1024;

}  // namespace

Lookout::Lookout(Loop& loop, ledger::Ledger& ledger, Flights& flights, milliseconds every, milliseconds node_silence)
    : loop_(loop), ledger_(ledger), flights_(flights), every_(every), node_silence_(node_silence) {}

void Lookout::start() { loop_.spawn(watch()); }

void Lookout::stop() {
  const std::lock_guard lock{mutex_};
  stopped_ = true;
  waiters_.wake_all();
}

void Lookout::look(std::optional<RunId> run) {
  const std::lock_guard lock{mutex_};
  if (run) {
    if (early_.size() == most_early) earlier_ = std::exchange(early_, {});
    early_.insert(*run);
    told_runs_.insert(*std::move(run));
  } else {
    told_ = true;
  }
  waiters_.wake_all();
}

void Lookout::follow(const Run& run) {
  const std::lock_guard lock{mutex_};
  if (run.status != RunStatus::running && !early_.contains(run.id) && !earlier_.contains(run.id)) return;
  told_runs_.insert(run.id);
  waiters_.wake_all();
}

Task<void> Lookout::watch() {
  for (auto next = in(every_);;) {
    std::optional<std::set<RunId>> runs;
    {
      std::unique_lock lock{mutex_};
      while (!stopped_ && !told_ && told_runs_.empty())
        if (!co_await waiters_.wait(lock, next)) break;
      if (stopped_) co_return;
      const bool all = std::exchange(told_, false) || Monotonic::now() >= next;
      if (!all) runs.emplace(std::move(told_runs_));
      told_runs_.clear();
    }
    const auto began = Monotonic::now();
    if (!runs) next = in(every_);
    try {
      co_await ask(std::move(runs));
    } catch (const std::exception& error) {
      log::error("ledger.unavailable", "cannot tell how runs of other nodes stand", {{"error", error.what()}});
    }
    const auto took = std::chrono::duration_cast<milliseconds>(Monotonic::now() - began);
    if (took > long_look) co_await sleep_for(4 * took);
  }
}

/// The flights to ask for: those of `runs`, or all that somebody holds on to.
std::vector<std::shared_ptr<Flight>> Lookout::wanted(const std::optional<std::set<RunId>>& runs) {
  if (!runs) flights_.let_go();
  auto flights = flights_.all();
  std::erase_if(flights,
                [&](const auto& flight) { return flight->in_hand || (runs && !runs->contains(flight->run())); });
  return flights;
}

Task<void> Lookout::ask(std::optional<std::set<RunId>> runs) {
  std::vector<std::pair<std::shared_ptr<Flight>, std::uint64_t>> followed;
  std::vector<RunId> ids;
  for (auto& flight : wanted(runs)) {
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
