#include "base/clock.hpp"

#include <array>
#include <cstdio>

namespace onetake {
namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 7> weekdays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// Reads exactly `digits` decimal digits off the front.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<WallTime> assemble(int y, int mo, int d, int h, int mi, int s, milliseconds rest) {
  const year_month_day date{year{y}, month{static_cast<unsigned>(mo)}, day{static_cast<unsigned>(d)}};
  if (!date.ok() || h > 23 || mi > 59 || s > 60) return std::nullopt;
  return WallTime{sys_days{date}} + hours{h} + minutes{mi} + seconds{s} + rest;
}

/// Nothing for what four digits of a year cannot say.
std::optional<WallTime> printable(WallTime time) {
  constexpr sys_days first{year{0} / 1 / 1};
  constexpr sys_days end{year{10'000} / 1 / 1};
  return time >= first && time < end ? std::optional{time} : std::nullopt;
}

}  // namespace

WallTime wall_now() { return floor<milliseconds>(system_clock::now()); }

std::string rfc3339(WallTime time) {
  const auto days = floor<std::chrono::days>(time);
  const year_month_day date{days};
  const hh_mm_ss clock{time - days};
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", int{date.year()},
                unsigned{date.month()}, unsigned{date.day()}, static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
                static_cast<int>(clock.subseconds().count()));
  return text.data();
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  const auto y = take_number(text, 4);
  if (!y || !take(text, '-')) return std::nullopt;
  const auto mo = take_number(text, 2);
  if (!mo || !take(text, '-')) return std::nullopt;
  const auto d = take_number(text, 2);
  if (!d || text.empty() || (text.front() != 'T' && text.front() != 't' && text.front() != ' ')) return std::nullopt;
  text.remove_prefix(1);
  const auto h = take_number(text, 2);
  if (!h || !take(text, ':')) return std::nullopt;
  const auto mi = take_number(text, 2);
  if (!mi || !take(text, ':')) return std::nullopt;
  const auto s = take_number(text, 2);
  if (!s) return std::nullopt;

  milliseconds rest{0};
  if (take(text, '.')) {
    int scale = 100;
    std::size_t digits = 0;
    for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits, scale /= 10)
      rest += milliseconds{scale * (text[digits] - '0')};
    if (digits == 0) return std::nullopt;
    text.remove_prefix(digits);
  }

  const auto local = assemble(*y, *mo, *d, *h, *mi, *s, rest);
  if (!local) return std::nullopt;
  if (text == "Z" || text == "z") return printable(*local);
  if (text.empty() || (text.front() != '+' && text.front() != '-')) return std::nullopt;
  const int sign = text.front() == '+' ? 1 : -1;
  text.remove_prefix(1);
  const auto oh = take_number(text, 2);
  if (!oh || !take(text, ':')) return std::nullopt;
  const auto om = take_number(text, 2);
  if (!om || !text.empty() || *oh > 23 || *om > 59) return std::nullopt;
  return printable(*local - sign * (hours{*oh} + minutes{*om}));
}

std::string http_date(WallTime time) {
  const auto days = floor<std::chrono::days>(time);
  const year_month_day date{days};
  const hh_mm_ss clock{floor<seconds>(time - days)};
  std::string text =
      "Sun, 00 Jan 0000 00:00:00 GMT";  // every answer has one or two: printf would cost more than the rest
  const auto digits = [&text](std::size_t at, std::size_t count, unsigned number) {
    for (; count > 0; --count, number /= 10) text[at + count - 1] = static_cast<char>('0' + number % 10);
  };
  weekdays.at(weekday{days}.c_encoding()).copy(text.data(), 3);
  digits(5, 2, unsigned{date.day()});
  months.at(unsigned{date.month()} - 1).copy(text.data() + 8, 3);
  digits(12, 4, static_cast<unsigned>(int{date.year()}));
  digits(17, 2, static_cast<unsigned>(clock.hours().count()));
  digits(20, 2, static_cast<unsigned>(clock.minutes().count()));
  digits(23, 2, static_cast<unsigned>(clock.seconds().count()));
  return text;
}

namespace {

/// Takes one of `names`, or its first `letters`, off the front; tells which.
template <std::size_t N>
std::optional<int> take_name(std::string_view& text, const std::array<std::string_view, N>& names,
                             std::size_t letters = std::string_view::npos) {
  for (std::size_t i = 0; i < N; ++i) {
    const auto name = names[i].substr(0, letters);
    if (!text.starts_with(name)) continue;
    text.remove_prefix(name.size());
    return static_cast<int>(i);
  }
  return std::nullopt;
}

bool take(std::string_view& text, std::string_view words) {
  if (!text.starts_with(words)) return false;
  text.remove_prefix(words.size());
  return true;
}

/// The date's parts as they are found; what does not fit ends the reading.
struct DateReader {
  std::string_view text;
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0;

  bool number(int& to, std::size_t digits) {
    const auto value = take_number(text, digits);
    to = value.value_or(0);
    return value.has_value();
  }
  bool month() {
    const auto found = take_name(text, months);
    mo = found.value_or(0) + 1;
    return found.has_value();
  }
  bool clock() { return number(h, 2) && take(text, ':') && number(mi, 2) && take(text, ':') && number(s, 2); }

  bool imf_fixdate() {
    return take_name(text, weekdays, 3) && take(text, ", ") && number(d, 2) && take(text, ' ') && month() &&
           take(text, ' ') && number(y, 4) && take(text, ' ') && clock() && text == " GMT";
  }
  bool rfc850() {
    if (!(take_name(text, weekdays) && take(text, ", ") && number(d, 2) && take(text, '-') && month() &&
          take(text, '-') && number(y, 2) && take(text, ' ') && clock() && text == " GMT"))
      return false;
    const int now = int{year_month_day{floor<days>(wall_now())}.year()};
    y += now - now % 100;
    if (y > now + 50) y -= 100;
    if (y <= now - 50) y += 100;
    return true;
  }
  bool asctime() {
    return take_name(text, weekdays, 3) && take(text, ' ') && month() && take(text, ' ') &&
           (take(text, ' ') ? number(d, 1) : number(d, 2)) && take(text, ' ') && clock() && take(text, ' ') &&
           number(y, 4) && text.empty();
  }
};

}  // namespace

std::optional<WallTime> parse_http_date(std::string_view text) {
  for (const auto form : {&DateReader::imf_fixdate, &DateReader::rfc850, &DateReader::asctime}) {
    DateReader date{text};
    if ((date.*form)()) return assemble(date.y, date.mo, date.d, date.h, date.mi, date.s, {});
  }
  return std::nullopt;
}

}  // namespace onetake
