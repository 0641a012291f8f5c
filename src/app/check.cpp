#include <iostream>

#include "app/commands.hpp"
#include "app/ledger_access.hpp"
#include "durable/s3.hpp"
#include "provider/target.hpp"
#include "provider/transfer.hpp"
#include "signal/redis.hpp"

namespace onetake::app {
namespace {

/// Wants to know that somebody answers, not what.
class Anything final : public provider::Receiver {
 public:
  bool head(const provider::Response&) override { return false; }
  bool data(std::span<const std::byte>) override { return false; }
};

/// Asks for the URL without credentials; any status means that it is there.
Answer<std::string> reach(const std::string& url, const Settings& settings, provider::Transfers& transfers,
                          Foreground& foreground) {
  const auto target = provider::Target::parse(url);
  if (!target) return std::unexpected(target.error().detail);
  provider::Request request;
  request.url = target->url();
  request.connect_timeout = settings.fetch.connect_timeout;
  request.stall_timeout = settings.fetch.stall_timeout;
  request.deadline = in(settings.fetch.connect_timeout + settings.fetch.stall_timeout);
  request.guard = std::make_shared<const provider::AddressGuard>(settings.fetch.allow_addresses);
  Anything receiver;
  const auto outcome = foreground.wait_for(transfers.perform(std::move(request), receiver));
  if (outcome.response.status != 0) return target->authority() + " answers";
  return std::unexpected(outcome.setback ? outcome.setback->detail : target->authority() + " does not answer");
}

Answer<std::string> reach_redis(const signal::RedisAddress& address) {
  if (const auto wrong = signal::what_is_wrong_with(address))
    return std::unexpected(*wrong + ": mend it, or take [redis] out; nodes work without, too");
  return address.shown() + " answers, and can be written to";
}

/// How long the storage has for a small object's life.
constexpr milliseconds storage_patience{15'000};

Answer<std::string> reach_storage(const durable::Settings& storage, provider::Transfers& transfers,
                                  Foreground& foreground) {
  Offload hashing{1};
  durable::S3 copies{storage, transfers, hashing};
  durable::Until until{.deadline = in(storage_patience)};
  const auto checked = foreground.wait_for(copies.check(until));
  if (!checked) return std::unexpected(checked.error().detail);
  return storage.bucket + " at " + storage.endpoint + " keeps what it is given";
}

}  // namespace

int check(const Settings& settings) {
  bool fine = true;
  const auto tell = [&](const std::string& what, const Answer<std::string>& found) {
    if (found)
      std::cout << "ok " << what << ": " << *found << '\n';
    else
      std::cerr << what << ": " << found.error() << '\n';
    fine = fine && found.has_value();
  };
  const auto guarded = [](auto work) -> Answer<std::string> {
    try {
      return work();
    } catch (const std::exception& error) {
      std::string why = error.what();
      if (const std::string_view module = "ledger: "; why.starts_with(module)) why.erase(0, module.size());
      return std::unexpected(std::move(why));
    }
  };
  tell("server.data_dir", guarded([&] { return check_data(settings); }));
  if (settings.database.shared()) tell("database.url", guarded([&] { return check_server(settings); }));
  if (settings.database.shared() && settings.server.node_url.empty() && settings.server.listen.wildcard())
    std::cout << "warning: server.node_url: other nodes cannot reach " << settings.server.listen.str() << "; set it\n";
  if (settings.redis.url) tell("redis.url", guarded([&] { return reach_redis(*settings.redis.url); }));

  Foreground foreground;
  provider::Transfers transfers;
  if (!settings.storage.type.empty())
    tell("storage", guarded([&] { return reach_storage(settings.storage, transfers, foreground); }));
  else if (settings.database.shared())
    std::cout << "warning: storage: there is none: a recording whose only holder is lost is fetched again\n";
  for (const auto& tenant : settings.tenants) {
    for (const auto& provider : tenant.providers) {
      if (provider.base_url.empty()) continue;
      tell("provider " + tenant.credentials.id.str() + '/' + provider.name,
           guarded([&] { return reach(provider.base_url, settings, transfers, foreground); }));
    }
  }
  return fine ? 0 : 1;
}

}  // namespace onetake::app
