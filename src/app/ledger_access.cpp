#include "app/ledger_access.hpp"

#include <unistd.h>

#include <optional>
#include <thread>

#include "app/instance.hpp"
#include "base/offload.hpp"
#include "durable/s3.hpp"
#include "ledger/migrations.hpp"
#include "ledger/postgres_ledger.hpp"
#include "ledger/sqlite_ledger.hpp"
#include "provider/transfer.hpp"

namespace onetake::app {
namespace {

namespace fs = std::filesystem;

/// `ask` the process that has the data directory, or do it `here` while we have it. A server takes the directory before
/// it listens, and another command has it for a moment: so both are tried for a while.
template <class T, class Ask, class Here>
Answer<T> wherever(const Settings& settings, Ask ask, Here here) {
  const Deadline patience = in(std::chrono::seconds{5});
  for (bool refused = false;;) {
    auto instance = Instance::claim(settings.server.data_dir);
    if (instance) return here();
    if (auto server = ControlClient::connect(settings.server.data_dir)) return ask(*server);
    // Not in use, and yet refused: whoever had it has just gone, or, if that is so again, something else is wrong.
    const bool in_use = Instance::in_use(settings.server.data_dir);
    if ((!in_use && refused) || Monotonic::now() > patience) return std::unexpected(instance.error());
    refused = !in_use;
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  }
}

Answer<ledger::Table> query_with(ledger::Ledger& ledger, Foreground& foreground, const std::string& sql) {
  auto table = foreground.wait_for(ledger.query(sql));
  if (!table) return std::unexpected(table.error().detail);
  return std::move(*table);
}

/// How long a statement of a person's may take.
constexpr milliseconds query_limit{60'000};

/// `use(ask)` with the ledger, wherever it can be asked.
template <class T, class Use>
Answer<T> with_sqlite(const Settings& settings, Use use) {
  if (!fs::exists(settings.server.data_dir))
    return std::unexpected(settings.server.data_dir.string() + " is not there");
  return wherever<T>(
      settings, [&](ControlClient& server) { return use([&](const std::string& sql) { return server.query(sql); }); },
      [&]() -> Answer<T> {
        const fs::path file = settings.sqlite_file();
        if (!fs::exists(file)) return std::unexpected(file.string() + " is not there: nothing has run yet");
        Foreground foreground;
        const auto ledger = ledger::open_sqlite(file, {.migrate = false, .query_limit = query_limit});
        return use([&](const std::string& sql) { return query_with(*ledger, foreground, sql); });
      });
}

template <class T, class Use>
Answer<T> with_postgres(const Settings& settings, Use use) {
  Foreground foreground;
  const auto ledger =
      ledger::open_postgres(settings.database.url, {.pool = 2, .migrate = false, .query_limit = query_limit});
  return use([&](const std::string& sql) { return query_with(*ledger, foreground, sql); });
}

template <class T, class Use>
Answer<T> with_ledger(const Settings& settings, Use use) {
  return settings.database.shared() ? with_postgres<T>(settings, use) : with_sqlite<T>(settings, use);
}

/// The storage, for a command.
class ListedStorage {
 public:
  explicit ListedStorage(const durable::Settings& settings) : copies_(settings, transfers_, hashing_) {}

  Answer<std::vector<durable::Listed>> list(const std::string& after) {
    durable::Until until{.deadline = in(patience)};
    auto page = foreground_.wait_for(copies_.list(after, until));
    if (!page) return std::unexpected("storage: " + page.error().detail);
    return *std::move(page);
  }

 private:
  static constexpr milliseconds patience{60'000};

  Foreground foreground_;
  provider::Transfers transfers_;
  Offload hashing_{1};
  durable::S3 copies_;
};

/// A database that is there, nobody else's: its schema.
Answer<std::string> check_file(const Settings& settings) {
  const fs::path file = settings.sqlite_file();
  if (!fs::exists(file)) return file.string() + " will be made";
  const int found = [&] {
    ledger::Connection db{file};
    return ledger::schema_of(db);
  }();
  if (found < ledger::known_schema() && settings.database.auto_migrate) {
    return file.string() + " has schema " + std::to_string(found) + "; the server will migrate it";
  }
  ledger::open_sqlite(file, {.migrate = false, .query_limit = milliseconds{10'000}});
  return file.string() + " has schema " + std::to_string(found);
}

}  // namespace

ControlVerbs control_verbs(ledger::Ledger& ledger, Foreground& foreground) {
  return {
      .query = [&](const std::string& sql) { return query_with(ledger, foreground, sql); },
      .migrate = []() -> Answer<Schema> { return Schema{ledger::known_schema(), ledger::known_schema()}; },
  };
}

Answer<ledger::Table> ledger_query(const Settings& settings, const std::string& sql) {
  return with_ledger<ledger::Table>(settings, [&](const AskLedger& ask) { return ask(sql); });
}

Answer<Verified> verify_data(const Settings& settings) {
  const auto& dir = settings.server.data_dir;
  std::optional<ListedStorage> storage;
  ListCopies list;
  if (!settings.storage.type.empty()) {
    storage.emplace(settings.storage);
    list = [&storage](const std::string& after) { return storage->list(after); };
  }
  return with_ledger<Verified>(settings, [&](const AskLedger& ask) {
    if (!settings.database.shared()) return verify(ask, ledger::sqlite_inquiry(), dir, list);
    const auto inquiry = ledger::postgres_inquiry(Instance::node_of(dir).value_or(""));
    return verify(ask, *inquiry, dir, list);
  });
}

Answer<Schema> ledger_migrate(const Settings& settings) {
  if (settings.database.shared()) {
    const auto done = ledger::migrate_postgres(settings.database.url);
    return Schema{done.from, done.to};
  }
  return wherever<Schema>(
      settings, [&](ControlClient& server) { return server.migrate(); },
      [&]() -> Answer<Schema> {
        const auto done = ledger::migrate_sqlite(settings.sqlite_file());
        return Schema{done.from, done.to};
      });
}

Answer<std::string> check_data(const Settings& settings) {
  const auto dir = settings.server.data_dir.string();
  return wherever<std::string>(
      settings,
      [&](ControlClient& server) -> Answer<std::string> {
        const auto pid = server.ping();
        if (!pid) return std::unexpected(pid.error());
        return dir + " is served by process " + std::to_string(*pid);
      },
      [&]() -> Answer<std::string> {
        if (!settings.database.shared()) return check_file(settings);
        return dir + " can be used";
      });
}

Answer<std::string> check_server(const Settings& settings) {
  const auto found = ledger::look_at_postgres(settings.database.url);
  const auto has = found.place + " has " + (found.schema == 0 ? "no schema" : "schema " + std::to_string(found.schema));
  auto text = "PostgreSQL " + found.version + " at " + has;
  if (found.schema >= found.known) return text;
  if (!settings.database.auto_migrate)
    return std::unexpected(has + ", this version needs " + std::to_string(found.known) + ": run onetake migrate");
  if (!found.may_migrate)
    return std::unexpected(has + ", and this user may not make one: GRANT CREATE ON SCHEMA public (or its own) TO it");
  return text + "; the server will migrate it";
}

}  // namespace onetake::app
