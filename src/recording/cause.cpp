#include "recording/cause.hpp"

#include <array>

namespace onetake {
namespace {

struct Row {
  Cause cause;
  std::string_view name;
  Then then;
};

constexpr std::array<Row, 17> table{{{Cause::not_ready, "not_ready", Then::later},
                                     {Cause::throttled, "throttled", Then::later},
                                     {Cause::unavailable, "unavailable", Then::soon},
                                     {Cause::unreachable, "unreachable", Then::soon},
                                     {Cause::interrupted, "interrupted", Then::soon},
                                     {Cause::stalled, "stalled", Then::soon},
                                     {Cause::timed_out, "timed_out", Then::soon},
                                     {Cause::unauthorized, "unauthorized", Then::not_again},
                                     {Cause::forbidden, "forbidden", Then::not_again},
                                     {Cause::missing, "missing", Then::not_again},
                                     {Cause::gone, "gone", Then::not_again},
                                     {Cause::wrong_content, "wrong_content", Then::not_again},
                                     {Cause::too_large, "too_large", Then::not_again},
                                     {Cause::refused, "refused", Then::not_again},
                                     {Cause::no_space, "no_space", Then::later},
                                     {Cause::overdue, "overdue", Then::not_again},
                                     {Cause::internal, "internal", Then::soon}}};

}  // namespace

Then then(Cause cause) {
  for (const auto& row : table)
    if (row.cause == cause) return row.then;
  return Then::not_again;
}

std::string_view name(Cause cause) {
  for (const auto& row : table)
    if (row.cause == cause) return row.name;
  return {};
}

std::optional<Cause> cause_named(std::string_view text) {
  for (const auto& row : table)
    if (row.name == text) return row.cause;
  return std::nullopt;
}

}  // namespace onetake
