#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "base/loop.hpp"
#include "simulator/provider.hpp"
#include "simulator/request.hpp"

namespace onetake::simulator {

using Tcp = asio::ip::tcp;
class Session;

/// One recording, its script and what happened to it. Guarded by `House::mutex`.
struct Hosted {
  std::string call_sid;
  std::string recording_sid;
  std::vector<Audio> formats;  ///< never empty; the first is what `has` was given
  WallTime created{};

  std::vector<Answer> script;  ///< empty: as the provider usually answers
  std::size_t step = 0;        ///< in `script`
  unsigned used = 0;           ///< requests that the step has answered
  std::optional<Deadline> step_ends;

  std::optional<std::string> bearer;
  std::optional<std::string> redirect;  ///< "": to the signed address here
  unsigned unlisted = 0;

  std::set<std::string> released;
  Counters counters;
  std::vector<Seen> seen;
};

/// A media request that the script answers: how, and as what.
struct Media {
  std::shared_ptr<Hosted> hosted;
  Answer answer;
  Audio audio;
  std::uint64_t serial;  ///< its place in `Hosted::seen`, from 0
};

/// An answer that is not the script's business.
struct Reply {
  int status;
  std::string body;
  std::string content_type = "application/json; charset=utf-8";
  std::vector<std::pair<std::string, std::string>> headers = {};
};

/// The provider itself: what it hosts, its thread, its connections.
class House {
 public:
  explicit House(Provider::Options options);
  ~House();

  void open();
  /// Cuts every connection and ends the thread. Once.
  void shut();

  [[nodiscard]] std::string base_url() const { return "http://127.0.0.1:" + std::to_string(port); }
  [[nodiscard]] std::string recording_path(const Hosted& hosted) const;
  [[nodiscard]] std::string signed_path(const Hosted& hosted) const;

  /// What to do with a request. On the loop's thread.
  std::variant<Reply, Media> decide(const Request& request);

  /// Changes counters, of the recording and of all, and wakes whoever waits for a moment.
  template <class Change>
  void note(Hosted& hosted, Change change) {
    {
      const std::lock_guard lock{mutex};
      change(hosted.counters);
      change(totals);
    }
    changed.notify_all();
  }

  /// Blocks until the moment has come for `counters`, which the mutex guards.
  void until(const Counters& counters, const std::string& whose, const Moment& moment, milliseconds at_most);
  void release(Hosted& hosted, const std::string& barrier);

  const Provider::Options options;
  std::uint16_t port = 0;
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::multimap<std::string, std::shared_ptr<Hosted>, std::less<>> by_call;
  std::map<std::string, std::shared_ptr<Hosted>, std::less<>> by_sid;
  std::set<std::string, std::less<>> silent_calls;
  std::optional<Answer> usual;
  std::optional<std::uint64_t> most_active;
  Counters totals;

  // On the loop's thread.
  bool ending = false;
  std::set<Session*> sessions;

  /// A coroutine that uses this house. `shut` lets the loop run until there is none.
  class Guest {
   public:
    explicit Guest(House& house) : house_(house) { ++house_.guests_; }
    ~Guest() {
      --house_.guests_;
      house_.leave_if_empty();
    }
    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;

   private:
    House& house_;
  };

 private:
  Task<void> accept();

  std::variant<Reply, Media> twilio(const Request& request, std::string_view rest);
  Reply listing(const Request& request, std::string_view call_sid);
  std::variant<Reply, Media> file(const Request& request, std::string_view name, bool is_signed);
  std::variant<Reply, Media> media(const Request& request, const std::shared_ptr<Hosted>& hosted, const Audio& audio);
  std::shared_ptr<Hosted> find(std::string_view name) const;
  Answer next_answer(Hosted& hosted) const;
  /// Adds to the recording's counter and the total; the mutex is held.
  void count(Hosted* hosted, std::uint64_t Counters::* which);

  void leave_if_empty();

  std::size_t guests_ = 0;
  std::string basic_;  ///< what Authorization has to be
  Loop loop_;
  asio::basic_socket_acceptor<Tcp, Executor> acceptor_{loop_.get_executor()};
  std::thread thread_;
  friend class Session;
};

}  // namespace onetake::simulator
