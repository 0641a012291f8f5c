#pragma once

#include <filesystem>
#include <optional>

#include "app/address.hpp"

namespace onetake::app {

struct DemoOptions {
  Address listen{.host = "127.0.0.1", .port = 8080};
  std::optional<std::filesystem::path> data_dir;  ///< nothing: the demo's own
};

/// Everything in one process, with sample calls at a provider of its own, until it has drained. Returns the exit
/// status.
int demo(const DemoOptions& options);

}  // namespace onetake::app
