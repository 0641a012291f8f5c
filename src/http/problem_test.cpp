#include "http/problem.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <fstream>
#include <iterator>
#include <set>

namespace onetake::http {
namespace {

using testing::HasSubstr;
using testing::Not;

/// `Fault` is closed: the last one tells how many there are.
constexpr int faults = static_cast<int>(Fault::internal) + 1;

boost::json::object body_of(const Answer& answer) {
  return boost::json::parse(std::get<std::string>(answer.body)).as_object();
}

TEST(Problem, EveryFaultHasARowOfItsOwn) {
  std::set<std::string_view> codes;
  for (int i = 0; i < faults; ++i) {
    const auto fault = static_cast<Fault>(i);
    codes.insert(code_of(fault));
    const auto answer = problem({.fault = fault});
    EXPECT_GE(answer.status, 400) << i;
    EXPECT_NE(reason_phrase(answer.status), "Status") << answer.status << " has no phrase";
  }
  EXPECT_EQ(codes.size(), static_cast<std::size_t>(faults));
}

TEST(Problem, IsWhatRfc9457Says) {
  const auto answer = problem({.fault = Fault::recording_not_found});
  EXPECT_EQ(answer.status, 404);
  EXPECT_THAT(answer.fields, HasSubstr("Content-Type: application/problem+json\r\n"));
  EXPECT_THAT(answer.fields, HasSubstr("Cache-Control: no-store\r\n"));
  EXPECT_THAT(answer.fields, Not(HasSubstr("Retry-After")));
  EXPECT_THAT(answer.fields, Not(HasSubstr("WWW-Authenticate")));
  const auto body = body_of(answer);
  EXPECT_EQ(body.at("type"), "/problems/recording_not_found");
  EXPECT_EQ(body.at("code"), "recording_not_found");
  EXPECT_EQ(body.at("status"), 404);
  EXPECT_FALSE(body.at("title").as_string().empty());
  EXPECT_FALSE(body.at("detail").as_string().empty()) << "the row's advice";
  EXPECT_FALSE(body.contains("provider_status"));
}

// Contract sections 4 and 5.
TEST(Problem, HasTheContractsStatuses) {
  const auto status = [](Fault fault) { return problem({.fault = fault}).status; };
  EXPECT_EQ(status(Fault::bad_call_sid), 400);
  EXPECT_EQ(status(Fault::explicit_user_action_required), 400);
  EXPECT_EQ(status(Fault::unauthorized), 401);
  EXPECT_EQ(status(Fault::forbidden), 403);
  EXPECT_EQ(status(Fault::method_not_allowed), 405);
  EXPECT_EQ(status(Fault::run_ended), 409);
  EXPECT_EQ(status(Fault::recording_gone), 410);
  EXPECT_EQ(status(Fault::precondition_failed), 412);
  EXPECT_EQ(status(Fault::range_not_satisfiable), 416);
  EXPECT_EQ(status(Fault::misdirected), 421);
  EXPECT_EQ(status(Fault::source_not_allowed), 422);
  EXPECT_EQ(status(Fault::too_many_retries), 429);
  EXPECT_EQ(status(Fault::fetch_failed), 500);
  EXPECT_EQ(status(Fault::no_worker), 500);
  EXPECT_EQ(status(Fault::not_implemented), 501);
  EXPECT_EQ(status(Fault::no_space), 503);
}

TEST(Problem, SaysWhatItWasAbout) {
  const auto answer =
      problem({.fault = Fault::fetch_failed, .detail = "gone \"for good\"\n"}, {.provider_status = 502});
  EXPECT_EQ(body_of(answer).at("detail"), "gone \"for good\"\n");
  EXPECT_EQ(body_of(answer).at("provider_status"), 502);
}

TEST(Problem, RetryAfterIsInWholeSecondsAndNeverTooEarly) {
  const auto fields = [](milliseconds after) {
    return problem({.fault = Fault::fetch_failed}, {.retry_after = after}).fields;
  };
  EXPECT_THAT(fields(milliseconds{30'000}), HasSubstr("Retry-After: 30\r\n"));
  EXPECT_THAT(fields(milliseconds{29'001}), HasSubstr("Retry-After: 30\r\n"));
  EXPECT_THAT(fields(milliseconds{1}), HasSubstr("Retry-After: 1\r\n"));
  EXPECT_THAT(fields(milliseconds{0}), HasSubstr("Retry-After: 0\r\n"));
  EXPECT_THAT(fields(milliseconds{-5'000}), HasSubstr("Retry-After: 0\r\n"));
}

TEST(Problem, UnauthorizedSaysHowToAskForMore) {
  EXPECT_THAT(problem({.fault = Fault::unauthorized}).fields, HasSubstr("WWW-Authenticate: Bearer\r\n"));
}

TEST(Problem, ThePageOfErrorsIsUpToDate) {
  std::ifstream file{ONETAKE_DOCS "/errors.md"};
  const std::string page{std::istreambuf_iterator<char>{file}, {}};
  EXPECT_EQ(page, errors_page()) << "docs/errors.md is printed from src/http/problem.cpp";
}

}  // namespace
}  // namespace onetake::http
