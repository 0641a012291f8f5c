#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>

#include "app/commands.hpp"
#include "app/demo.hpp"
#include "app/serve.hpp"

namespace {

using namespace onetake;

constexpr int bad_usage = 2;

/// The settings of a command that works on a configuration; says on stderr what is wrong with it.
struct Configured {
  std::string file;
  app::Overrides overrides;

  CLI::Option* add_to(CLI::App& command) {
    return command.add_option("--config", file, "The configuration, TOML")->required()->type_name("FILE");
  }
  void add_overrides(CLI::App& command) {
    command.add_option("--listen", overrides.listen, "In place of server.listen; port 0 picks a free one")
        ->type_name("ADDR:PORT");
    command.add_option("--data-dir", overrides.data_dir, "In place of server.data_dir")->type_name("DIR");
    command.add_option("--role", overrides.role, "In place of server.role: all, api or worker")->type_name("ROLE");
  }
  [[nodiscard]] std::optional<app::Loaded> load() const {
    auto loaded = app::load_settings(file, overrides);
    if (loaded) return std::move(*loaded);
    for (const auto& fault : loaded.error()) std::cerr << fault << '\n';
    return std::nullopt;
  }
};

int run_serve(const Configured& configured) {
  const auto loaded = configured.load();
  if (!loaded) return bad_usage;
  log::start(loaded->settings.log.level, loaded->settings.log.format);
  for (const auto& warning : loaded->warnings) log::warn("config.warning", warning);
  return app::serve(loaded->settings);
}

int run_check(const Configured& configured) {
  const auto loaded = configured.load();
  if (!loaded) return bad_usage;
  for (const auto& warning : loaded->warnings) std::cout << "warning: " << warning << '\n';
  return app::check(loaded->settings);
}

template <class Command>
int with_settings(const Configured& configured, Command command) {
  const auto loaded = configured.load();
  return loaded ? command(loaded->settings) : bad_usage;
}

int run(int count, char** words) {
  CLI::App onetake{"Fetches call recordings once, plays them while they arrive, and keeps them."};
  onetake.name("onetake");
  onetake.set_version_flag("--version", "onetake " ONETAKE_VERSION);
  onetake.require_subcommand(0, 1);
  bool print_settings = false;
  onetake.add_flag("--print-settings", print_settings)->group("");

  auto* demo = onetake.add_subcommand("demo", "Try it: sample calls, a provider of its own, the console on /");
  std::string listen = "127.0.0.1:8080";
  std::optional<std::string> data_dir;
  demo->add_option("--listen", listen, "Where to accept connections")->capture_default_str()->type_name("ADDR:PORT");
  demo->add_option("--data-dir", data_dir, "Where to keep what it fetches")->type_name("DIR");

  Configured configured;
  auto* serve = onetake.add_subcommand("serve", "The server");
  configured.add_to(*serve);
  configured.add_overrides(*serve);
  auto* check = onetake.add_subcommand("check", "Read the configuration and reach everything that it names");
  configured.add_to(*check);
  auto* verify = onetake.add_subcommand("verify", "Check every invariant over database and cache");
  bool json = false;
  configured.add_to(*verify);
  verify->add_flag("--json", json, "Violations as JSON");
  auto* query = onetake.add_subcommand("query", "Read-only SQL on the ledger, while the server runs or not");
  std::string sql;
  configured.add_to(*query);
  query->add_option("SQL", sql, "One statement")->required();
  auto* sign = onetake.add_subcommand("sign", "Print a signed stream URL: path and query");
  app::SignOptions signing;
  configured.add_to(*sign);
  sign->add_option("--tenant", signing.tenant, "Whose recording")->required()->type_name("T");
  sign->add_option("--call-sid", signing.call_sid, "Which call")->required()->type_name("S");
  sign->add_option("--ttl", signing.ttl, "How long it opens")->capture_default_str()->type_name("DURATION");
  sign->add_option("--path", signing.path, "Another path than the call's stream")->type_name("P");
  auto* migrate = onetake.add_subcommand(
      "migrate", "Apply migrations of the database's schema; or, with --from and --to, move to another database");
  app::MoveOptions moving;
  auto* config = configured.add_to(*migrate)->required(false);
  auto* from = migrate->add_option("--from", moving.from, "What to move: only read, and its server is stopped");
  auto* to = migrate->add_option("--to", moving.to, "Where to: a database without recordings");
  from->type_name("sqlite:FILE")->excludes(config)->needs(to);
  to->type_name("postgresql://...")->excludes(config)->needs(from);
  migrate->add_option("--data-dir", moving.data_dir, "Where the audio of --from lies; the folder of FILE by default")
      ->type_name("DIR")
      ->needs(from);

  try {
    onetake.parse(count, words);
  } catch (const CLI::ParseError& error) {
    return onetake.exit(error) == 0 ? 0 : bad_usage;
  }

  if (print_settings) return std::cout << app::configuration_page(), 0;
  if (demo->parsed()) {
    const auto address = app::parse_address(listen);
    if (address) return app::demo({.listen = *address, .data_dir = data_dir});
    std::cerr << "--listen: must be ADDR:PORT\n";
    return bad_usage;
  }
  if (serve->parsed()) return run_serve(configured);
  if (check->parsed()) return run_check(configured);
  if (verify->parsed()) return with_settings(configured, [&](const auto& s) { return app::verify(s, json); });
  if (query->parsed()) return with_settings(configured, [&](const auto& s) { return app::query(s, sql); });
  if (sign->parsed()) return with_settings(configured, [&](const auto& s) { return app::sign(s, signing); });
  if (migrate->parsed() && !moving.from.empty()) return app::move(moving);
  if (migrate->parsed() && configured.file.empty()) {
    std::cerr << "migrate: --config is required, or --from and --to\n";
    return bad_usage;
  }
  if (migrate->parsed()) return with_settings(configured, [](const auto& s) { return app::migrate(s); });
  std::cerr << onetake.help();
  return bad_usage;
}

}  // namespace

int main(int count, char** words) {
  // A listener that goes away must not end the server: sendfile has no MSG_NOSIGNAL.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run(count, words);
  } catch (const std::exception& error) {
    std::cerr << "onetake: " << error.what() << '\n';
    return 1;
  }
}
