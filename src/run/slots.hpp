#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "base/ids.hpp"

namespace onetake::run {

/// How many fetches may run at once on this node, in all and of one tenant. Any thread.
class Slots {
 public:
  Slots(int in_all, int per_tenant) : in_all_(in_all), per_tenant_(per_tenant) {}

  /// One fetch's place; given back when it goes.
  class Slot {
   public:
    Slot(Slots& slots, TenantId tenant) : slots_(&slots), tenant_(std::move(tenant)) {}
    Slot(Slot&& other) noexcept : slots_(std::exchange(other.slots_, nullptr)), tenant_(std::move(other.tenant_)) {}
    Slot& operator=(Slot&& other) noexcept {
      std::swap(slots_, other.slots_);
      std::swap(tenant_, other.tenant_);
      return *this;
    }
    ~Slot() {
      if (slots_ != nullptr) slots_->give_back(tenant_);
    }

   private:
    Slots* slots_;
    TenantId tenant_;
  };

  std::optional<Slot> take(const TenantId& tenant) {
    const std::lock_guard lock{mutex_};
    if (taken_ >= in_all_) return std::nullopt;
    auto& of_tenant = by_tenant_[tenant];
    if (of_tenant >= per_tenant_) return std::nullopt;
    ++taken_;
    ++of_tenant;
    return std::make_optional<Slot>(*this, tenant);
  }

  [[nodiscard]] int free() const {
    const std::lock_guard lock{mutex_};
    return in_all_ - taken_;
  }

 private:
  void give_back(const TenantId& tenant) {
    const std::lock_guard lock{mutex_};
    --taken_;
    if (--by_tenant_[tenant] == 0) by_tenant_.erase(tenant);
  }

  const int in_all_;
  const int per_tenant_;
  mutable std::mutex mutex_;
  int taken_ = 0;
  std::map<TenantId, int> by_tenant_;
};

}  // namespace onetake::run
