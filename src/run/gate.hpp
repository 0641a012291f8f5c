#pragma once

#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "recording/cause.hpp"
#include "recording/run_state.hpp"
#include "signal/shared_limit.hpp"

namespace onetake::run {

/// What stands before one account at one provider: how many requests it is sent at once, and whether any.
///
///   The limit gives way when the provider says 429, and recovers: halved, at most once for what was under way
///   together, then one more for every limit's worth of answers (additive increase, multiplicative decrease,
///   https://www.rfc-editor.org/rfc/rfc5681#section-3.1). Where the provider said when to come again, nobody goes
///   before.
///
///   circuit    entered by                              lets through
///   --------   -------------------------------------   --------------------------------
///   closed     an answer                               as many as the limit
///   open       `failures` in a row without an answer   nobody; one recording's count `failures_of_one` times at most
///   half open  the wait's end                          one; its failure doubles the wait
///
/// Where nodes tell each other of 429s (signal/shared_limit.hpp) what another one met closes and lowers this gate too:
/// halved, by what is under way here, at most once for each 429 that is told of.
///
/// Any thread.
class Gate : public std::enable_shared_from_this<Gate> {
 public:
  struct Limits {
    int most = 256;           ///< requests at once
    int failures = 10;        ///< in a row, until the circuit opens
    int failures_of_one = 3;  ///< of them by one recording: a bad one is no bad provider
    milliseconds open_for{5'000};
    milliseconds open_for_at_most{30'000};
  };
  using Clock = std::function<Monotonic::time_point()>;

  explicit Gate(Limits limits, Clock clock = &Monotonic::now) : limits_(limits), clock_(std::move(clock)) {}

  /// Not now.
  struct Refusal {
    milliseconds again_in;
    Reason reason;  ///< `throttled` by the limit, `retrying` by the circuit
    std::string detail;
  };

  /// What an answer, or none, has made of the circuit.
  enum class Circuit { as_it_was, opened, closed };

  /// One request's way through. Gone without a word, it has told nothing of the provider.
  class Pass {
   public:
    Pass(std::shared_ptr<Gate> gate, std::uint64_t number, RecordingId recording, std::string heard)
        : gate_(std::move(gate)), number_(number), recording_(std::move(recording)), heard_(std::move(heard)) {}
    Pass(Pass&&) noexcept = default;
    Pass& operator=(Pass&&) = delete;
    ~Pass();

    /// The last setback of any node that was known here when it was let through.
    [[nodiscard]] const std::string& heard() const { return heard_; }
    /// What this one's 429 is called among the nodes, or the one that they had before: so it is no news here. Before
    /// `failed`.
    void is_known_as(std::string setback) const;

    Circuit succeeded();
    Circuit failed(Cause cause, std::optional<milliseconds> retry_after);

   private:
    friend class Gate;
    std::shared_ptr<Gate> gate_;
    std::uint64_t number_;
    RecordingId recording_;
    std::string heard_;
  };

  std::expected<Pass, Refusal> enter(RecordingId recording);

  /// What the nodes know of this account.
  void hear(const signal::SharedLimit::Word& word);

  struct View {
    int limit;
    bool open;  ///< or half open
  };
  [[nodiscard]] View view() const;

 private:
  enum class Told { nothing, answered, throttled, failed };
  void lower(double under_way);
  void know(std::string setback);
  Circuit leave(const Pass& pass, Told told, std::optional<milliseconds> retry_after);
  void count_failure(const RecordingId& recording);
  Circuit fall();
  Circuit close();

  const Limits limits_;
  const Clock clock_;
  mutable std::mutex mutex_;
  double limit_ = limits_.most;
  int inside_ = 0;
  std::uint64_t entered_ = 0;
  std::uint64_t lowered_at_ = 0;  ///< who entered before knew nothing of it
  std::string heard_;             ///< the last setback of any node that is known here
  Monotonic::time_point not_before_ = Monotonic::time_point::min();
  int failures_ = 0;
  std::map<RecordingId, int> failures_of_;
  milliseconds open_for_{0};  ///< 0: closed
  Monotonic::time_point opens_until_;
  std::optional<std::uint64_t> probe_;  ///< half open: the one who was let through
};

/// The gates of all accounts, made when they are asked for. Any thread.
class Gates {
 public:
  explicit Gates(Gate::Limits limits, Gate::Clock clock = &Monotonic::now)
      : limits_(limits), clock_(std::move(clock)) {}

  /// `provider` is the name in the tenant's configuration, `type` what metrics call it.
  std::shared_ptr<Gate> of(const TenantId& tenant, const std::string& provider, std::string_view type);

  /// By the provider's type: is the circuit of an account there open?
  [[nodiscard]] std::map<std::string, bool> circuits() const;

 private:
  struct Entry {
    std::string type;
    std::shared_ptr<Gate> gate;
  };
  const Gate::Limits limits_;
  const Gate::Clock clock_;
  mutable std::mutex mutex_;
  std::map<std::pair<TenantId, std::string>, Entry> gates_;
};

}  // namespace onetake::run
