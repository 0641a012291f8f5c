#include "run/flight.hpp"

#include "run/receiver.hpp"

namespace onetake::run {

Bytes Flight::View::received() const { return live ? live->audio->view().watermark : run.received_bytes; }

std::optional<Bytes> Flight::View::total() const {
  if (live)
    if (const auto total = live->audio->view().total) return total;
  return run.total_bytes;
}

bool Flight::View::whole() const { return live && !ended && live->audio->view().phase == blob::Growing::Phase::whole; }

bool Flight::View::lacks_room() const {
  return run.status == RunStatus::queued && run.setback && run.setback->cause == Cause::no_space;
}

Flight::Flight(RecordingId recording, Run run)
    : background(run.urgency == Urgency::background), recording_(std::move(recording)), run_(run.id) {
  view_.run = std::move(run);
}

Flight::~Flight() = default;

Flight::View Flight::view() const {
  const std::lock_guard lock{mutex_};
  return view_;
}

Task<Flight::View> Flight::changed(std::uint64_t change, Deadline deadline) {
  std::unique_lock lock{mutex_};
  while (view_.change == change && !view_.ended)
    if (!co_await waiters_.wait(lock, deadline)) break;
  co_return view_;
}

Task<Flight::View> Flight::audible(Deadline deadline) {
  std::unique_lock lock{mutex_};
  while (!view_.live && view_.node.empty() && !view_.ended && !view_.lacks_room())
    if (!co_await waiters_.wait(lock, deadline)) break;
  co_return view_;
}

Task<Flight::View> Flight::settled(Deadline deadline) {
  auto now = view();
  while (now.whole() && Monotonic::now() < deadline) now = co_await changed(now.change, deadline);
  co_return now;
}

void Flight::stop() {
  std::unique_lock lock{mutex_};
  stopped_ = true;
  auto attempt = attempt_;
  lock.unlock();  // who is told may ask something of this flight
  attempt.request_stop();
}

bool Flight::stopped() const {
  const std::lock_guard lock{mutex_};
  return stopped_;
}

std::stop_token Flight::begin() {
  const std::lock_guard lock{mutex_};
  attempt_ = std::stop_source{};
  if (stopped_) attempt_.request_stop();
  return attempt_.get_token();
}

void Flight::let_go() {
  std::unique_lock lock{mutex_};
  auto attempt = attempt_;
  lock.unlock();
  attempt.request_stop();
}

void Flight::update(Run run) {
  apply([&](View& view) {
    view.run = std::move(run);
    view.node.clear();
  });
}

void Flight::seen(std::uint64_t change, Run run, std::string node) {
  apply([&](View& view) {
    if (view.change != change) return;
    view.run = std::move(run);
    view.node = std::move(node);
    if (!view.node.empty()) view.live.reset();
  });
}

void Flight::hear(Live live) {
  apply([&](View& view) { view.live = std::make_shared<const Live>(std::move(live)); });
}

void Flight::end(Run run) {
  apply([&](View& view) {
    view.run = std::move(run);
    view.ended = true;
  });
}

template <class Change>
void Flight::apply(Change change) {
  const std::lock_guard lock{mutex_};
  if (view_.ended) return;
  change(view_);
  ++view_.change;
  waiters_.wake_all();
}

}  // namespace onetake::run
