#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/waiters.hpp"
#include "durable/copies.hpp"
#include "run/test_parts.hpp"

/// What the tests of this module have instead of an S3-compatible storage.
namespace onetake::run::test {

/// Objects in memory. Calls do as the test says; each may be held in its middle.
class ScriptedCopies final : public durable::Copies {
 public:
  using Kind = durable::Trouble::Kind;

  void has(const std::string& name, std::string bytes) {
    const std::lock_guard lock{mutex_};
    objects_[name] = std::move(bytes);
  }
  void lose(const std::string& name) {
    const std::lock_guard lock{mutex_};
    objects_.erase(name);
  }
  [[nodiscard]] std::map<std::string, std::string> objects() const {
    const std::lock_guard lock{mutex_};
    return objects_;
  }
  [[nodiscard]] std::vector<std::string> asked() const {
    const std::lock_guard lock{mutex_};
    return asked_;
  }
  /// The next read, and no other, brings this; not sized, as a body in chunks, which does not tell its length.
  void read_next(std::string bytes, bool sized = true) {
    const std::lock_guard lock{mutex_};
    next_read_ = {std::move(bytes), sized};
  }
  /// What lies there has none of our fields.
  void lose_fields() {
    const std::lock_guard lock{mutex_};
    mark_.clear();
  }
  /// From now on nothing that is done under this name succeeds; nothing: as with the others.
  void fail(const std::string& name, std::optional<Kind> kind) {
    const std::lock_guard lock{mutex_};
    bad_[name] = kind;
  }
  /// From now on nothing succeeds; nothing: everything does.
  void fail(std::optional<Kind> kind) {
    const std::lock_guard lock{mutex_};
    failing_ = kind;
  }
  void hold() {
    const std::lock_guard lock{mutex_};
    holding_ = true;
  }
  void release() {
    const std::lock_guard lock{mutex_};
    holding_ = false;
    waiters_.wake_all();
  }
  /// Suspends until somebody is held.
  Task<bool> until_held();
  /// Suspends until so many calls have been made in all.
  Task<bool> until_asked(std::size_t calls);

  Task<durable::Answer<void>> put(durable::Object object, int file, durable::Until until) override;
  std::unique_ptr<durable::Upload> grow(std::string name, std::string content_type,
                                        std::shared_ptr<blob::Growing> growing) override;
  Task<provider::Outcome> read(durable::Wanted wanted, provider::Sink& sink) override;
  Task<durable::Answer<std::optional<durable::Found>>> look(std::string name, durable::Until until) override;
  Task<durable::Answer<std::vector<durable::Listed>>> list(std::string after, durable::Until until) override;
  Task<durable::Answer<void>> remove(std::string name, durable::Until until) override;
  Task<durable::Answer<int>> abort_forgotten(WallTime before, durable::Until until) override;
  Task<durable::Answer<void>> check(durable::Until until) override;

 private:
  class Growing;

  Task<durable::Answer<void>> step(std::string what);
  std::optional<std::pair<std::string, bool>> next() {
    const std::lock_guard lock{mutex_};
    return std::exchange(next_read_, std::nullopt);
  }

  mutable std::mutex mutex_;
  Waiters waiters_{mutex_};
  std::map<std::string, std::string> objects_;
  std::vector<std::string> asked_;
  std::optional<Kind> failing_;
  std::map<std::string, std::optional<Kind>> bad_;  ///< by name
  std::optional<std::pair<std::string, bool>> next_read_;
  std::string mark_ = "scripted";
  bool holding_ = false;
  int held_ = 0;
};

/// Takes everything when it is whole.
class ScriptedCopies::Growing final : public durable::Upload {
 public:
  Growing(ScriptedCopies& copies, std::string name, std::shared_ptr<blob::Growing> audio)
      : copies_(copies), name_(std::move(name)), audio_(std::move(audio)) {}

  Task<durable::Answer<void>> follow(durable::Until until) override;
  Task<durable::Answer<void>> complete(durable::Object object, durable::Until until) override;
  Task<durable::Answer<void>> abort(durable::Until until) override;

 private:
  ScriptedCopies& copies_;
  std::string name_;
  std::shared_ptr<blob::Growing> audio_;
};

/// Every call goes through here.
inline Task<durable::Answer<void>> ScriptedCopies::step(std::string what) {
  std::unique_lock lock{mutex_};
  const auto name = what.substr(what.find(' ') + 1);
  asked_.push_back(std::move(what));
  waiters_.wake_all();
  if (holding_) {
    ++held_;
    waiters_.wake_all();
    while (holding_) co_await waiters_.wait(lock, never);
    --held_;
  }
  const auto bad = bad_.find(name);
  const auto kind = bad != bad_.end() && bad->second ? bad->second : failing_;
  if (kind) co_return std::unexpected(durable::Trouble{*kind, "scripted"});
  co_return durable::Answer<void>{};
}

inline Task<bool> ScriptedCopies::until_held() {
  std::unique_lock lock{mutex_};
  while (held_ == 0) co_await waiters_.wait(lock, never);
  co_return true;
}

inline Task<bool> ScriptedCopies::until_asked(std::size_t calls) {
  std::unique_lock lock{mutex_};
  while (asked_.size() < calls) co_await waiters_.wait(lock, never);
  co_return true;
}

inline std::string content(int file, Bytes size) {
  std::string text(size, '\0');
  const auto n = ::pread(file, text.data(), text.size(), 0);
  text.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
  return text;
}

inline Task<durable::Answer<void>> ScriptedCopies::put(durable::Object object, int file, durable::Until) {
  auto bytes = content(file, object.size);
  auto done = co_await step("put " + object.name);
  if (done) has(object.name, std::move(bytes));
  co_return done;
}

inline std::unique_ptr<durable::Upload> ScriptedCopies::grow(std::string name, std::string,
                                                             std::shared_ptr<blob::Growing> growing) {
  return std::make_unique<Growing>(*this, std::move(name), std::move(growing));
}

inline Task<durable::Answer<void>> ScriptedCopies::Growing::follow(durable::Until until) {
  auto begun = co_await copies_.step("follow " + name_);
  if (!begun) co_return begun;
  for (auto view = audio_->view(); !view.final() && !until.stop.stop_requested();) {
    auto later = co_await audio_->past(view.watermark, in(milliseconds{5}));
    view = later ? *later : audio_->view();
  }
  co_return durable::Answer<void>{};
}

inline Task<durable::Answer<void>> ScriptedCopies::Growing::complete(durable::Object object, durable::Until) {
  auto bytes = content(audio_->fd(), object.size);
  auto done = co_await copies_.step("complete " + name_);
  if (done) copies_.has(name_, std::move(bytes));
  co_return done;
}

inline Task<durable::Answer<void>> ScriptedCopies::Growing::abort(durable::Until) {
  co_return co_await copies_.step("abort " + name_);
}

/// The first half, the hold, the rest.
inline Task<provider::Outcome> ScriptedCopies::read(durable::Wanted wanted, provider::Sink& sink) {
  const auto stopped = [](Cause cause) {
    return provider::Outcome{std::unexpected(provider::Refused{.setback = {.cause = cause, .detail = "scripted"}})};
  };
  const auto all = objects();
  if (!all.contains(wanted.name)) co_return stopped(Cause::missing);
  auto body = all.at(wanted.name);
  provider::Head head{
      .offset = 0, .total = body.size(), .framing = provider::Framing::length, .validator = "\"v\"", .digests = {}};
  if (const auto instead = next()) {
    body = instead->first;
    head.total = instead->second ? std::optional{body.size()} : std::nullopt;
  }
  if (!sink.begin(head)) co_return stopped(Cause::internal);
  if (!sink.data(bytes(body.substr(0, body.size() / 2)))) co_return stopped(Cause::internal);
  const auto done = co_await step("read " + wanted.name);
  if (!done) co_return stopped(Cause::unavailable);
  if (!sink.data(bytes(body.substr(body.size() / 2)))) co_return stopped(Cause::internal);
  co_return provider::Delivered{provider::Framing::length};
}

inline Task<durable::Answer<std::optional<durable::Found>>> ScriptedCopies::look(std::string name, durable::Until) {
  const auto done = co_await step("look " + name);
  if (!done) co_return std::unexpected(done.error());
  const auto all = objects();
  const auto found = all.find(name);
  if (found == all.end()) co_return std::nullopt;
  durable::Found copy{.size = found->second.size(), .etag = "\"v\"", .sha256 = {}, .mark = mark_};
  co_return copy;
}

inline Task<durable::Answer<std::vector<durable::Listed>>> ScriptedCopies::list(std::string after, durable::Until) {
  const auto done = co_await step("list " + after);
  if (!done) co_return std::unexpected(done.error());
  std::vector<durable::Listed> page;
  const auto all = objects();
  for (auto at = all.upper_bound(after); at != all.end(); ++at)
    page.push_back({.name = at->first, .size = at->second.size(), .written = {}});
  co_return page;
}

inline Task<durable::Answer<void>> ScriptedCopies::remove(std::string name, durable::Until) {
  auto done = co_await step("remove " + name);
  const std::lock_guard lock{mutex_};
  if (done) objects_.erase(name);
  co_return done;
}

inline Task<durable::Answer<int>> ScriptedCopies::abort_forgotten(WallTime, durable::Until) {
  const auto done = co_await step("abort forgotten");
  if (!done) co_return std::unexpected(done.error());
  co_return 0;
}

inline Task<durable::Answer<void>> ScriptedCopies::check(durable::Until) { co_return co_await step("check"); }

}  // namespace onetake::run::test
