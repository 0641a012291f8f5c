#include "recording/run_state.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <string>
#include <utility>

#include "recording/cause.hpp"

namespace onetake {
namespace {

constexpr RunStatus all[] = {RunStatus::queued, RunStatus::running, RunStatus::completed, RunStatus::failed,
                             RunStatus::cancelled};

TEST(RunState, WhatHasEndedStaysEnded) {
  for (const auto from : all)
    for (const auto to : all)
      if (!active(from)) EXPECT_FALSE(may_become(from, to)) << name(from) << " to " << name(to);
}

TEST(RunState, OnlyARunningRunCompletes) {
  for (const auto from : all) EXPECT_EQ(may_become(from, RunStatus::completed), from == RunStatus::running);
}

TEST(RunState, ThePageOfStatesHasTheSameTransitions) {
  using Edges = std::set<std::pair<std::string, std::string>>;
  Edges in_code;
  for (const auto from : all)
    for (const auto to : all)
      if (may_become(from, to)) in_code.emplace(name(from), name(to));

  std::ifstream file{ONETAKE_DOCS "/states.md"};
  const std::string page{std::istreambuf_iterator<char>{file}, {}};
  const auto runs = page.substr(0, page.find("## A recording"));
  const auto edges_of = [&runs](const std::regex& form) {
    Edges edges;
    for (std::sregex_iterator it{runs.begin(), runs.end(), form}, end; it != end; ++it)
      edges.emplace((*it)[1].str(), (*it)[2].str());
    return edges;
  };
  EXPECT_EQ(edges_of(std::regex{R"(\n\| `(\w+)` \| `(\w+)` \|)"}), in_code) << "the table of docs/states.md";
  EXPECT_EQ(edges_of(std::regex{R"(\n  (\w+) --> (\w+): )"}), in_code) << "the diagram of docs/states.md";
}

TEST(RunState, NamesGoBothWays) {
  for (const auto status : all) EXPECT_EQ(run_status_named(name(status)), status);
  for (const auto state : {State::remote, State::fetching, State::ready, State::failed, State::gone})
    EXPECT_EQ(state_named(name(state)), state);
  EXPECT_EQ(state_named("Ready"), std::nullopt);
}

TEST(Cause, EveryCauseHasANameOfItsOwn) {
  for (int i = 0; i <= static_cast<int>(Cause::internal); ++i) {
    const auto cause = static_cast<Cause>(i);
    EXPECT_FALSE(name(cause).empty());
    EXPECT_EQ(cause_named(name(cause)), cause);
  }
}

}  // namespace
}  // namespace onetake
