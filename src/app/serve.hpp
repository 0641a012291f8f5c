#pragma once

#include "app/settings.hpp"

namespace onetake::app {

/// The server, until it has drained. Returns the exit status. REQUIRES: `log::start` has been called.
int serve(const Settings& settings);

}  // namespace onetake::app
