#include "base/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>

#include "base/clock.hpp"

namespace onetake::log {
namespace {

std::atomic<Format> chosen{Format::text};

spdlog::level::level_enum level_of(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
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

/// How many bytes the first character of `text` has in UTF-8; 0 when it is none (Unicode 15, table 3-7).
std::size_t utf8_length(std::string_view text) {
  const auto at = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto within = [&at](std::size_t i, unsigned least, unsigned most) { return at(i) >= least && at(i) <= most; };
  const unsigned lead = at(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return within(1, 0x80, 0xbf) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef)
    return within(1, lead == 0xe0 ? 0xa0 : 0x80, lead == 0xed ? 0x9f : 0xbf) && within(2, 0x80, 0xbf) ? 3 : 0;
  if (lead >= 0xf0 && lead <= 0xf4)
    return within(1, lead == 0xf0 ? 0x90 : 0x80, lead == 0xf4 ? 0x8f : 0xbf) && within(2, 0x80, 0xbf) &&
                   within(3, 0x80, 0xbf)
               ? 4
               : 0;
  return 0;
}

/// What a JSON string holds for `text`. What providers and clients send need not be UTF-8, a line of log must.
void append_escaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto length = utf8_length(text);
    const auto byte = static_cast<unsigned char>(text.front());
    if (length == 0) {
      out += "\\ufffd";
    } else if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text.front();
    } else if (byte < 0x20) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\u%04x", byte);
      out += escape.data();
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
}

void append_json(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text);
  out += '"';
}

bool plain(char c) { return static_cast<unsigned char>(c) > 0x20 && c != '"' && c != '\\' && c != 0x7f; }

void append_value(std::string& out, const Field& field, bool quoted) {
  if (const auto* text = std::get_if<std::string_view>(&field.value)) {
    if (quoted || text->empty() || !std::ranges::all_of(*text, plain)) {
      append_json(out, *text);
    } else {
      append_escaped(out, *text);
    }
  } else if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
    out += std::to_string(*number);
  } else if (const auto* real = std::get_if<double>(&field.value)) {
    std::array<char, 32> digits{};
    std::snprintf(digits.data(), digits.size(), "%.6g", *real);
    out += std::isfinite(*real) ? digits.data() : "null";
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
  append_escaped(line, message);  // one line, whatever it holds
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
