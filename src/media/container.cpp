#include "media/container.hpp"

#include <algorithm>

namespace onetake::media {

void Walker::take(Span bytes) {
  while (!rest_ && !bytes.empty()) {
    if (skip_ > 0) {
      const auto passed = static_cast<std::size_t>(std::min<Bytes>(skip_, bytes.size()));
      skip_ -= passed;
      at_ += passed;
      bytes = bytes.subspan(passed);
      continue;
    }
    if (held_.empty() && bytes.size() >= want_) {
      const auto whole = bytes.first(want_);
      bytes = bytes.subspan(want_);
      at_ += whole.size();
      piece(whole);
      continue;
    }
    const auto part = bytes.first(std::min(want_ - held_.size(), bytes.size()));
    held_.insert(held_.end(), part.begin(), part.end());
    bytes = bytes.subspan(part.size());
    if (held_.size() < want_) return;
    at_ += held_.size();
    std::vector<std::byte> whole;
    whole.swap(held_);
    piece(whole);
  }
}

}  // namespace onetake::media
