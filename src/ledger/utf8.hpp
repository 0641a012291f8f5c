#pragma once

#include <string>
#include <string_view>

namespace onetake::ledger {

/// What PostgreSQL takes for text: well-formed UTF-8 (RFC 3629) without NUL.
bool is_text(std::string_view bytes);

/// The bytes where they are text, else with a '?' for each that is not ASCII: what somebody else has said, to be read
/// by people.
std::string made_text(std::string_view bytes);

/// The first text, in the order of code points (which is that of the bytes), past all that begin with `prefix`; "" when
/// there is none. REQUIRES: `is_text(prefix)`.
std::string past(std::string prefix);

}  // namespace onetake::ledger
