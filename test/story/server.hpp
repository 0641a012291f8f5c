#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "simulator/provider.hpp"
#include "story/connection.hpp"
#include "story/listeners.hpp"
#include "story/process.hpp"

namespace onetake::story {

/// Lines of a request's head: "Range: bytes=0-99".
using Fields = std::vector<std::string>;

/// Whose request it is; a request without an Authorization line is acme's.
inline const std::string nobody = "Authorization:";
inline const std::string globex = "Authorization: Bearer globex-key";
inline const std::string admin = "Authorization: Bearer admin-key";

/// "/api/recordings/CA1", "…/stream", and the stream as a press of Play asks for it.
std::string recording(const std::string& call_sid);
std::string stream(const std::string& call_sid);
std::string play(const std::string& call_sid);

/// What a command printed, and how it ended.
struct Said {
  int status;
  std::string out;
};

/// The real server, a process of its own with a data directory of its own, in front of the imposter.
///
/// Tenant acme has two providers: `main`, a twilio at the imposter, and `web`, an http that may fetch from there.
/// Tenant globex has a key and a `web` of its own. Waits between attempts are short, what fails cools down for longer
/// than a story.
class Server {
 public:
  /// Key and value in place of the story's usual configuration: `{{"fetch.max_attempts", "1"}}`, values as TOML has
  /// them.
  using Settings = std::map<std::string, std::string>;

  explicit Server(const simulator::Provider& provider, Settings settings = {});
  /// Not started yet.
  struct Later {};
  Server(const simulator::Provider& provider, Settings settings, Later);
  /// Kills the process. Fails the test if it had ended by itself, if a sanitizer has said something, and if `onetake
  /// verify` finds that what it left behind does not hold together.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // -- its life

  /// `under`: words that stand before the server's own, such as strace's. Throws when it ends before it listens.
  void start(const Settings& changed = {}, std::vector<std::string> under = {});
  void signal(int number) const { process_->signal(number); }
  /// Waits for the end: exit status, or minus the signal.
  int wait();
  /// SIGTERM, and waits.
  int stop();
  /// SIGKILL, unless it has ended by itself: true if it had.
  bool kill();
  [[nodiscard]] pid_t pid() const { return process_->pid(); }
  /// Another process: `onetake WORDS`, with --config where it stands as "CONFIG".
  [[nodiscard]] Said run(std::vector<std::string> words) const;

  // -- what is asked of it

  /// Registers the call: with `main` by its Twilio address, with `web` by its plain one. `more` is JSON's inside, as in
  /// `"format": "mulaw"`.
  Got has(const simulator::Call& call, const std::string& provider = "main", const std::string& more = {}) const;

  [[nodiscard]] Got get(const std::string& path, const Fields& fields = {}) const;
  [[nodiscard]] Got head(const std::string& path, const Fields& fields = {}) const;
  [[nodiscard]] Got put(const std::string& path, const std::string& body, const Fields& fields = {}) const;
  [[nodiscard]] Got post(const std::string& path, const std::string& body = {}, const Fields& fields = {}) const;
  [[nodiscard]] Got del(const std::string& path, const Fields& fields = {}) const;
  [[nodiscard]] Got ask(const std::string& method, const std::string& path, const Fields& fields = {},
                        const std::string& body = {}) const;
  /// The same as text, for a Connection.
  [[nodiscard]] std::string request(const std::string& method, const std::string& path, const Fields& fields = {},
                                    const std::string& body = {}) const;
  [[nodiscard]] Connection connect() const { return Connection{port_}; }

  /// So many people press Play, each on a connection of their own.
  [[nodiscard]] Listeners play(const simulator::Call& call, std::size_t people = 1, const Fields& fields = {},
                               Pace pace = Pace::any) const;
  [[nodiscard]] Listeners listen(const std::string& request, std::size_t people, const simulator::Audio& expected,
                                 Pace pace = Pace::any) const;

  /// Waits until the recording is ready or has failed, by its events; the last one's name. A failure that has cooled
  /// down is none: that recording is cold, and its events wait for a press.
  [[nodiscard]] std::string settled(const std::string& call_sid) const;

  /// Has it fetched without listening, and waits as `settled` does.
  [[nodiscard]] std::string fetched(const std::string& call_sid) const;

  // -- what can be seen of it

  /// The sum of a series, or of those of it that have a label with this value; of a histogram, how often it was
  /// observed.
  [[nodiscard]] double metric(const std::string& name, const std::string& label = {}) const;
  /// Waits until the metric is at least so much.
  void until(const std::string& name, const std::string& label, double least) const;
  /// Waits until it is so, of what no event tells. False: it does not come.
  [[nodiscard]] static bool eventually(const std::function<bool()>& so);
  /// How many files lie under `audio` or `temporary` in the data directory.
  [[nodiscard]] std::size_t files(const std::string& folder) const;
  /// Changes a byte of every published file, as a disk does that is going.
  void rot() const;
  /// The most memory that it has ever held.
  [[nodiscard]] Bytes peak_memory() const;
  [[nodiscard]] std::string log() const;
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  void write_config() const;

  std::filesystem::path folder_;
  std::filesystem::path config_;
  std::string base_url_;
  std::string account_sid_;
  std::string auth_token_;
  Settings settings_;
  std::unique_ptr<Process> process_;
  std::uint16_t port_ = 0;
};

}  // namespace onetake::story
