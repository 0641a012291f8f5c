#include "simulator/provider.hpp"

#include <array>
#include <cstdio>
#include <functional>

#include "simulator/house.hpp"

namespace onetake::simulator {
namespace {

/// "RE" and 32 hexadecimal digits, the same whenever the same recordings are made in the same order.
std::string recording_sid_of(const std::string& call_sid, std::uint64_t number) {
  std::uint64_t hash = 1469598103934665603ULL;
  for (const char c : call_sid) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "RE%016llx%016llx", static_cast<unsigned long long>(hash),
                static_cast<unsigned long long>(number) + 1);
  return text.data();
}

}  // namespace

Call::Call(std::shared_ptr<House> house, std::shared_ptr<Hosted> hosted)
    : sid(hosted->call_sid),
      recording_sid(hosted->recording_sid),
      audio(hosted->formats.front()),
      house_(std::move(house)),
      hosted_(std::move(hosted)) {}

std::string Call::url() const { return house_->base_url() + url_path(); }
std::string Call::url_path() const { return house_->recording_path(*hosted_); }
std::string Call::media_url() const { return house_->base_url() + "/media/" + sid; }
std::string Call::signed_url() const { return house_->base_url() + house_->signed_path(*hosted_); }

Call Call::answering(std::vector<Answer> script) const {
  if (script.empty()) throw std::invalid_argument("a script has at least one answer");
  const std::lock_guard lock{house_->mutex};
  hosted_->script = std::move(script);
  hosted_->step = 0;
  hosted_->used = 0;
  hosted_->step_ends.reset();
  return *this;
}

Call Call::also_as(Audio other_format) const {
  const std::lock_guard lock{house_->mutex};
  hosted_->formats.push_back(std::move(other_format));
  return *this;
}

Call Call::behind_bearer(std::string token) const {
  const std::lock_guard lock{house_->mutex};
  hosted_->bearer = std::move(token);
  return *this;
}

Call Call::behind_redirect() const { return behind_redirect_to(""); }

Call Call::behind_redirect_to(std::string url) const {
  const std::lock_guard lock{house_->mutex};
  hosted_->redirect = std::move(url);
  return *this;
}

Call Call::listed_after(unsigned lookups) const {
  const std::lock_guard lock{house_->mutex};
  hosted_->unlisted = lookups;
  return *this;
}

void Call::until(const Moment& moment, milliseconds at_most) const {
  house_->until(hosted_->counters, sid, moment, at_most);
}

void Call::release(const std::string& barrier) const { house_->release(*hosted_, barrier); }

Counters Call::counters() const {
  const std::lock_guard lock{house_->mutex};
  return hosted_->counters;
}

std::vector<Seen> Call::seen() const {
  const std::lock_guard lock{house_->mutex};
  return hosted_->seen;
}

Provider::Provider() : Provider(Options{}) {}

Provider::Provider(Options options) : house_(std::make_shared<House>(std::move(options))) { house_->open(); }

Provider::~Provider() { house_->shut(); }

std::uint16_t Provider::port() const { return house_->port; }
std::string Provider::base_url() const { return house_->base_url(); }
const std::string& Provider::account_sid() const { return house_->options.account_sid; }
const std::string& Provider::auth_token() const { return house_->options.auth_token; }

Call Provider::has(std::string call_sid, Audio audio, std::string recording_sid) {
  auto hosted = std::make_shared<Hosted>();
  hosted->call_sid = std::move(call_sid);
  hosted->formats.push_back(std::move(audio));
  hosted->created = wall_now();
  {
    const std::lock_guard lock{house_->mutex};
    hosted->recording_sid =
        recording_sid.empty() ? recording_sid_of(hosted->call_sid, house_->by_sid.size()) : std::move(recording_sid);
    if (!house_->by_sid.emplace(hosted->recording_sid, hosted).second)
      throw std::invalid_argument("there is a recording " + hosted->recording_sid);
    house_->by_call.emplace(hosted->call_sid, hosted);
  }
  return {house_, std::move(hosted)};
}

void Provider::knows(std::string call_sid) {
  const std::lock_guard lock{house_->mutex};
  house_->silent_calls.insert(std::move(call_sid));
}

void Provider::usually(Answer answer) {
  const std::lock_guard lock{house_->mutex};
  house_->usual = std::move(answer);
}

void Provider::allows(std::uint64_t concurrent) {
  const std::lock_guard lock{house_->mutex};
  house_->most_active = concurrent;
}

Counters Provider::counters() const {
  const std::lock_guard lock{house_->mutex};
  return house_->totals;
}

void Provider::until(const Moment& moment, milliseconds at_most) const {
  house_->until(house_->totals, "provider", moment, at_most);
}

}  // namespace onetake::simulator
