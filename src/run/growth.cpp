#include "run/growth.hpp"

#include <utility>

namespace onetake::run {
namespace {

/// The end of an attempt changes its flight, unless that was an exception.
constexpr milliseconds look_again{5'000};

}  // namespace

Growth::Growth(std::shared_ptr<Flight> flight, BlobName name, std::int64_t token)
    : flight_(std::move(flight)), name_(std::move(name)), token_(token) {}

void Growth::published(ledger::Uncopied file) {
  {
    const std::lock_guard lock{mutex_};
    published_ = std::move(file);
  }
  over();
}

void Growth::over() {
  {
    const std::lock_guard lock{mutex_};
    if (std::exchange(over_, true)) return;
    waiters_.wake_all();
  }
  stop_.request_stop();
}

bool Growth::ended() {
  const std::lock_guard lock{mutex_};
  return over_;
}

Task<std::shared_ptr<const Live>> Growth::worth_while(std::shared_ptr<const Live> last, Bytes from) {
  for (auto view = flight_->view(); !ended();) {
    if (view.live && view.live != last) {
      const auto audio = view.live->audio->view();
      if (audio.phase != blob::Growing::Phase::abandoned && (!audio.total || *audio.total > from)) co_return view.live;
      last = view.live;
    }
    if (view.ended) break;
    const auto before = view.change;
    view = co_await flight_->changed(before, in(look_again));
  }
  co_return nullptr;
}

Task<std::optional<ledger::Uncopied>> Growth::outcome() {
  std::unique_lock lock{mutex_};
  while (!over_) co_await waiters_.wait(lock, never);
  co_return published_;
}

}  // namespace onetake::run
