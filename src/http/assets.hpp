#pragma once

#include <span>
#include <string_view>

namespace onetake::http {

/// One file of the console, inside the binary. Everything lives as long as the process.
struct Asset {
  std::string_view path;          ///< from the root, "/index.html"; the console's other pages are routes within it
  std::string_view content_type;  ///< with its charset
  std::string_view bytes;
  std::string_view etag;  ///< strong, quoted, from the SHA-256 of `bytes`
};

/// Every file of the console, sorted by path; "/index.html" is always among them. Any thread.
/// Written by cmake/embed.cmake: the built console, or one page that says how to build it.
std::span<const Asset> console_assets();

}  // namespace onetake::http
