#include "app/node.hpp"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "durable/s3.hpp"
#include "ledger/postgres_ledger.hpp"
#include "ledger/sqlite_ledger.hpp"

namespace onetake::app {
namespace {

/// Two descriptors a recording would do; the rest of the process needs some too.
constexpr std::size_t most_open = 4096;

/// How long a Play may be forgotten by a crash.
constexpr milliseconds between_notes{3000};
/// And how many times as long a file may lie there that nothing points to.
constexpr int notes_a_sweep = 20;

/// A connection is a descriptor, and so is every recording that is open.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// Of the cores that this process may run on: a container or `taskset` may have left it fewer than the machine has.
std::vector<std::unique_ptr<Loop>> loop_a_core() {
  cpu_set_t allowed;  // refused where the machine has more cores than fit into it
  const bool told = ::sched_getaffinity(0, sizeof allowed, &allowed) == 0;
  const int cores = told ? CPU_COUNT(&allowed) : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  std::vector<std::unique_ptr<Loop>> loops;
  for (int i = 0; i < cores; ++i) loops.push_back(std::make_unique<Loop>());
  return loops;
}

run::Limits limits_of(const Settings::Fetch& fetch) {
  return {.max_concurrent = fetch.max_concurrent,
          .per_tenant_concurrent = fetch.per_tenant_concurrent,
          .lease = fetch.lease,
          .heartbeat = fetch.heartbeat,
          .sweep = fetch.sweep,
          .attempt_timeout = fetch.attempt_timeout,
          .run_deadline = fetch.run_deadline,
          .not_ready_for = fetch.not_ready_for,
          .backoff_initial = fetch.backoff_initial,
          .backoff_max = fetch.backoff_max,
          .max_recording_bytes = fetch.max_recording_bytes};
}

run::Join::Admission admission_of(const Settings& settings) {
  return {.max_attempts = settings.fetch.max_attempts,
          .per_tenant = settings.fetch.per_tenant_concurrent,
          .failure_cooldown = settings.fetch.failure_cooldown,
          .retention = settings.retention.max_age,
          .works = settings.server.role != Role::api};
}

/// How often objects on the durable storage are looked for that nothing points to; and how many times as long uploads
/// that were begun and forgotten lie there.
constexpr milliseconds between_removals{2'000};
constexpr int removals_a_day = std::chrono::hours{24} / between_removals;

/// How often a shared ledger is asked for what other nodes have done.
constexpr milliseconds look_every{1'000};
/// A node may lose so many signs of life, and lives.
constexpr int signs_of_life = 3;

std::unique_ptr<ledger::Ledger> open_ledger(const Settings& settings, const Instance& instance, Peers& peers) {
  if (!settings.database.shared())
    return ledger::open_sqlite(settings.sqlite_file(), {.migrate = settings.database.auto_migrate});
  const auto committed = [&peers](ledger::Change change, const std::string& id) { peers.tell(change, id); };
  return ledger::open_postgres(settings.database.url, {.node = instance.node(),
                                                       .committed = committed,
                                                       .pool = settings.database.pool,
                                                       .migrate = settings.database.auto_migrate});
}

std::map<TenantId, std::map<std::string, std::shared_ptr<provider::Provider>>> providers_of(
    const Settings& settings, provider::Transfers& transfers) {
  const provider::Limits limits{.connect_timeout = settings.fetch.connect_timeout,
                                .stall_timeout = settings.fetch.stall_timeout,
                                .max_recording_bytes = settings.fetch.max_recording_bytes,
                                .allow_addresses = settings.fetch.allow_addresses,
                                .allow_plain_http = settings.fetch.allow_plain_http};
  std::map<TenantId, std::map<std::string, std::shared_ptr<provider::Provider>>> providers;
  for (const auto& tenant : settings.tenants)
    for (const auto& each : tenant.providers)
      providers[tenant.credentials.id][each.name] = provider::make(each, limits, transfers);
  return providers;
}

/// A rate can be asked for before the first time.
void count_from_zero() {
  using metrics::Series;
  for (const auto* const status : {"completed", "failed", "cancelled"}) metrics::add(Series::runs_ended, {status}, 0);
  for (const auto* const outcome : {"created", "joined_process", "exists_database", "blocked_redis"})
    metrics::add(Series::run_admissions, {outcome}, 0);
}

}  // namespace

Node::Node(const Settings& settings, Instance instance, tenant::Browsers browsers)
    : settings_(settings),
      instance_(std::move(instance)),
      loops_(loop_a_core()),
      peers_(settings_),
      ledger_(open_ledger(settings_, instance_, peers_)),
      store_(instance_.data_dir(), settings_.cache.max_bytes),
      providers_(providers_of(settings_, transfers_)),
      lookout_(main_, *ledger_, flights_, look_every, settings_.server.node_silence),
      shelf_(most_open),
      evictor_(*ledger_, store_, disk_, flights_, shelf_),
      caretaker_(*ledger_, store_, disk_, flights_, shelf_),
      quarantine_(*ledger_, store_, disk_, shelf_),
      scrubber_(*ledger_, store_, quarantine_, {}),
      hashing_(settings_.storage.type.empty() ? nullptr : std::make_unique<Offload>(1)),
      copies_(hashing_ ? std::make_unique<durable::S3>(settings_.storage, transfers_, *hashing_) : nullptr),
      copier_(copies_ ? std::make_unique<run::Copier>(main_, *ledger_, store_, disk_, *copies_) : nullptr),
      fillings_(copies_ ? std::make_unique<run::Fillings>(
                              main_, *ledger_, store_, disk_, flights_,
                              [this](Bytes bytes) { return evictor_.make_room(bytes); }, *copies_,
                              settings_.fetch.attempt_timeout)
                        : nullptr),
      reaper_(copies_ ? std::make_unique<stream::Reaper>(*ledger_, *copies_) : nullptr),
      worker_(
          main_, *ledger_, store_, disk_, flights_,
          [this](const TenantId& tenant, const std::string& name) { return find_provider(tenant, name); },
          [this](Bytes bytes) { return evictor_.make_room(bytes); }, limits_of(settings_.fetch), peers_.limit(),
          copier_.get()),
      join_(*ledger_, flights_, worker_, admission_of(settings_), peers_.hints()),
      streams_(*ledger_, store_, disk_, join_, shelf_, evictor_, quarantine_, admission_of(settings_),
               settings_.server.node_silence, fillings_.get()),
      settler_(shelf_, worker_, store_, disk_, copies_.get()),
      retention_(*ledger_, settler_, settings_.retention.max_age),
      access_(settings_.credentials(), settings_.admin.api_key_sha256, std::move(browsers)),
      relay_(control_loop_.wait_for(ledger_->node_secret())),
      api_({.ledger = *ledger_,
            .streams = streams_,
            .join = join_,
            .worker = worker_,
            .flights = flights_,
            .settler = settler_,
            .access = access_,
            .admits = [this](const TenantId& tenant, const Registration& said) { return admits(tenant, said); },
            .cached = [this] { return store_.space().used(); },
            .relay = settings_.database.shared() ? &relay_ : nullptr},
           {.stream_wait = settings_.server.stream_wait,
            .listener_patience = settings_.server.listener_patience,
            .retention = settings_.retention.max_age,
            .cors_origins = settings_.security.cors_origins,
            .version = ONETAKE_VERSION}),
      listener_(loops_, settings_.server.listen.host, settings_.server.listen.port, api_, http::Bounds{}) {
  if (settings_.database.shared()) flights_.on_following([this](const Run& run) { lookout_.follow(run); });
  raise_descriptor_limit();
  std::signal(SIGPIPE, SIG_IGN);  // sendfile has no MSG_NOSIGNAL
  count_from_zero();
  metrics::set(metrics::Series::build_info, 1, {ONETAKE_VERSION});
  metrics::set(metrics::Series::process_start_time,
               std::chrono::duration<double>(wall_now().time_since_epoch()).count());
  // No lease outlives the process: what ran in an earlier life is queued again.
  if (const int rescued = control_loop_.wait_for(ledger_->recover(wall_now())); rescued > 0) {
    metrics::add(metrics::Series::lease_rescues, {}, rescued);
    log::warn("run.rescued", "runs of an earlier life of this server are queued again", {{"runs", rescued}});
  }
  if (const int removed = control_loop_.wait_for(caretaker_.recover()); removed > 0)
    log::warn("blob.recovered", "files of an earlier life that nothing points to are removed", {{"files", removed}});
  store_.space().occupy(control_loop_.wait_for(ledger_->held_bytes()));
  if (settings_.database.shared()) {
    if (settings_.server.node_url.empty() && settings_.server.listen.wildcard())
      log::warn("node.unreachable",
                "other nodes cannot reach the address that this one listens on; set server.node_url",
                {{"listen", settings_.server.listen.str()}});
    control_loop_.wait_for(ledger_->node_lives(node_url(), settings_.server.node_silence));
  }
}

Node::~Node() = default;

std::string Node::url() const {
  const auto endpoint = listener_.endpoint();
  return "http://" + Address{.host = endpoint.address().to_string(), .port = endpoint.port()}.str();
}

std::string Node::node_url() const { return settings_.server.node_url.empty() ? url() : settings_.server.node_url; }

void Node::put(const TenantId& tenant, const CallSid& call_sid, Registration registration) {
  const auto put = control_loop_.wait_for(ledger_->put(tenant, call_sid, std::move(registration), wall_now()));
  for (const auto& blob : put.leftovers.blobs) store_.remove(blob);
}

void Node::run() {
  control_ = std::make_unique<ControlServer>(instance_.data_dir(), verbs());
  main_.spawn(until_drained());
  main_.spawn(tick());
  if (settings_.retention.max_age > milliseconds{0}) main_.spawn(retire());
  main_.spawn(look_after_files());
  main_.spawn(scrubber_.run());
  if (settings_.database.shared()) {
    main_.spawn(live_among_nodes());
    main_.spawn(look_at_other_nodes());
    lookout_.start();
    peers_.listen([this](const signal::Wake& wake) { hear(wake); });
  }
  if (copies_) {
    copier_->start();
    main_.spawn(look_after_objects());
  }
  if (settings_.server.role != Role::api) worker_.start();
  listener_.start();
  log::info("server.started", "listening", {{"url", url()}, {"version", ONETAKE_VERSION}});
  if (settings_.database.shared())
    log::info("node.started", "one of the nodes on this database",
              {{"node", instance_.node()}, {"node_url", node_url()}});
  for (const auto& loop : loops_) threads_.emplace_back([&loop = *loop] { loop.run_until_stopped(); });
  main_.run_until_stopped();
  // What follows waits for threads, which a database may hold up; a second signal waits for nobody.
  for (const int signal : {SIGTERM, SIGINT}) std::signal(signal, [](int) { std::_Exit(1); });

  for (const auto& loop : loops_) loop->stop();
  for (auto& thread : threads_) thread.join();
  control_.reset();
  ledger_.reset();
  peers_.fall_silent();
  // What is left are connections in the middle of a body that had no more time. Their coroutines hold on to everything
  // that stands above: unwinding them all in the right order would only delay the cut that they are due.
  std::_Exit(0);
}

Task<void> Node::until_drained() {
  co_await signals_.async_wait(use_task);
  signals_.async_wait([](const boost::system::error_code& error, int) {
    if (!error) std::_Exit(1);
  });
  log::info("server.draining", "stopping", {{"connections", listener_.open()}});
  api_.drain();
  co_await sleep_for(settings_.server.drain_delay);
  const auto deadline = in(settings_.server.drain_timeout);
  listener_.stop();
  api_.close(deadline);
  worker_.drain();
  while (listener_.open() > 0 && Monotonic::now() < deadline) co_await sleep_for(Loop::tick);
  co_await worker_.finish(deadline);
  co_await note_plays();
  co_await leave();
  log::info("server.stopped", "stopped", {{"cut", listener_.open()}});
  main_.stop();
}

Task<void> Node::tick() {
  for (;;) {
    co_await sleep_for(std::chrono::seconds{1});
    api_.tick();
  }
}

Task<void> Node::retire() {
  for (;;) {
    try {
      co_await retention_.sweep();
    } catch (const std::exception& error) {
      log::error("ledger.unavailable", "cannot look for what is past retention.max_age", {{"error", error.what()}});
    }
    co_await sleep_for(settings_.fetch.sweep);
  }
}

Task<void> Node::look_at_other_nodes() {
  for (;;) {
    co_await sleep_for(look_every);
    co_await sweep_files();
  }
}

/// Apart from the files, which may take the disk long: who gives no sign is taken for gone, and what he holds for lost.
Task<void> Node::live_among_nodes() {
  while (!left_) {
    co_await sleep_for(settings_.server.node_silence / (signs_of_life + 1));
    if (left_) co_return;
    lives_asked_ = true;
    try {
      const bool was_taken = co_await ledger_->node_lives(node_url(), settings_.server.node_silence);
      if (was_taken)
        log::warn("node.twice", "another server on this database has this one's name (data_dir/NODE) or its address",
                  {{"node", instance_.node()}, {"node_url", node_url()}});
    } catch (const std::exception& error) {
      log::warn("ledger.unavailable", "the other nodes cannot be told that this one lives", {{"error", error.what()}});
    }
    lives_asked_ = false;
  }
}

/// What only this node holds is waited for, until it is back or has been silent for long enough. Where all of it has a
/// durable copy nobody needs to wait.
Task<void> Node::leave() {
  if (!settings_.database.shared() || !copies_) co_return;
  left_ = true;
  try {
    while (lives_asked_) co_await sleep_for(Loop::tick);
    const auto held_alone = co_await ledger_->not_durable({}, 1);
    if (held_alone.empty())
      co_await ledger_->node_leaves();
    else
      log::info("node.holds_alone", "what has no durable copy yet is waited for, for server.node_silence", {});
  } catch (const std::exception& error) {
    log::warn("ledger.unavailable", "the other nodes cannot be told that this one stops", {{"error", error.what()}});
  }
}

/// From another node, on a thread of the peers'.
void Node::hear(const signal::Wake& wake) {
  using signal::Topic;
  const bool all = wake.topic == Topic::everything;
  if (all || wake.topic == Topic::run_queued) worker_.poke();
  if (all) lookout_.look();
  if (wake.topic == Topic::run_taken || wake.topic == Topic::run_ended) lookout_.look(RunId{wake.id});
  if (wake.topic == Topic::run_ended && settings_.server.role != Role::api) worker_.check(RunId{wake.id});
  if ((all || wake.topic == Topic::recording_changed) && !sweep_asked_.exchange(true)) main_.spawn(sweep_files());
}

/// What other nodes' changes have left without a pointer is here, and may be open, until it is looked for.
Task<void> Node::sweep_files() {
  sweep_asked_ = false;
  try {
    co_await caretaker_.sweep();
    if (fillings_) co_await fillings_->look();
  } catch (const std::exception& error) {
    log::warn("ledger.unavailable", "cannot look for files that nothing points to", {{"error", error.what()}});
  }
}

Task<void> Node::look_after_files() {
  for (int round = 1;; ++round) {
    co_await sleep_for(between_notes);
    co_await note_plays();
    if (round % notes_a_sweep == 0) co_await sweep_files();
  }
}

/// On the durable storage.
Task<void> Node::look_after_objects() {
  for (int round = 0;; ++round) {
    try {
      if (round % removals_a_day == 0) co_await reaper_->abort_forgotten();
      co_await reaper_->sweep();
    } catch (const std::exception& error) {
      log::warn("ledger.unavailable", "cannot look for durable copies that nothing points to",
                {{"error", error.what()}});
    }
    co_await sleep_for(between_removals);
  }
}

/// What is not written down is forgotten: eviction goes by what it knows.
Task<void> Node::note_plays() {
  try {
    co_await evictor_.note_plays();
  } catch (const std::exception& error) {
    log::warn("ledger.unavailable", "cannot write down what was played", {{"error", error.what()}});
  }
}

std::shared_ptr<provider::Provider> Node::find_provider(const TenantId& tenant, const std::string& name) const {
  const auto of_tenant = providers_.find(tenant);
  if (of_tenant == providers_.end()) return nullptr;
  const auto found = of_tenant->second.find(name);
  return found == of_tenant->second.end() ? nullptr : found->second;
}

result<void> Node::admits(const TenantId& tenant, const Registration& said) const {
  const auto provider = find_provider(tenant, said.provider);
  if (!provider)
    return failed(Fault::source_not_allowed, "This tenant has no provider named \"" + said.provider + "\".");
  return provider->admits(said);
}

ControlVerbs Node::verbs() {
  return {.query = [this](const std::string& sql) -> Answer<ledger::Table> {
            auto table = control_loop_.wait_for(ledger_->query(sql));
            if (!table) return std::unexpected(table.error().detail);
            return *std::move(table);
          },
          .migrate = [this]() -> Answer<Schema> {
            const auto version = control_loop_.wait_for(ledger_->query("PRAGMA user_version"));
            if (!version || version->rows.empty()) return std::unexpected("the schema's version cannot be read");
            const int number = std::atoi(version->rows.front().front().value_or("0").c_str());
            return Schema{.from = number, .to = number};  // a running server has migrated on start
          }};
}

}  // namespace onetake::app
