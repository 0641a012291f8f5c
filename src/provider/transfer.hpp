#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/completion.hpp"
#include "base/task.hpp"
#include "base/units.hpp"
#include "provider/address_guard.hpp"
#include "provider/headers.hpp"
#include "provider/provider.hpp"
#include "recording/cause.hpp"

namespace onetake::provider {

enum class Method { get, head, put, post, remove };
/// "GET", "DELETE", …
std::string_view name(Method method);

/// What a PUT or a POST carries: bytes in memory, or a range of a file. The file stays open, and the range as it is,
/// until the transfer has ended.
struct Body {
  std::string bytes = {};
  int file = -1;  ///< -1: `bytes`
  Bytes offset = 0;
  Bytes length = 0;  ///< with `file`

  [[nodiscard]] Bytes size() const { return file < 0 ? bytes.size() : length; }
};

struct Request {
  struct Basic {
    std::string user;
    std::string password;
  };

  Method method = Method::get;
  std::string url;                   ///< http or https, as `Target::url` writes it
  std::vector<std::string> headers;  ///< "Name: value", beside Accept and User-Agent
  std::optional<Basic> basic = {};
  Body body = {};             ///< PUT and POST: also an empty one is sent, with its Content-Length
  Bytes from = 0;             ///< past 0: `Range: bytes=<from>-`
  std::string if_range = {};  ///< with `from`
  milliseconds connect_timeout{10'000};
  milliseconds stall_timeout{20'000};  ///< no byte either way for this long, also before the first
  Deadline deadline = never;
  std::stop_token stop = {};
  std::shared_ptr<const AddressGuard> guard;
};

/// What is known when a head is complete.
struct Response {
  int status = 0;  ///< 0: none came
  Headers headers;
  Framing framing = Framing::until_close;
  std::optional<Bytes> length;  ///< Content-Length, where that is the framing
};

/// Where an answer goes. Called on the transfer thread, `head` once and then `data` in order, until `perform` has
/// returned and not after. False ends the transfer. Every other transfer waits meanwhile: a few milliseconds at most.
class Receiver {
 public:
  virtual ~Receiver() = default;
  virtual bool head(const Response& response) = 0;
  virtual bool data(std::span<const std::byte> bytes) = 0;
};

struct Transferred {
  Response response;
  bool declined = false;           ///< the receiver said false; then nothing is known of the rest
  std::optional<Setback> setback;  ///< nothing: the answer came, whole by its framing
};

/// HTTP requests, all on one thread of their own (libcurl's multi interface): HTTP/1.1, certificates verified,
/// connections kept for the next request, no redirect followed, no proxy, no cookie, nothing from the environment.
/// HTTP/2 is not offered: one connection would then carry, throttle and cut many recordings together.
///
///   a transfer ends by                        cause
///   ----------------------------------------  ------------------------------------
///   no name, no connection, no TLS, no head   unreachable
///   the guard, for every address of the name  refused
///   the connection inside the body            interrupted
///   `stall_timeout`                           stalled
///   `deadline`                                timed_out
///   `stop`, or the end of `Transfers`         internal
///   an answer that is not HTTP                unavailable
///
/// Memory: libcurl's 64 KiB for each transfer under way, and one buffer for all together.
class Transfers {
 public:
  Transfers();
  /// Ends every transfer. Their loops must still be there.
  ~Transfers();
  Transfers(const Transfers&) = delete;
  Transfers& operator=(const Transfers&) = delete;

  /// Any loop, not once the destructor has begun. What the receiver throws is thrown. The caller awaits it to its end:
  /// `receiver` is used until then.
  Task<Transferred> perform(Request request, Receiver& receiver);

 private:
  class Transfer;
  struct Multi;

  void run();
  void wake();
  void begin_new();
  void end_finished();
  void sweep();
  bool collect(Transfer& transfer, std::span<const std::byte> bytes);
  void hand_on();
  void finish(Transfer& transfer);

  std::unique_ptr<Multi> multi_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Transfer>> new_;  ///< under the mutex
  bool ending_ = false;                         ///< under the mutex
  std::atomic<bool> stops_ = false;             ///< some transfer is to be ended before the next sweep is due

  // The transfer thread's own.
  std::map<void*, std::unique_ptr<Transfer>> active_;
  std::vector<std::byte> pending_;  ///< what one read brought, which libcurl hands over in small pieces
  Transfer* pending_for_ = nullptr;
  Monotonic::time_point swept_{};

  std::thread thread_;
};

}  // namespace onetake::provider
