#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/temp_folder.hpp"

namespace onetake::app {

inline std::filesystem::path write(const TempFolder& folder, const std::string& name, std::string_view text) {
  std::ofstream{folder.path() / name, std::ios::binary} << text;
  return folder.path() / name;
}

}  // namespace onetake::app
