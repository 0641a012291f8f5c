#pragma once

#include <atomic>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "app/control.hpp"
#include "app/foreground.hpp"
#include "app/instance.hpp"
#include "app/peers.hpp"
#include "app/settings.hpp"
#include "base/loop.hpp"
#include "base/offload.hpp"
#include "blob/store.hpp"
#include "durable/copies.hpp"
#include "http/api.hpp"
#include "http/listener.hpp"
#include "http/relay.hpp"
#include "ledger/ledger.hpp"
#include "provider/transfer.hpp"
#include "run/copier.hpp"
#include "run/fillings.hpp"
#include "run/flights.hpp"
#include "run/join.hpp"
#include "run/lookout.hpp"
#include "run/worker.hpp"
#include "stream/caretaker.hpp"
#include "stream/evictor.hpp"
#include "stream/quarantine.hpp"
#include "stream/reaper.hpp"
#include "stream/retention.hpp"
#include "stream/scrubber.hpp"
#include "stream/settler.hpp"
#include "stream/streams.hpp"
#include "tenant/access.hpp"

namespace onetake::app {

/// A whole server, wired. One a process.
///
///   thread            what runs there
///   ----------------  -------------------------------------------------------------------------------
///   the main one      signals, the worker's coroutines, the drain
///   one loop a core   connections
///   ledger            the database connection (its own)
///   transfer          libcurl (its own)
///   disk, 2           fsync, rename, open
///   hashing           parts of what goes to the durable storage, where there is one
///   reading           published files, checked at leisure, at the lowest priority
///   control           control.sock
///   redis, wakes      what other nodes say
///
/// Members stand in the order in which they need each other: what is further down uses what is further up.
class Node {
 public:
  /// Opens everything and binds. Throws what a dependency throws.
  Node(const Settings& settings, Instance instance, tenant::Browsers browsers);
  ~Node();

  /// As PUT does, before `run`.
  void put(const TenantId& tenant, const CallSid& call_sid, Registration registration);
  /// http://ADDR:PORT
  [[nodiscard]] std::string url() const;
  /// How the other nodes reach this one.
  [[nodiscard]] std::string node_url() const;

  /// Serves until SIGTERM or SIGINT, drains, and leaves nothing half done. A second signal ends the process at once.
  void run();

 private:
  [[nodiscard]] std::shared_ptr<provider::Provider> find_provider(const TenantId& tenant,
                                                                  const std::string& name) const;
  [[nodiscard]] result<void> admits(const TenantId& tenant, const Registration& said) const;
  [[nodiscard]] ControlVerbs verbs();
  Task<void> until_drained();
  Task<void> tick();
  Task<void> retire();
  Task<void> look_after_files();
  Task<void> live_among_nodes();
  Task<void> look_at_other_nodes();
  Task<void> leave();
  void hear(const signal::Wake& wake);
  Task<void> sweep_files();
  Task<void> look_after_objects();
  Task<void> note_plays();

  const Settings settings_;
  const Instance instance_;
  Loop main_;
  /// From here on, so that who says where it listens can be stopped in good order at once.
  asio::basic_signal_set<Executor> signals_{main_.get_executor(), SIGTERM, SIGINT};
  std::vector<std::unique_ptr<Loop>> loops_;
  Foreground control_loop_;
  Peers peers_;
  std::unique_ptr<ledger::Ledger> ledger_;
  blob::Store store_;
  Offload disk_{2};
  provider::Transfers transfers_;
  std::map<TenantId, std::map<std::string, std::shared_ptr<provider::Provider>>> providers_;
  run::Flights flights_;
  run::Lookout lookout_;
  stream::Shelf shelf_;
  stream::Evictor evictor_;
  stream::Caretaker caretaker_;
  stream::Quarantine quarantine_;
  stream::Scrubber scrubber_;
  /// Null where there is no [storage].
  std::unique_ptr<Offload> hashing_;
  std::unique_ptr<durable::Copies> copies_;
  std::unique_ptr<run::Copier> copier_;
  std::unique_ptr<run::Fillings> fillings_;
  std::unique_ptr<stream::Reaper> reaper_;
  run::Worker worker_;
  run::Join join_;
  stream::Streams streams_;
  stream::Settler settler_;
  stream::Retention retention_;
  tenant::Access access_;
  http::Relay relay_;
  http::Api api_;
  http::Listener listener_;
  std::unique_ptr<ControlServer> control_;
  std::vector<std::thread> threads_;
  std::atomic<bool> sweep_asked_ = false;
  // On the main loop.
  bool left_ = false;         ///< from now on no sign of life is given
  bool lives_asked_ = false;  ///< one is under way
};

}  // namespace onetake::app
