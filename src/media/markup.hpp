#pragma once

#include "media/bytes.hpp"

namespace onetake::media {

/// Do these first bytes begin an HTML, XML or JSON document, in UTF-8, a one-byte code or UTF-16? Raw samples do not,
/// but by a chance far below that of a broken disk: a lone "<" or "{" is not enough.
bool is_markup(Span first);

}  // namespace onetake::media
