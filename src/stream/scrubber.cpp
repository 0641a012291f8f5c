#include "stream/scrubber.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "base/loop.hpp"
#include "base/metrics.hpp"
#include "media/checksum.hpp"

namespace onetake::stream {
namespace {

constexpr int page_size = 64;

/// One file as far as it has been read. Its calls block.
class Reading {
 public:
  Reading(std::shared_ptr<const blob::Published> file, std::size_t portion)
      : file_(std::move(file)), buffer_(portion) {}

  /// Reads a portion more. False at the end. Throws std::system_error.
  bool go_on() {
    ssize_t n = 0;
    do {
      n = ::pread(file_->file.get(), buffer_.data(), buffer_.size(), static_cast<off_t>(at_));
    } while (n < 0 && errno == EINTR);
    if (n < 0) throw std::system_error(errno, std::generic_category(), "read");
    sha256_.take(std::span{buffer_}.first(static_cast<std::size_t>(n)));
    at_ += static_cast<Bytes>(n);
    metrics::add(metrics::Series::cache_scrubbed_bytes, {}, static_cast<double>(n));
    return n > 0;
  }
  std::string sha256() { return media::hex(sha256_.so_far()); }

 private:
  std::shared_ptr<const blob::Published> file_;
  media::Checksum sha256_{Digest::Algorithm::sha256};
  std::vector<std::byte> buffer_;
  Bytes at_ = 0;
};

bool lower_priority() { return ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 19) == 0; }

}  // namespace

Scrubber::Scrubber(ledger::Ledger& ledger, blob::Store& store, Quarantine& quarantine, Pace pace)
    : ledger_(ledger), store_(store), quarantine_(quarantine), pace_(pace) {}

Task<void> Scrubber::run() {
  const auto calm_down = [] { return lower_priority(); };
  co_await reading_.run(calm_down);
  for (;;) {
    try {
      co_await round();
    } catch (const std::exception& error) {
      log::warn("ledger.unavailable", "cannot go on checking files", {{"error", error.what()}});
    }
    co_await sleep_for(pace_.between);
  }
}

Task<int> Scrubber::round() {
  int taken = 0;
  RecordingId after;
  do {
    const auto stretch = co_await ledger_.walk_files(after, page_size);
    for (const auto& stored : stretch.files) {
      const bool sound = co_await examine(stored);
      if (!sound) ++taken;
    }
    after = stretch.last;
    co_await sleep_for(pace_.pause);
  } while (!after.empty());
  co_return taken;
}

/// False: it was taken into quarantine.
Task<bool> Scrubber::examine(ledger::Stored stored) {
  const auto open = [this, blob = stored.blob] { return store_.open(blob); };
  const auto file = co_await reading_.run(open);
  std::string_view why;
  if (!file) {
    why = "missing";
  } else if (file->size != stored.bytes) {
    why = "size";
  } else {
    const auto reading = std::make_shared<Reading>(file, static_cast<std::size_t>(pace_.portion));
    const auto go_on = [reading] { return reading->go_on(); };
    try {
      for (bool more = true; more;) {
        more = co_await reading_.run(go_on);
        if (more) co_await sleep_for(pace_.pause);
      }
      if (reading->sha256() != stored.sha256) why = "checksum";
    } catch (const std::system_error&) {
      why = "unreadable";
    }
  }
  if (why.empty()) co_return true;
  const bool taken = co_await quarantine_.take(stored, why);  // false: it was erased or evicted while it was read
  co_return !taken;
}

}  // namespace onetake::stream
