#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "simulator/audio.hpp"
#include "story/reader.hpp"

namespace onetake::story {

/// One person who pressed Play: what has come so far, compared with what should come as it comes, and not kept.
class Listener {
 public:
  Listener(Fd fd, bool of_head_request, simulator::Audio expected);

  [[nodiscard]] int status() const { return reader_.status(); }
  [[nodiscard]] std::string field(std::string_view name) const { return reader_.field(name); }
  [[nodiscard]] Standing standing() const { return reader_.standing(); }
  [[nodiscard]] bool over() const { return standing() == Standing::whole || standing() == Standing::cut; }
  [[nodiscard]] Bytes from() const { return from_; }    ///< the first byte's place in the recording
  [[nodiscard]] Bytes heard() const { return heard_; }  ///< bytes of the body
  [[nodiscard]] const std::optional<Bytes>& wrong_at() const { return wrong_at_; }  ///< none: every byte was right
  [[nodiscard]] const std::string& text() const { return text_; }                   ///< of an answer that is not audio

 private:
  friend class Listeners;
  void read_some();
  void hear(std::string_view bytes);

  Fd fd_;
  Reader reader_;
  simulator::Audio expected_;
  Bytes from_ = 0;
  Bytes heard_ = 0;
  std::optional<Bytes> wrong_at_;
  std::string text_;
};

/// For messages.
std::ostream& operator<<(std::ostream& out, const Listener& listener);

/// What the kernel takes for a listener who is not reading: for the slow little, or they would have megabytes all the
/// same.
enum class Pace { any, slow };

/// Any number of them, on the test's own thread: bytes are read within these calls and wait in the kernel between them.
class Listeners {
 public:
  /// `request` is sent as it is, on `n` connections.
  Listeners(std::uint16_t port, const std::string& request, std::size_t n, const simulator::Audio& expected, Pace pace);

  /// Reads until every one of them is so, or has heard the end. Throws when nothing comes for `patience`.
  void until(const std::function<bool(const Listener&)>& so);
  void until_the_end();
  void until_heard(Bytes bytes);
  /// Reads what is there now.
  void catch_up();

  [[nodiscard]] auto begin() const { return all_.begin(); }
  [[nodiscard]] auto end() const { return all_.end(); }
  [[nodiscard]] std::size_t size() const { return all_.size(); }
  [[nodiscard]] const Listener& operator[](std::size_t i) const { return all_.at(i); }
  using value_type = Listener;  // what makes it a container to GoogleMock
  using const_iterator = std::vector<Listener>::const_iterator;

 private:
  bool read_until(const std::function<bool(const Listener&)>& so, int timeout_ms);

  std::vector<Listener> all_;
};

}  // namespace onetake::story
