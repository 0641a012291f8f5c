#include "story/reader.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace onetake::story {
namespace {

bool same_but_case(std::string_view a, std::string_view b) {
  const auto low = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, low, low);
}

Bytes number(std::string_view text, int base) {
  Bytes value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end == text.data()) throw std::runtime_error("not a number: " + std::string{text});
  return value;
}

}  // namespace

std::size_t Reader::take(std::string_view bytes, const Body& body) {
  const auto all = bytes.size();
  while (!bytes.empty() && standing_ != Standing::whole) bytes.remove_prefix(step(bytes, body));
  return all - bytes.size();
}

std::size_t Reader::step(std::string_view bytes, const Body& body) {
  switch (part_) {
    case Part::head:
      return take_head(bytes);
    case Part::until_closed:
      body(bytes);
      return bytes.size();
    case Part::counted:
    case Part::chunk: {
      const auto mine = static_cast<std::size_t>(std::min<Bytes>(left_, bytes.size()));
      body(bytes.substr(0, mine));
      left_ -= mine;
      if (left_ == 0 && part_ == Part::counted) end();
      if (left_ == 0 && part_ == Part::chunk) part_ = Part::chunk_end;
      return mine;
    }
    case Part::chunk_size:
    case Part::chunk_end:
    case Part::trailer:
      return take_line(bytes);
  }
  return 0;
}

std::size_t Reader::take_head(std::string_view bytes) {
  const auto before = head_.size();
  head_.append(bytes);
  const auto end = head_.find("\r\n\r\n");
  if (end == std::string::npos) return bytes.size();
  head_.resize(end + 2);
  begin_body();
  return end + 4 - before;
}

void Reader::begin_body() {
  if (head_.size() < 13 || !head_.starts_with("HTTP/1.")) throw std::runtime_error("not an answer: " + head_);
  status_ = static_cast<int>(number(std::string_view{head_}.substr(9, 3), 10));
  if (status_ < 200) {  // an interim answer: the real one follows
    head_.clear();
    return;
  }
  standing_ = Standing::arriving;
  if (bodiless_ || status_ == 204 || status_ == 304) return end();
  if (field("Transfer-Encoding") == "chunked") {
    part_ = Part::chunk_size;
  } else if (const auto length = field("Content-Length"); !length.empty()) {
    part_ = Part::counted;
    left_ = number(length, 10);
    if (left_ == 0) end();
  } else {
    part_ = Part::until_closed;
  }
}

std::size_t Reader::take_line(std::string_view bytes) {
  const auto feed = bytes.find('\n');
  line_.append(bytes.substr(0, feed));
  if (feed == std::string_view::npos) return bytes.size();
  if (!line_.ends_with('\r')) throw std::runtime_error("a chunk's line that does not end as it should: " + line_);
  line_.pop_back();
  switch (part_) {
    case Part::chunk_size:
      left_ = number(line_, 16);
      part_ = left_ == 0 ? Part::trailer : Part::chunk;
      break;
    case Part::chunk_end:
      part_ = Part::chunk_size;
      break;
    default:
      if (line_.empty()) end();
  }
  line_.clear();
  return feed + 1;
}

void Reader::closed(bool by_reset) {
  if (standing_ == Standing::whole) return;
  standing_ = part_ == Part::until_closed && !by_reset ? Standing::whole : Standing::cut;
}

void Reader::end() { standing_ = Standing::whole; }

std::string Reader::field(std::string_view name) const {
  std::string found;
  for (std::size_t at = head_.find("\r\n"); at + 2 < head_.size(); at = head_.find("\r\n", at + 2)) {
    const auto line = std::string_view{head_}.substr(at + 2, head_.find("\r\n", at + 2) - at - 2);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !same_but_case(line.substr(0, colon), name)) continue;
    auto value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    found.append(found.empty() ? "" : ", ").append(value);
  }
  return found;
}

}  // namespace onetake::story
