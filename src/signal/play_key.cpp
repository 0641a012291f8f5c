#include "signal/play_key.hpp"

namespace onetake::signal {
namespace {

/// Somebody newer's key stays. Sent whole, as it is short: a Redis that was flushed knows no script by its digest.
constexpr auto compare_and_delete =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

}  // namespace

std::string PlayKey::name(const Key& key) {
  auto name = "onetake:play:{" + key.tenant.str() + '/' + key.call_sid.str() + '}';
  if (key.recording_sid) name += ':' + *key.recording_sid;
  return name;
}

Task<std::optional<RunId>> PlayKey::under_way(Key key) {
  Command get{"GET", name(key)};
  auto reply = co_await redis_.ask(std::move(get));
  if (!reply || reply->kind != Reply::Kind::text || reply->text.empty()) co_return std::nullopt;
  co_return RunId{std::move(reply->text)};
}

void PlayKey::begun(const Key& key, const RunId& run) noexcept {
  redis_.tell({"SET", name(key), run.str(), "EX", std::to_string(life.count())});
}

void PlayKey::ended(const Key& key, const RunId& run) noexcept {
  redis_.tell({"EVAL", compare_and_delete, "1", name(key), run.str()});
}

}  // namespace onetake::signal
