#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/offload.hpp"
#include "blob/store.hpp"
#include "http/continued.hpp"
#include "http/last_call.hpp"
#include "http/plays.hpp"
#include "http/relay.hpp"
#include "http/session.hpp"
#include "ledger/ledger.hpp"
#include "run/worker.hpp"
#include "stream/settler.hpp"
#include "stream/streams.hpp"
#include "tenant/access.hpp"

namespace onetake::http {

/// Every route of contract section 4, and the console. The table in api.cpp has them all; each area's handlers stand in
/// a file of their own. Any loop; nothing here blocks.
class Api final : public Site {
 public:
  struct Parts {
    ledger::Ledger& ledger;
    stream::Streams& streams;
    run::Join& join;
    run::Worker& worker;
    run::Flights& flights;
    stream::Settler& settler;
    const tenant::Access& access;
    /// May this tenant register this source? As `provider::Provider::admits`.
    std::function<result<void>(const TenantId&, const Registration&)> admits;
    std::function<Bytes()> cached;  ///< audio on this disk
    const Relay* relay = nullptr;   ///< null where there are no other nodes
  };
  struct Config {
    milliseconds stream_wait{25'000};
    milliseconds listener_patience{60'000};
    milliseconds retention{0};
    std::vector<std::string> cors_origins;
    std::string version;
  };

  Api(Parts parts, Config config);

  Task<Answer> answer(const Request& request) override;
  /// A ready recording that was played not long ago.
  std::optional<Answer> at_once(const Request& request) override;
  Answer refuse(Fault fault) override;
  [[nodiscard]] bool draining() const override { return closing_; }

  /// `/readyz` is 503 from now on; requests are still answered.
  void drain() { draining_ = true; }
  /// Connections end with the answer under way. Who still waits for a status line shortly before `cut` is told that
  /// the server stops.
  void close(Deadline cut = never);

  /// Once a second or so, from one thread: observes what has settled.
  void tick() { plays_.settle(Monotonic::now()); }

 private:
  struct Route;
  /// What a handler is given: who asks, and the path's one parameter.
  struct Asked {
    tenant::Caller caller;
    std::string sid;
    bool by_node = false;  ///< another node passes it on
  };
  using Handler = Task<Answer> (Api::*)(const Request&, Asked);

  static const std::vector<Route>& routes();
  static const Route* route_of(const Request& request, std::string_view& parameter);
  Task<Answer> dispatch(const Request& request, std::string_view& route_name);
  std::optional<TenantId> passed_on(const Route& route, const Request& request) const;
  result<Asked> admit(const Route& route, const Request& request, std::string_view parameter) const;
  Answer preflight(const Request& request, std::string_view allow) const;
  void add_cors(const Request& request, Answer& answer) const;
  void finish(const Request& request, std::string_view route, Answer& answer) const;

  // recordings_api.cpp
  Task<Answer> put_recording(const Request& request, Asked asked);
  Task<Answer> get_recording(const Request& request, Asked asked);
  Task<Answer> delete_recording(const Request& request, Asked asked);
  Task<Answer> list_recordings(const Request& request, Asked asked);
  Task<Answer> fetch_recording(const Request& request, Asked asked);

  // runs_api.cpp
  Task<Answer> list_runs(const Request& request, Asked asked);
  Task<Answer> get_run(const Request& request, Asked asked);
  Task<Answer> cancel_run(const Request& request, Asked asked);

  // stream_api.cpp
  std::optional<Answer> from_shelf(const Request& request, Asked asked);
  Task<Answer> stream(const Request& request, Asked asked);
  Task<Answer> opened(const Request& request, Key key, stream::Wait wait, bool only_looks, bool by_node);
  Task<std::optional<Answer>> from_elsewhere(const Request& request, Key key, stream::Elsewhere elsewhere);
  Streamed continued(std::optional<Bytes> length, Continued::Of of, Continued::Source source, const Relay* relay);
  void count_play(const Request& request, int status);
  Answer ready(const Request& request, const std::shared_ptr<const stream::Ready>& ready, bool by_node);
  Answer arriving(const Request& request, const Key& key, const stream::Arriving& arriving, bool by_node);
  static Answer pending(const Request& request, const run::Flight::View& view);

  // events_api.cpp
  Task<Answer> events(const Request& request, Asked asked);
  Task<End> send_events(Out& out, Key key);

  // pages.cpp
  Task<Answer> health(const Request& request, Asked asked);
  Task<Answer> readiness(const Request& request, Asked asked);
  Task<Answer> metrics_text(const Request& request, Asked asked);
  Task<Answer> log_in(const Request& request, Asked asked);
  Task<Answer> log_out(const Request& request, Asked asked);
  Task<Answer> not_built(const Request& request, Asked asked);
  Answer page(const Request& request) const;

  /// Where a flight is under way it knows more than the ledger; and past retention a recording is gone, whether the
  /// sweep has come to it yet or not.
  void freshen(Recording& recording) const;
  /// Who has heard the last byte finds the recording ready: suspends while that is being written down.
  Task<bool> let_settle(std::shared_ptr<run::Flight> flight) const;

  const Parts parts_;
  const Config config_;
  Plays plays_;
  LastCall last_call_;
  Inquiry<std::optional<WallTime>> next_due_;
  Inquiry<ledger::Counts> counts_;
  std::atomic<bool> draining_ = false;
  std::atomic<bool> closing_ = false;
};

Answer json_answer(int status, const std::string& body);

/// Which recording of the call a request means. Errors: `bad_call_sid`.
result<Key> key_of(const Request& request, TenantId tenant, std::string call_sid);

/// Did a person press Play (contract section 5)? A prefetch never counts.
bool is_explicit(const Request& request);

/// A limit and a cursor, as every list takes them. Errors: `bad_request`.
result<int> limit_of(const Request& request);

}  // namespace onetake::http
