#include "base/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <memory>
#include <string>

#include "base/clock.hpp"

namespace onetake::log {
namespace {

std::atomic<Format> chosen{Format::text};

spdlog::level::level_enum level_of(Level level) {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warn: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

spdlog::logger& sink() {
  static const auto logger = [] {
    auto made = std::make_shared<spdlog::logger>("onetake", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->set_level(spdlog::level::warn);
    return made;
  }();
  return *logger;
}

constexpr std::array<std::string_view, 4> names{"debug", "info", "warn", "error"};
std::string_view name_of(Level level) { return names.at(static_cast<std::size_t>(level)); }

void append_json(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\u%04x", byte);
      out += escape.data();
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_value(std::string& out, const Field& field, bool quoted) {
  if (const auto* text = std::get_if<std::string_view>(&field.value)) {
    if (quoted || text->find_first_of(" \"\n") != std::string_view::npos) {
      append_json(out, *text);
    } else {
      out += *text;
    }
  } else if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
    out += std::to_string(*number);
  } else if (const auto* real = std::get_if<double>(&field.value)) {
    std::array<char, 32> digits{};
    std::snprintf(digits.data(), digits.size(), "%.6g", *real);
    out += digits.data();
  } else {
    out += std::get<bool>(field.value) ? "true" : "false";
  }
}

std::string as_json(Level level, std::string_view event, std::string_view message,
                    std::initializer_list<Field> fields) {
  std::string line = R"({"time":")" + rfc3339(wall_now()) + R"(","level":")";
  line += name_of(level);
  line += R"(","event":)";
  append_json(line, event);
  line += R"(,"message":)";
  append_json(line, message);
  for (const auto& field : fields) {
    line += ',';
    append_json(line, field.key);
    line += ':';
    append_value(line, field, true);
  }
  line += '}';
  return line;
}

std::string as_text(Level level, std::string_view event, std::string_view message,
                    std::initializer_list<Field> fields) {
  std::string line = rfc3339(wall_now()) + ' ';
  line += name_of(level);
  line += ' ';
  line += event;
  line += ": ";
  line += message;
  for (const auto& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    append_value(line, field, false);
  }
  return line;
}

}  // namespace

void start(Level level, Format format) {
  chosen = format;
  sink().set_level(level_of(level));
}

bool enabled(Level level) { return sink().should_log(level_of(level)); }

void write(Level level, std::string_view event, std::string_view message, std::initializer_list<Field> fields) {
  if (!enabled(level)) return;
  const auto line =
      chosen == Format::json ? as_json(level, event, message, fields) : as_text(level, event, message, fields);
  sink().log(level_of(level), spdlog::string_view_t{line.data(), line.size()});
}

}  // namespace onetake::log
