#pragma once

#include <algorithm>
#include <array>

#include "ledger/invariants.hpp"

namespace onetake::ledger {

#define ONETAKE_RUNS_OF_R "FROM run u WHERE u.tenant = r.tenant AND u.recording_id = r.id "

/// Of a recording `r`, on either database.
inline constexpr std::array invariants_of_both{
    Invariant{"one_active_run", "more than one run is queued or running",
              "(SELECT count(*) > 1 " ONETAKE_RUNS_OF_R "AND u.status IN ('queued', 'running'))"},
    Invariant{
        "one_run_a_cycle", "its runs are not those of the cycles 1, 2, … up to its own",
        "(SELECT count(*) <> r.cycle OR count(DISTINCT u.cycle) <> r.cycle OR coalesce(max(u.cycle), 0) <> r.cycle "
        "OR coalesce(min(u.cycle), 1) <> 1 " ONETAKE_RUNS_OF_R ")"},
    Invariant{"fetching_has_its_run", "it is fetching and its newest run is not active, or the other way round",
              "(r.state = 'fetching') <> EXISTS (SELECT 1 " ONETAKE_RUNS_OF_R
              "AND u.cycle = r.cycle AND u.status IN ('queued', 'running'))"},
    Invariant{"failed_has_its_run", "it has failed, and its newest run has not",
              "r.state = 'failed' AND NOT EXISTS (SELECT 1 " ONETAKE_RUNS_OF_R
              "AND u.cycle = r.cycle AND u.status = 'failed')"},
    Invariant{"newest_token_published", "its audio is not what the newest token of its cycle's completed run published",
              "r.media_blob IS NOT NULL AND NOT EXISTS (SELECT 1 " ONETAKE_RUNS_OF_R
              "AND u.cycle = r.media_cycle AND u.status = 'completed' AND u.received_bytes = r.media_bytes "
              "AND r.media_blob = r.id || '-' || u.cycle || '-' || u.token || '-' || r.media_version)"},
};

#undef ONETAKE_RUNS_OF_R

/// Those, and what only one database can say.
template <std::size_t more>
constexpr auto with_those_of_both(const std::array<Invariant, more>& own) {
  std::array<Invariant, invariants_of_both.size() + more> all{};
  std::ranges::copy(own, std::ranges::copy(invariants_of_both, all.begin()).out);
  return all;
}

inline constexpr std::string_view ready_is_held = "ready_is_held";
inline constexpr std::string_view is_not_held = "it is ready, and no node has its file and no copy is durable";

}  // namespace onetake::ledger
