#include "app/commands.hpp"

#include <boost/json.hpp>
#include <iostream>

#include "app/instance.hpp"
#include "app/ledger_access.hpp"
#include "base/units.hpp"
#include "blob/store.hpp"
#include "ledger/move.hpp"
#include "tenant/signed_url.hpp"

namespace onetake::app {
namespace {

namespace fs = std::filesystem;

int wrong(int status, std::string_view what) {
  std::cerr << "onetake: " << what << '\n';
  return status;
}

void write_row(const auto& cells) {
  bool first = true;
  for (const std::string& cell : cells) {
    if (!std::exchange(first, false)) std::cout << '\t';
    for (const char c : cell) {
      switch (c) {
        case '\t':
          std::cout << "\\t";
          break;
        case '\n':
          std::cout << "\\n";
          break;
        case '\r':
          std::cout << "\\r";
          break;
        case '\\':
          std::cout << "\\\\";
          break;
        default:
          std::cout << c;
      }
    }
  }
  std::cout << '\n';
}

constexpr std::string_view sqlite = "sqlite:";

bool is_postgres(std::string_view url) { return url.starts_with("postgresql://") || url.starts_with("postgres://"); }

/// The directory in our hands, which is one already: a file may lie anywhere, and audio does not.
std::expected<Instance, std::string> claim(const fs::path& data_dir) {
  if (!fs::exists(data_dir / "FORMAT"))
    return std::unexpected(data_dir.string() + " is not a data directory: name the source's with --data-dir");
  auto instance = Instance::claim(data_dir);
  if (instance || !Instance::in_use(data_dir)) return instance;
  return std::unexpected(instance.error() + ": stop it first");
}

}  // namespace

int sign(const Settings& settings, const SignOptions& options) {
  const auto* tenant = settings.tenant(options.tenant);
  if (tenant == nullptr) return wrong(1, "no tenant " + options.tenant + " in the configuration");
  const auto& keys = tenant->credentials.url_keys;
  if (keys.empty()) return wrong(1, "tenant " + options.tenant + " has no url_signing_keys");
  const auto ttl = parse_duration(options.ttl);
  if (!ttl || *ttl <= milliseconds{0}) return wrong(2, R"(--ttl must be a duration, such as "5m")");
  if (!options.path && !valid_call_sid(options.call_sid)) {
    return wrong(2, "--call-sid must be 1 to 64 of A-Z, a-z, 0-9, _ . and -, not starting with a dot");
  }
  const std::string path = options.path.value_or("/api/recordings/" + options.call_sid + "/stream");
  if (!path.starts_with('/')) return wrong(2, "--path must start with /");

  const auto expires = std::chrono::ceil<std::chrono::seconds>(wall_now() + *ttl);
  const auto& first = keys.front();
  std::cout << tenant::signed_url(path, tenant->credentials.id, first.id, tenant::MacKey{first.secret}, expires)
            << '\n';
  return 0;
}

int query(const Settings& settings, const std::string& sql) try {
  const Answer<ledger::Table> table = ledger_query(settings, sql);
  if (!table) return wrong(1, table.error());
  write_row(table->columns);
  for (const auto& row : table->rows) {
    std::vector<std::string> cells;
    for (const auto& cell : row) cells.push_back(cell.value_or(""));
    write_row(cells);
  }
  return 0;
} catch (const std::exception& error) {
  return wrong(1, error.what());
}

int verify(const Settings& settings, bool json) try {
  const Answer<Verified> verified = verify_data(settings);
  if (!verified) return wrong(1, verified.error());
  if (json) {
    boost::json::array violations;
    for (const auto& each : verified->violations)
      violations.push_back({{"invariant", each.invariant}, {"subject", each.subject}, {"detail", each.detail}});
    boost::json::object all{{"violations", std::move(violations)},
                            {"recordings", verified->recordings},
                            {"runs", verified->runs},
                            {"files", verified->files},
                            {"bytes", verified->bytes}};
    if (verified->copies) all["copies"] = *verified->copies;
    if (!verified->unanswered.empty()) all["unanswered"] = verified->unanswered;
    std::cout << boost::json::serialize(all) << '\n';
  } else {
    for (const auto& each : verified->violations)
      std::cout << each.invariant << ": " << each.subject << ": " << each.detail << '\n';
    std::cerr << verified->recordings << " recordings, " << verified->runs << " runs, " << verified->files << " files, "
              << verified->bytes << " bytes of audio"
              << (verified->copies ? ", " + std::to_string(*verified->copies) + " durable copies" : "") << ": "
              << verified->violations.size() << " violations\n";
    if (!verified->unanswered.empty()) std::cerr << verified->unanswered << '\n';
  }
  return verified->violations.empty() && verified->unanswered.empty() ? 0 : 1;
} catch (const std::exception& error) {
  return wrong(1, error.what());
}

int migrate(const Settings& settings) try {
  const Answer<Schema> schema = ledger_migrate(settings);
  if (!schema) return wrong(1, schema.error());
  std::cout << "schema " << schema->to << '\n';
  return 0;
} catch (const std::exception& error) {
  return wrong(1, error.what());
}

int move(const MoveOptions& options) try {
  if (!options.from.starts_with(sqlite) || options.from.size() == sqlite.size())
    return wrong(2, "--from must be sqlite:FILE");
  if (!is_postgres(options.to)) return wrong(2, "--to must be postgresql://user:password@host:port/db");
  const auto file = fs::absolute(options.from.substr(sqlite.size()));
  if (!fs::exists(file)) return wrong(1, file.string() + " is not there");
  const auto data_dir = fs::absolute(options.data_dir.value_or(file.parent_path()));
  const auto instance = claim(data_dir);
  if (!instance) return wrong(1, instance.error());

  const auto moved = ledger::move_to_postgres(
      file, options.to, instance->node(),
      [&](const std::string& blob) { return fs::exists(blob::Store::path_of(data_dir, blob)); }, wall_now());
  if (!moved) return wrong(1, moved.error());
  std::cout << "moved " << moved->recordings << " recordings, " << moved->runs << " runs, " << moved->files
            << " files, " << moved->tombstones << " traces of erased recordings\n"
            << "next: database.url is the new one, and server.data_dir stays " << data_dir.string()
            << " on the node that has the files\n";
  return 0;
} catch (const std::exception& error) {
  return wrong(1, error.what());
}

}  // namespace onetake::app
