#include "signal/fallback_wakes.hpp"

#include <utility>

#include "signal/line_wakes.hpp"

namespace onetake::signal {

FallbackWakes::FallbackWakes(std::unique_ptr<LineWakes> first, std::unique_ptr<Wakes> second,
                             std::function<bool()> trusted)
    : trusted_(std::move(trusted)), second_(std::move(second)), first_(std::move(first)) {
  first_->on_break([this] { second_->announce({.topic = Topic::everything}); });
}

FallbackWakes::~FallbackWakes() = default;

void FallbackWakes::announce(Wake wake) noexcept {
  if (first_->up() && trusted_())
    first_->announce(std::move(wake));
  else
    second_->announce(std::move(wake));
}

void FallbackWakes::listen(Heard heard) {
  const auto one_at_a_time = [this, heard = std::move(heard)](const Wake& wake) {
    const std::lock_guard lock{hearing_};
    heard(wake);
  };
  second_->listen(one_at_a_time);
  first_->listen(one_at_a_time);
}

}  // namespace onetake::signal
