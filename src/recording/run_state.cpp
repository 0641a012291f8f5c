#include "recording/run_state.hpp"

#include <array>
#include <utility>

namespace onetake {
namespace {

template <class E, std::size_t N>
using Names = std::array<std::pair<E, std::string_view>, N>;

constexpr Names<State, 5> states{{{State::remote, "remote"},
                                  {State::fetching, "fetching"},
                                  {State::ready, "ready"},
                                  {State::failed, "failed"},
                                  {State::gone, "gone"}}};
constexpr Names<RunStatus, 5> statuses{{{RunStatus::queued, "queued"},
                                        {RunStatus::running, "running"},
                                        {RunStatus::completed, "completed"},
                                        {RunStatus::failed, "failed"},
                                        {RunStatus::cancelled, "cancelled"}}};
constexpr Names<Reason, 4> reasons{{{Reason::queued, "queued"},
                                    {Reason::not_ready, "not_ready"},
                                    {Reason::throttled, "throttled"},
                                    {Reason::retrying, "retrying"}}};

template <class E, std::size_t N>
std::string_view name_in(const Names<E, N>& names, E value) {
  for (const auto& [each, text] : names)
    if (each == value) return text;
  return {};
}

template <class E, std::size_t N>
std::optional<E> named_in(const Names<E, N>& names, std::string_view text) {
  for (const auto& [each, name] : names)
    if (name == text) return each;
  return std::nullopt;
}

}  // namespace

std::string_view name(State state) { return name_in(states, state); }
std::string_view name(RunStatus status) { return name_in(statuses, status); }
std::string_view name(Reason reason) { return name_in(reasons, reason); }
std::optional<State> state_named(std::string_view text) { return named_in(states, text); }
std::optional<RunStatus> run_status_named(std::string_view text) { return named_in(statuses, text); }
std::optional<Reason> reason_named(std::string_view text) { return named_in(reasons, text); }

}  // namespace onetake
