#pragma once

#include <expected>
#include <string>
#include <utility>

namespace onetake {

/// Every outcome that depends on input or on a provider and that someone outside may be told about.
/// A closed set: `http/problem.cpp` gives each its status, title and advice, and nothing else knows statuses.
enum class Fault {
  bad_request,
  bad_call_sid,
  bad_body,
  unauthorized,
  forbidden,
  misdirected,
  recording_not_found,
  run_not_found,
  run_ended,
  route_not_found,
  method_not_allowed,
  not_implemented,
  explicit_user_action_required,
  recording_gone,
  source_not_allowed,
  fetch_failed,
  too_many_retries,
  no_worker,
  no_space,
  precondition_failed,
  range_not_satisfiable,
  payload_too_large,
  unsupported_media_type,
  header_too_large,
  request_timeout,
  draining,
  unavailable,
  internal,
};

/// What went wrong and, for a person, what it was about; never a secret, never a source URL with credentials.
struct Failure {
  Fault fault;
  std::string detail = {};
};

/// A dependency that is down throws; an outcome that depends on input is a `result`.
template <class T>
using result = std::expected<T, Failure>;

inline std::unexpected<Failure> failed(Fault fault, std::string detail = {}) {
  return std::unexpected(Failure{fault, std::move(detail)});
}

}  // namespace onetake
