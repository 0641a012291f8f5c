#include "run/gate.hpp"

#include <algorithm>
#include <cmath>

namespace onetake::run {
namespace {

/// When somebody may leave is not known: look again.
constexpr milliseconds a_moment{1'000};

milliseconds until(Monotonic::time_point then, Monotonic::time_point now) {
  return std::max(milliseconds{1}, std::chrono::ceil<milliseconds>(then - now));
}

}  // namespace

Gate::Pass::~Pass() {
  if (gate_) gate_->leave(*this, Told::nothing, {});
}

void Gate::Pass::is_known_as(std::string setback) const { gate_->know(std::move(setback)); }

Gate::Circuit Gate::Pass::succeeded() { return std::exchange(gate_, nullptr)->leave(*this, Told::answered, {}); }

Gate::Circuit Gate::Pass::failed(Cause cause, std::optional<milliseconds> retry_after) {
  const auto told = [cause] {
    switch (cause) {
      case Cause::throttled:
        return Told::throttled;
      case Cause::unavailable:
      case Cause::unreachable:
      case Cause::interrupted:
      case Cause::stalled:
      case Cause::timed_out:
        return Told::failed;
      case Cause::refused:
      case Cause::no_space:
      case Cause::overdue:
      case Cause::internal:
        return Told::nothing;  // it was not the provider's doing
      default:
        return Told::answered;  // no recording, but an answer
    }
  }();
  return std::exchange(gate_, nullptr)->leave(*this, told, retry_after);
}

std::expected<Gate::Pass, Gate::Refusal> Gate::enter(RecordingId recording) {
  const std::lock_guard lock{mutex_};
  const auto now = clock_();
  if (open_for_ > milliseconds{0}) {
    if (now < opens_until_)
      return std::unexpected(Refusal{until(opens_until_, now), Reason::retrying, "the provider has failed repeatedly"});
    if (probe_)
      return std::unexpected(Refusal{a_moment, Reason::retrying, "one request finds out whether the provider is back"});
    probe_ = entered_;
  } else if (now < not_before_) {
    return std::unexpected(Refusal{until(not_before_, now), Reason::throttled, "the provider asked to wait"});
  } else if (inside_ >= static_cast<int>(limit_)) {
    return std::unexpected(
        Refusal{a_moment, Reason::throttled, "the provider takes no more requests at once than are under way"});
  }
  ++inside_;
  return Pass{shared_from_this(), entered_++, std::move(recording), heard_};
}

void Gate::hear(const signal::SharedLimit::Word& word) {
  const std::lock_guard lock{mutex_};
  if (word.closed_for > milliseconds{0}) not_before_ = std::max(not_before_, clock_() + word.closed_for);
  if (word.setback == heard_) return;
  heard_ = word.setback;
  // Who sends nothing has not caused it, and learns of the limit by itself.
  if (!heard_.empty() && inside_ > 0) lower(inside_);
}

void Gate::know(std::string setback) {
  const std::lock_guard lock{mutex_};
  heard_ = std::move(setback);
}

void Gate::lower(double under_way) {
  limit_ = std::max(1.0, std::floor(std::min(limit_, under_way) / 2));
  lowered_at_ = entered_;
}

Gate::Circuit Gate::leave(const Pass& pass, Told told, std::optional<milliseconds> retry_after) {
  const std::lock_guard lock{mutex_};
  --inside_;
  const bool was_probe = probe_ == pass.number_;
  if (was_probe) probe_.reset();
  switch (told) {
    case Told::nothing:
      break;
    case Told::throttled:
      if (pass.number_ >= lowered_at_) lower(inside_ + 1.0);
      if (retry_after) not_before_ = std::max(not_before_, clock_() + *retry_after);
      return close();
    case Told::answered:
      limit_ = std::min(limit_ + 1 / limit_, static_cast<double>(limits_.most));
      return close();
    case Told::failed:
      count_failure(pass.recording_);
      if (failures_ >= limits_.failures && (was_probe || open_for_ == milliseconds{0})) return fall();
      break;
  }
  return Circuit::as_it_was;
}

void Gate::count_failure(const RecordingId& recording) {
  if (failures_ >= limits_.failures) return;
  if (auto& of_this = failures_of_[recording]; of_this < limits_.failures_of_one) {
    ++of_this;
    ++failures_;
  }
}

Gate::Circuit Gate::fall() {
  const bool was_closed = open_for_ == milliseconds{0};
  open_for_ = std::clamp(2 * open_for_, limits_.open_for, limits_.open_for_at_most);
  opens_until_ = clock_() + open_for_;
  return was_closed ? Circuit::opened : Circuit::as_it_was;
}

Gate::Circuit Gate::close() {
  failures_ = 0;
  failures_of_.clear();
  return std::exchange(open_for_, milliseconds{0}) > milliseconds{0} ? Circuit::closed : Circuit::as_it_was;
}

Gate::View Gate::view() const {
  const std::lock_guard lock{mutex_};
  return {.limit = static_cast<int>(limit_), .open = open_for_ > milliseconds{0}};
}

std::shared_ptr<Gate> Gates::of(const TenantId& tenant, const std::string& provider, std::string_view type) {
  const std::lock_guard lock{mutex_};
  auto& entry = gates_[{tenant, provider}];
  if (!entry.gate) entry = {std::string{type}, std::make_shared<Gate>(limits_, clock_)};
  return entry.gate;
}

std::map<std::string, bool> Gates::circuits() const {
  std::map<std::string, bool> open;
  const std::lock_guard lock{mutex_};
  for (const auto& [account, entry] : gates_) open[entry.type] |= entry.gate->view().open;
  return open;
}

}  // namespace onetake::run
