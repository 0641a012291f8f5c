# onetake_test(NAME TARGET [TIMEOUT seconds] [LABELS label…] [FIXTURES fixture] [ENVIRONMENT NAME=value…])
#
# Registers the GoogleTest program TARGET: each case becomes a ctest test NAME/Suite.Case with a process of its own, so
# that a crash or a hang costs one case and cases run side by side.
include(GoogleTest)

# The optimizer takes two thirds of the time of a test with a sanitizer's checks.
set(ONETAKE_TEST_OPTIONS "")
if(ONETAKE_SANITIZE)
  set(ONETAKE_TEST_OPTIONS -O0)
endif()

function(onetake_test name target)
  cmake_parse_arguments(T "" "TIMEOUT;FIXTURES" "LABELS;ENVIRONMENT" ${ARGN})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 60)
  endif()
  if(ONETAKE_SANITIZE)
    math(EXPR T_TIMEOUT "${T_TIMEOUT} * 5")
  endif()
  onetake_headers(${target} test ${ONETAKE_TEST_OPTIONS})
  target_compile_options(${target} PRIVATE -Wno-dangling-else)  # GCC and GoogleTest's macros: if (x) EXPECT_TRUE(y);
  set(fixtures "")
  if(T_FIXTURES)
    set(fixtures FIXTURES_REQUIRED "${T_FIXTURES}")
  endif()
  # Not the tests' property ENVIRONMENT: on its way through gtest_discover_tests a list falls apart into properties.
  set_target_properties(${target} PROPERTIES
    CROSSCOMPILING_EMULATOR "/usr/bin/env;${ONETAKE_TEST_ENVIRONMENT};${T_ENVIRONMENT}")
  gtest_discover_tests(${target}
    TEST_PREFIX ${name}/
    DISCOVERY_MODE PRE_TEST
    DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT ${T_TIMEOUT} LABELS "${name};${T_LABELS}" ${fixtures})
endfunction()

# What every test runs with. A sanitizer's report always fails the test that it came from.
set(ONETAKE_TEST_ENVIRONMENT
  "ONETAKE_POSTGRES=@${CMAKE_BINARY_DIR}/postgres.url"
  "ONETAKE_REDIS=@${CMAKE_BINARY_DIR}/redis.url"
  "ASAN_OPTIONS=strict_string_checks=1:detect_leaks=1"
  "UBSAN_OPTIONS=print_stacktrace=1"
  "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1")
if(ONETAKE_SANITIZE)
  # Without it their reports are addresses.
  find_program(ONETAKE_SYMBOLIZER llvm-symbolizer-19)
  if(ONETAKE_SYMBOLIZER)
    list(TRANSFORM ONETAKE_TEST_ENVIRONMENT APPEND ":external_symbolizer_path=${ONETAKE_SYMBOLIZER}"
         REGEX "^[A-Z]+SAN_OPTIONS=")
  endif()
endif()

# One PostgreSQL for all tests that require the fixture `postgres`; its URL stands in the file that ONETAKE_POSTGRES names.
add_test(NAME postgres/start COMMAND ${CMAKE_SOURCE_DIR}/script/lib/postgres start ${CMAKE_BINARY_DIR}/postgres.url)
add_test(NAME postgres/stop COMMAND ${CMAKE_SOURCE_DIR}/script/lib/postgres stop ${CMAKE_BINARY_DIR}/postgres.url)
set_tests_properties(postgres/start PROPERTIES FIXTURES_SETUP "postgres;servers")
set_tests_properties(postgres/stop PROPERTIES FIXTURES_CLEANUP "postgres;servers")

# The same of Redis, for tests that do nothing to it. Those that stop it start one of their own.
add_test(NAME redis/start COMMAND ${CMAKE_SOURCE_DIR}/script/lib/redis start ${CMAKE_BINARY_DIR}/redis.url)
add_test(NAME redis/stop COMMAND ${CMAKE_SOURCE_DIR}/script/lib/redis stop ${CMAKE_BINARY_DIR}/redis.url)
set_tests_properties(redis/start PROPERTIES FIXTURES_SETUP "redis;servers")
set_tests_properties(redis/stop PROPERTIES FIXTURES_CLEANUP "redis;servers")
