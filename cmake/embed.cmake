# cmake -D PAGES=folder -D OUTPUT=assets.cpp -P embed.cmake
#
# Writes a C++ source that holds every file of PAGES, as src/http/assets.hpp declares them. The assembler reads the files
# (.incbin), so their size costs no compile time. The digest in the text makes the source differ when a file does.

cmake_minimum_required(VERSION 3.25)

set(types
  html=text/html:charset=utf-8 js=text/javascript:charset=utf-8 css=text/css:charset=utf-8 json=application/json
  map=application/json webmanifest=application/manifest+json svg=image/svg+xml png=image/png ico=image/x-icon
  webp=image/webp woff2=font/woff2 txt=text/plain:charset=utf-8 wasm=application/wasm)

file(GLOB_RECURSE files LIST_DIRECTORIES false RELATIVE ${PAGES} ${PAGES}/*)
list(SORT files)
if(NOT "index.html" IN_LIST files)
  message(FATAL_ERROR "${PAGES} has no index.html")
endif()

set(data "")
set(symbols "")
set(rows "")
set(count 0)
foreach(file IN LISTS files)
  string(REGEX REPLACE ".*\\." "" extension ${file})
  set(type application/octet-stream)
  foreach(row IN LISTS types)
    if(row MATCHES "^${extension}=(.*)$")
      string(REPLACE ":" "; " type ${CMAKE_MATCH_1})
    endif()
  endforeach()
  file(SHA256 ${PAGES}/${file} digest)
  file(SIZE ${PAGES}/${file} size)
  string(SUBSTRING ${digest} 0 16 etag)
  string(APPEND data "    \"asset_${count}: .incbin \\\"${PAGES}/${file}\\\"\\n\"  // ${digest}\n")
  string(APPEND symbols "extern const char asset_${count}[] __asm__(\"asset_${count}\");\n")
  string(APPEND rows "    {\"/${file}\", \"${type}\", std::string_view(asset_${count}, ${size}), \"\\\"${etag}\\\"\"},\n")
  math(EXPR count "${count} + 1")
endforeach()

set(source "// Made by cmake/embed.cmake.
#include \"http/assets.hpp\"

__asm__(
    \".pushsection .rodata\\n\"
${data}    \".popsection\\n\");

${symbols}
namespace onetake::http {

std::span<const Asset> console_assets() {
  static const Asset assets[] = {
${rows}  };
  return assets;
}

}  // namespace onetake::http
")

set(before "")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} before)
endif()
if(NOT before STREQUAL source)
  file(WRITE ${OUTPUT} "${source}")
endif()
