#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "simulator/answer.hpp"
#include "simulator/audio.hpp"
#include "simulator/counters.hpp"

namespace onetake::simulator {

class House;
struct Hosted;

/// Thrown by `until` when the moment does not come in time; says what was waited for and what happened.
struct Overdue : std::runtime_error {
  using std::runtime_error::runtime_error;
};
inline constexpr milliseconds patience{30'000};

/// A media request as it came in.
struct Seen {
  std::string path;      ///< and query
  std::string range;     ///< "" if there was none
  std::string if_range;  ///< "" if there was none
  std::string accept_encoding;
  int status = 0;  ///< of the answer; 0 if it was none
};

/// One recording at the provider: a handle, copies mean the same recording. Any thread. Valid also after its Provider
/// is gone, though nothing happens any more.
///
///     auto call = provider.has("CA1", speech(10s)).answering(cut_at(0.5), the_rest());
///     call.until(request(2).begins());
class Call {
 public:
  Call(std::shared_ptr<House> house, std::shared_ptr<Hosted> hosted);

  std::string sid;
  std::string recording_sid;
  Audio audio;

  // -- where it is
  [[nodiscard]] std::string url() const;         ///< Twilio's address without an extension, as in its callbacks
  [[nodiscard]] std::string url_path() const;    ///< the same, without scheme and host
  [[nodiscard]] std::string media_url() const;   ///< /media/{call sid}: plain HTTP
  [[nodiscard]] std::string signed_url() const;  ///< with its credentials in the query

  // -- the script; from the next request on
  /// The first request gets the first answer, and so on (`times`, `during`); the last one repeats. At least one.
  Call answering(std::vector<Answer> script) const;
  template <std::same_as<Answer>... More>
  Call answering(Answer first, More... more) const {
    return answering(std::vector<Answer>{std::move(first), std::move(more)...});
  }
  Call also_as(Audio other_format) const;       ///< without it every other extension is 404
  Call behind_bearer(std::string token) const;  ///< `media_url` wants `Authorization: Bearer token`
  Call behind_redirect() const;                 ///< Twilio's and the plain address answer 302 to `signed_url`
  Call behind_redirect_to(std::string url) const;
  Call listed_after(unsigned lookups) const;  ///< so many look-ups find nothing yet

  // -- what happens
  /// Blocks until the moment has come. Throws Overdue.
  void until(const Moment& moment, milliseconds at_most = patience) const;
  /// Whoever waits at the barrier goes on; whoever comes later does not stop there.
  void release(const std::string& barrier) const;

  [[nodiscard]] Counters counters() const;
  [[nodiscard]] std::uint64_t requests() const { return counters().requests; }
  [[nodiscard]] Bytes bytes_sent() const { return counters().bytes_sent; }
  [[nodiscard]] std::vector<Seen> seen() const;  ///< media requests, in order of arrival

 private:
  std::shared_ptr<House> house_;
  std::shared_ptr<Hosted> hosted_;
};

/// An imposter of a telephony provider: a server on a loopback port with a thread of its own.
///
///   path                                                         what
///   -----------------------------------------------------------  ---------------------------------------------------
///   /2010-04-01/Accounts/{AC}/Recordings/{RE}[.wav|.mp3|.json]   Twilio's; Basic authentication; ?RequestedChannels=2
///   /2010-04-01/Accounts/{AC}/Calls/{CA}/Recordings.json         Twilio's list of a call's recordings
///   /media/{call sid or recording sid}[.ext]                     a file, with a bearer token if so told
///   /signed/{call sid or recording sid}?sig=…                    a file; whoever has the address may
///
/// Any thread.
class Provider {
 public:
  struct Options {
    std::string account_sid = "AC5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e";
    std::string auth_token = "0b5e55ed0b5e55ed0b5e55ed0b5e55ed";
    std::uint16_t port = 0;  ///< 0: any free one
  };

  Provider();
  explicit Provider(Options options);
  /// Cuts every connection.
  ~Provider();
  Provider(const Provider&) = delete;
  Provider& operator=(const Provider&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::string base_url() const;  ///< http://127.0.0.1:PORT
  [[nodiscard]] const std::string& account_sid() const;
  [[nodiscard]] const std::string& auth_token() const;

  /// One more recording of that call. Its sid is made from the call's and the count unless given.
  Call has(std::string call_sid, Audio audio, std::string recording_sid = {});
  /// A call that is known and has no recording: its list is empty, where an unknown call's is 404.
  void knows(std::string call_sid);
  /// The answer of recordings without a script; `whole()` unless told.
  void usually(Answer answer);
  /// More media requests at once than that are 429 with code 20429.
  void allows(std::uint64_t concurrent);

  /// Over all recordings, and what belonged to none.
  [[nodiscard]] Counters counters() const;
  void until(const Moment& moment, milliseconds at_most = patience) const;

 private:
  std::shared_ptr<House> house_;
};

}  // namespace onetake::simulator
