#include "signal/redis_limit.hpp"

#include <algorithm>
#include <charconv>

namespace onetake::signal {
namespace {

constexpr auto both = "return {redis.call('GET', KEYS[1]) or '', redis.call('PTTL', KEYS[2])}";

/// ARGV: what the request had heard, an id for its 429, `memory`, how long the provider asked to wait (0: it did not
/// say). A wait is made longer, never shorter.
constexpr auto tell = R"(
local last = redis.call('GET', KEYS[1]) or ''
if last == ARGV[1] then
  last = ARGV[2]
  redis.call('SET', KEYS[1], last, 'EX', ARGV[3])
end
if tonumber(ARGV[4]) > 0 and redis.call('PTTL', KEYS[2]) < tonumber(ARGV[4]) then
  redis.call('SET', KEYS[2], '', 'PX', ARGV[4])
end
return last)";

/// Longer than any provider means.
constexpr milliseconds a_day{24 * 3'600'000};

Command script(const char* text, const SharedLimit::Account& account) {
  const auto name = "onetake:limit:{" + account.tenant.str() + '/' + account.provider + '}';
  return {"EVAL", text, "2", name + ":setback", name + ":closed"};
}

milliseconds span(const std::string& text) {
  std::int64_t count = 0;
  std::from_chars(text.data(), text.data() + text.size(), count);
  return std::clamp(milliseconds{count}, milliseconds{0}, a_day);
}

}  // namespace

Task<std::optional<SharedLimit::Word>> RedisLimit::hear(Account account) {
  auto command = script(both, account);
  auto reply = co_await redis_.ask(std::move(command));
  if (!reply || reply->items.size() != 2) co_return std::nullopt;
  co_return Word{.setback = std::move(reply->items[0].text), .closed_for = span(reply->items[1].text)};
}

Task<std::optional<std::string>> RedisLimit::throttled(Account account, std::string heard,
                                                       std::optional<milliseconds> retry_after) {
  auto command = script(tell, account);
  const auto wait = std::clamp(retry_after.value_or(milliseconds{0}), milliseconds{0}, a_day);
  for (const auto& argument : {heard, uuid7(), std::to_string(memory.count()), std::to_string(wait.count())})
    command.push_back(argument);
  auto reply = co_await redis_.ask(std::move(command));
  if (!reply || reply->kind != Reply::Kind::text) co_return std::nullopt;
  co_return std::move(reply->text);
}

}  // namespace onetake::signal
