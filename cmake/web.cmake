# onetake_console: the console's files inside the binary (src/http/assets.hpp).
#
# With ONETAKE_WEB, web/console/dist is built by script/lib/web-build, once for all build folders and only when a source
# of web/ has changed. Without it, or without npm, the console is one page that says how to build it.

if(ONETAKE_WEB)
  find_program(NPM npm HINTS ${CMAKE_SOURCE_DIR}/.tools/bin)
  if(NOT NPM)
    message(WARNING "no npm: the console will be one page that says how to build it (script/bootstrap web)")
  endif()
endif()

set(generated ${CMAKE_BINARY_DIR}/console/assets.cpp)
if(ONETAKE_WEB AND NPM AND EXISTS ${CMAKE_SOURCE_DIR}/web/package.json)
  set(pages ${CMAKE_SOURCE_DIR}/web/console/dist)
  set(build ${CMAKE_SOURCE_DIR}/script/lib/web-build)
else()
  set(pages ${CMAKE_CURRENT_LIST_DIR}/no-console)
  set(build true)
endif()

# Asked at every build, for web-build alone knows whether there is something to do; assets.cpp is rewritten, and
# compiled, only when a page differs.
add_custom_target(onetake_web
  COMMAND ${build}
  COMMAND ${CMAKE_COMMAND} -D PAGES=${pages} -D OUTPUT=${generated} -P ${CMAKE_CURRENT_LIST_DIR}/embed.cmake
  BYPRODUCTS ${generated}
  COMMENT "Console" VERBATIM)

add_library(onetake_console STATIC ${generated})
target_include_directories(onetake_console PUBLIC ${CMAKE_SOURCE_DIR}/src)
add_dependencies(onetake_console onetake_web)
