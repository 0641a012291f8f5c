#pragma once

#include <string>

#include "base/units.hpp"

namespace onetake::durable {

/// SHA-256, in lower case hex, of a range of a file. Blocks. Throws std::system_error when it cannot be read, also
/// where it is shorter.
std::string sha256_of(int file, Bytes offset, Bytes size);

}  // namespace onetake::durable
