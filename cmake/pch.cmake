# onetake_headers(TARGET KIND [OPTION…])
#
# TARGET compiles with the headers that most sources begin with parsed once for all targets of its KIND: a second or two
# a source less. All of a KIND have the same options. Sources still include what they use: script/lint parses them
# without this.
set(ONETAKE_HEADERS
  <algorithm> <array> <atomic> <chrono> <condition_variable> <deque> <expected> <filesystem> <functional> <map> <memory>
  <mutex> <optional> <set> <string> <string_view> <thread> <unordered_map> <utility> <variant> <vector>
  <boost/asio/awaitable.hpp> <boost/asio/co_spawn.hpp> <boost/asio/detached.hpp> <boost/asio/executor_work_guard.hpp>
  <boost/asio/io_context.hpp> <boost/asio/post.hpp> <boost/asio/steady_timer.hpp> <boost/asio/this_coro.hpp>
  <boost/asio/use_awaitable.hpp>)

function(onetake_headers target kind)
  target_compile_options(${target} PRIVATE ${ARGN})
  # GCC 12 would forget that they are the system's, and warn of what it wrongly takes them to do.
  set(headers ${ONETAKE_HEADERS})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    set(headers "")
  endif()
  if(kind STREQUAL "test")
    list(APPEND headers <gmock/gmock.h> <gtest/gtest.h>)
  endif()
  if(NOT ONETAKE_PCH OR NOT headers)
    return()
  endif()
  if(NOT TARGET onetake_${kind}_pch)
    file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/${kind}_pch.cpp CONTENT "")
    add_library(onetake_${kind}_pch OBJECT ${CMAKE_BINARY_DIR}/${kind}_pch.cpp)
    target_precompile_headers(onetake_${kind}_pch PRIVATE ${headers})
    if(kind STREQUAL "test")
      target_link_libraries(onetake_${kind}_pch PRIVATE GTest::gmock)
    endif()
    target_compile_options(onetake_${kind}_pch PRIVATE ${ARGN}
      $<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>)
  endif()
  target_precompile_headers(${target} REUSE_FROM onetake_${kind}_pch)
  # What ccache needs to know a precompiled header again.
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
endfunction()
