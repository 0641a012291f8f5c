#pragma once

#include <boost/json/value.hpp>
#include <string_view>

#include "base/result.hpp"
#include "recording/recording.hpp"
#include "run/flight.hpp"

/// What the API says of things, and what it understands of them: contract section 4. Unknown fields are ignored on the
/// way in; on the way out what is not known is null or "".
namespace onetake::http {

boost::json::object json_of(const Run& run);
/// `run` newer than the ledger's where a flight is under way.
boost::json::object json_of(const Recording& recording);
/// The body of a 202.
boost::json::object json_of(const run::Flight::View& view);
/// The data of a `run` event.
boost::json::object progress_of(const run::Flight::View& view);

/// Errors: `bad_body` naming the field.
result<Registration> registration_of(std::string_view body);

}  // namespace onetake::http
