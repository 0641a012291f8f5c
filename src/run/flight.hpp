#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "base/waiters.hpp"
#include "blob/growing.hpp"
#include "recording/recording.hpp"

namespace onetake::run {

class Receiver;

/// From the last byte to the database's word that it is there: a sync, a rename and a commit. Whoever asks in between
/// waits this long for it.
inline constexpr milliseconds settling{2'000};

/// A recording that is arriving, with the fields that its answers have from the first byte on and for ever.
struct Live {
  std::shared_ptr<blob::Growing> audio;
  std::string content_type;
  int version = 0;
  WallTime last_modified;
};

/// One active run as this process sees it: what everyone who pressed Play holds on to.
///
///   phase     entered by                         what a listener sees
///   -------   --------------------------------   ------------------------------------------------------------
///   waiting   admission, the end of an attempt   `run.reason` says what for; `live` stays from an earlier attempt
///   running   a claim                            `live` once the first bytes have been found to be audio; where the
///                                                claim is another node's, its name in `node` and never `live`
///   ended     the run's end, or erasure          `run.status` says how; nothing changes any more
///
/// Any thread.
class Flight : public std::enable_shared_from_this<Flight> {
 public:
  struct View {
    Run run;
    std::shared_ptr<const Live> live;
    std::string node;  ///< the other node that has it in hand; "" for none, or for this one
    bool ended = false;
    std::uint64_t change = 0;  ///< grows with every change

    /// Received so far, also within an attempt.
    [[nodiscard]] Bytes received() const;
    [[nodiscard]] std::optional<Bytes> total() const;
    /// All of it can be heard, and that is being written down.
    [[nodiscard]] bool whole() const;
    /// No room could be made for it: until it is tried again nothing more will come.
    [[nodiscard]] bool lacks_room() const;
  };

  Flight(RecordingId recording, Run run);
  ~Flight();

  [[nodiscard]] const RecordingId& recording() const { return recording_; }
  [[nodiscard]] const RunId& run() const { return run_; }
  [[nodiscard]] View view() const;

  /// Suspends until something has changed since the view numbered `change`, at most until `deadline`. Any loop.
  Task<View> changed(std::uint64_t change, Deadline deadline);

  /// Suspends until there is something to hear, here or on another node, nothing more to come, or no room for it, at
  /// most until `deadline`.
  Task<View> audible(Deadline deadline);

  /// Suspends until what is whole has ended too, at most until `deadline`; not at all where it is not whole.
  Task<View> settled(Deadline deadline);

  /// Somebody cancelled or erased it: the transfer stops, and the worker writes nothing more.
  void stop();
  [[nodiscard]] bool stopped() const;

  // By the worker.

  /// An attempt begins: the token stops it, after `stop` or `let_go`.
  std::stop_token begin();
  /// The attempt under way stops; another one may follow.
  void let_go();

  void update(Run run);
  /// By whoever saw in the database where it stands, for a flight that no attempt here has in hand. With another node's
  /// name there is nothing to hear here any more. Nothing happens if something has changed since `change`.
  void seen(std::uint64_t change, Run run, std::string node);
  void hear(Live live);
  void end(Run run);

  /// The recording was erased or replaced: who is being sent what arrived stops, also when the run ended long ago.
  std::atomic<bool> withdrawn = false;

  /// Nobody has pressed Play on it yet. The first who does has the ledger make it urgent.
  std::atomic<bool> background;

  /// A press has joined it, and that was told.
  std::atomic<bool> joined = false;

  bool worked_on = false;  ///< of `Flights`: a worker has had it, and will end it

  // The worker's own, on its loop.

  bool in_hand = false;  ///< an attempt is under way here
  bool lost = false;     ///< … whose lease is somebody else's, or about to be
  Deadline lease_until;  ///< … which by then has stopped by itself
  /// What has arrived, kept between attempts.
  std::unique_ptr<Receiver> paused;
  /// Attempts that ended badly in this process: what the backoff grows with.
  int setbacks = 0;

 private:
  template <class Change>
  void apply(Change change);

  const RecordingId recording_;
  const RunId run_;
  mutable std::mutex mutex_;
  bool stopped_ = false;
  std::stop_source attempt_;
  Waiters waiters_{mutex_};
  View view_;
};

}  // namespace onetake::run
