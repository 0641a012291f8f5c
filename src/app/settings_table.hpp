#pragma once

#include <span>
#include <string_view>

#include "app/settings_value.hpp"

/// The one table of everything that can be configured. The file is read by it, errors name its keys, and the
/// documentation is printed from it.
namespace onetake::app {

/// Where a row writes to: the innermost of the tables that the reader is in.
struct Scope {
  Settings& settings;
  Settings::Tenant* tenant = nullptr;
  tenant::UrlKey* url_key = nullptr;
  provider::Settings* provider = nullptr;
};

enum class Need {
  optional,
  required,  ///< wherever its section stands
  later,     ///< the contract has it, this build does not: an error, never ignored
};

struct Row {
  std::string_view section;   ///< "fetch", "tenant.provider"
  std::string_view name;      ///< "lease"
  std::string_view form;      ///< unit or type
  std::string_view fallback;  ///< the default as the file would have it; "" for none
  std::string_view help;
  Need need;
  /// Reads and checks one value; nothing when it is fine. Null for `later`.
  Problem (*set)(Scope&, const Value&);
};

struct Section {
  std::string_view name;
  std::string_view title;  ///< as the file has it: "[fetch]", "[[tenant]]"
  std::string_view help;
};

/// Parents before children; the rows of a section stand together.
std::span<const Section> sections();
std::span<const Row> rows();

}  // namespace onetake::app
