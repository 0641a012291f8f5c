#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "app/settings.hpp"

/// The commands that end by themselves. What was asked for goes to stdout, what went wrong to stderr, a line each. They
/// return the exit status: 0, 1 when it went wrong, 2 when what was typed cannot be meant.
namespace onetake::app {

/// Reaches every dependency that the configuration names. A line a dependency that is fine, a line a fault.
int check(const Settings& settings);

struct SignOptions {
  std::string tenant;
  std::string call_sid;
  std::string ttl = "5m";
  std::optional<std::string> path;  ///< nothing: the call's stream
};
/// Prints the path and the query that opens it.
int sign(const Settings& settings, const SignOptions& options);

/// Tab-separated, the columns' names first; NULL is empty; tabs, line ends and backslashes in values are \t \n \r \\.
int query(const Settings& settings, const std::string& sql);

/// A line a violation, `invariant: subject: what is wrong`, and at last what was looked at; or all of it as JSON.
int verify(const Settings& settings, bool json);

/// Prints the version of the schema.
int migrate(const Settings& settings);

struct MoveOptions {
  std::string from;                               ///< sqlite:FILE
  std::string to;                                 ///< postgresql://…
  std::optional<std::filesystem::path> data_dir;  ///< of the source; nothing: the folder of FILE
};
/// `migrate --from --to`: copies everything to another database, whose server then goes on in the same data directory.
/// Prints how much, and what to do with it.
int move(const MoveOptions& options);

}  // namespace onetake::app
