#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <variant>

/// One line a fact, on stderr, as JSON or text. Never a credential, never a source URL's query.
namespace onetake::log {

enum class Level { debug, info, warn, error };
enum class Format { json, text };

struct Field {
  std::string_view key;
  std::variant<std::string_view, std::int64_t, double, bool> value;

  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(std::string_view{v}) {}
  Field(std::string_view k, bool v) : key(k), value(v) {}
  Field(std::string_view k, double v) : key(k), value(v) {}
  template <class Int>
    requires std::is_integral_v<Int>
  Field(std::string_view k, Int v) : key(k), value(static_cast<std::int64_t>(v)) {}
};

/// Before `start` the level is `warn` and the format text. Call it once, before other threads run.
void start(Level level, Format format);

[[nodiscard]] bool enabled(Level level);

/// Any thread. `event` is one of contract section 6 where it is about a run ("run.created"), else "area.what".
void write(Level level, std::string_view event, std::string_view message, std::initializer_list<Field> fields = {});

inline void debug(std::string_view event, std::string_view message, std::initializer_list<Field> fields = {}) {
  if (enabled(Level::debug)) write(Level::debug, event, message, fields);
}
inline void info(std::string_view event, std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::info, event, message, fields);
}
inline void warn(std::string_view event, std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::warn, event, message, fields);
}
inline void error(std::string_view event, std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::error, event, message, fields);
}

}  // namespace onetake::log
