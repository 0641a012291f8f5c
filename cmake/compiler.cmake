# Packages, warnings, hardening and sanitizers. Debian 12: GCC 12.2, or clang 19 with the same libstdc++.

find_package(Threads REQUIRED)
find_package(Boost 1.81.0 EXACT REQUIRED CONFIG COMPONENTS url json)
find_package(OpenSSL 3 REQUIRED)
find_package(CURL REQUIRED)
find_package(pugixml REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(PostgreSQL 13 REQUIRED)
find_library(HIREDIS_LIBRARY hiredis REQUIRED)
find_package(spdlog REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(CLI11 REQUIRED)
find_package(GTest REQUIRED)

find_program(CCACHE ccache)
if(CCACHE)
  # ccache takes sources with a precompiled header only if told that macros before it do not matter.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()

# Asio and Beast are compiled once: src/base/asio_impl.cpp and the sources of http/ that say so.
add_compile_definitions(BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
                        BOOST_ASIO_DISABLE_BOOST_ARRAY _FILE_OFFSET_BITS=64)

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(
    -Wno-mismatched-new-delete  # GCC 12 takes a coroutine frame's own operator delete for a mismatch
    -Wno-restrict)              # GCC 12 bug 105651: false in std::string's operator+
endif()
if(ONETAKE_WERROR)
  add_compile_options(-Werror)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_definitions(_FORTIFY_SOURCE=2)
  add_compile_options(-fstack-protector-strong)
  add_link_options(-Wl,-z,relro,-z,now)
else()
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
endif()

if(ONETAKE_SANITIZE)
  add_compile_options(-fsanitize=${ONETAKE_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${ONETAKE_SANITIZE})
endif()
