#include "media/markup.hpp"

#include <algorithm>
#include <string>

namespace onetake::media {
namespace {

bool blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool digit(char c) { return c >= '0' && c <= '9'; }

/// "<!doctype", "<!--", "<?xml", "<html>", "<Error ", "<ns:tag ": a name and what may end one.
bool begins_tag(std::string_view text) {
  if (text.size() < 3 || text[0] != '<') return false;
  if (text.starts_with("<!--")) return true;
  std::size_t at = text[1] == '!' || text[1] == '?' || text[1] == '/' ? 2 : 1;
  const auto name = at;
  while (at < text.size() &&
         (letter(text[at]) || (at > name && (digit(text[at]) || text[at] == '-' || text[at] == ':'))))
    ++at;
  const auto length = at - name;
  if (length == 0) return false;
  if (at == text.size()) return length >= 2;
  return text[at] == '>' || text[at] == '/' || (blank(text[at]) && length >= 2);
}

/// UTF-8 (a character may be cut at the end) without control characters. Speech in any raw format is not.
bool all_text(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80) {
      if ((byte < 0x20 && !blank(text[i])) || byte == 0x7F) return false;
      ++i;
      continue;
    }
    const std::size_t more = byte >= 0xC2 && byte <= 0xDF   ? 1
                             : byte >> 4 == 0xE             ? 2
                             : byte >= 0xF0 && byte <= 0xF4 ? 3
                                                            : 0;
    if (more == 0) return false;
    const auto rest = text.substr(i + 1, more);
    if (std::ranges::any_of(rest, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; })) return false;
    i += 1 + more;
  }
  return true;
}

bool begins_json(std::string_view text) {
  if (text.empty() || (text.front() != '{' && text.front() != '[')) return false;
  auto inside = text.substr(1);
  while (!inside.empty() && blank(inside.front())) inside.remove_prefix(1);
  if (inside.empty()) return true;
  const char next = inside.front();
  if (text.front() == '{') return next == '"' || next == '}';
  return next == '{' || next == '[' || next == ']' || next == '"' || next == '-' || digit(next) || letter(next);
}

/// UTF-16 as the bytes that matter here. `text` unchanged when it is none.
std::string narrowed(std::string_view text) {
  const bool big = text.starts_with("\xFE\xFF") || (text.size() >= 2 && text[0] == '\0' && text[1] != '\0');
  const bool little = text.starts_with("\xFF\xFE") || (text.size() >= 2 && text[0] != '\0' && text[1] == '\0');
  if (!big && !little) return std::string{text};
  std::string made;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    const char high = text[big ? i : i + 1];
    const char low = text[big ? i + 1 : i];
    if (high == '\0')
      made += low;
    else if (i > 0)
      made += "\xC2\xA0";  // some other character: text, but none of ours
  }
  return made;
}

}  // namespace

bool is_markup(Span first) {
  const auto plain = narrowed(text(first));
  std::string_view rest = plain;
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
  while (!rest.empty() && blank(rest.front())) rest.remove_prefix(1);
  return begins_tag(rest) || (begins_json(rest) && all_text(rest));
}

}  // namespace onetake::media
