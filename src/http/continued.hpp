#pragma once

#include <optional>
#include <string>
#include <variant>

#include "base/clock.hpp"
#include "http/answer.hpp"
#include "http/relay.hpp"
#include "media/checksum.hpp"
#include "stream/streams.hpp"

namespace onetake::http {

/// The body of an answer that comes live, from this node or from another, and outlives the place that it comes from:
/// where that breaks off it goes on from wherever the audio is now, and who listens sees a pause.
///
///   comes from        breaks off when                              goes on
///   ---------------   ------------------------------------------   ------------------------------------------------
///   a flight          another node has taken its run up            from a flight, from another node, or from the
///   another node      the node dies, stops, or says nothing for    file, whichever there is; until there is one it
///                     a while of a body whose length is known      is looked for, for `patience` after the last byte
///   a published file  never
///
/// What goes on is the same representation, by its strong ETag, or one that begins with the very bytes that were sent:
/// their SHA-256 is compared. Two versions are never glued together; where there is only another, the body is cut, and
/// so it is where there are no other nodes. A comparison that breaks off goes on where it was. For one answer, on its
/// connection's loop.
class Continued {
 public:
  /// What is being sent.
  struct Of {
    Key key;
    std::string target;  ///< of the request
    std::string etag;
    Bytes first = 0;
    std::optional<Bytes> end;     ///< behind its last byte; nothing: up to the end, wherever that is
    std::optional<Bytes> total;   ///< of the representation
    Monotonic::time_point began;  ///< the request
    bool by_node = false;         ///< another node asks, which counts it itself
  };
  using Source = std::variant<stream::Arriving, std::shared_ptr<Neighbour>, std::shared_ptr<const stream::Ready>>;

  /// `relay` is null where this node is the only one, and for what another node asked for: that one goes on.
  Continued(stream::Streams& streams, const Relay* relay, milliseconds patience, Of of, Source source);

  /// Its first bytes are here.
  [[nodiscard]] bool at_hand() const;
  /// Once.
  Task<End> write(Out& out);

 private:
  enum class Came { to_its_end, to_nothing, broke_off };
  /// What was found, for the body to go on from: it does, it never will, or something else has to be found.
  enum class Taken { yes, never, not_yet };

  /// Another representation, read from where the body began and compared with what was sent.
  struct Compared {
    std::string etag;
    Bytes bytes = 0;
    media::Checksum checksum{Digest::Algorithm::sha256};
  };

  Task<Came> send(Out& out);
  Task<Came> send_flight(Out& out, stream::Arriving from);
  Task<Came> send_neighbour(Out& out, std::shared_ptr<Neighbour> from);
  Task<Came> send_file(Out& out, std::shared_ptr<const stream::Ready> from);
  void sent(Bytes bytes);

  Task<bool> find_on();
  Task<Taken> take(stream::Opened opened);
  Task<Taken> take_flight(stream::Arriving there);
  Task<Taken> take_file(std::shared_ptr<const stream::Ready> there);
  Task<Taken> take_neighbour(std::vector<std::string> nodes);
  Task<std::shared_ptr<Neighbour>> ask(Bytes from, std::string etag, const std::vector<std::string>& nodes);
  [[nodiscard]] bool is_rest(const Neighbour& there, Bytes from, std::string_view etag) const;
  [[nodiscard]] bool begins(const Neighbour& there) const;
  Task<Taken> compare(std::shared_ptr<Neighbour> there);
  void go_on_from(Source source, std::string etag);
  Task<void> catch_up();
  Task<bool> begins_alike(int fd);
  [[nodiscard]] bool fits(std::optional<Bytes> total) const { return !of_.total || !total || *of_.total == *total; }
  [[nodiscard]] Deadline until() const { return last_ + patience_; }

  stream::Streams& streams_;
  const Relay* const relay_;
  const milliseconds patience_;
  const Of of_;
  Source source_;
  std::string etag_;  ///< of the representation that is being sent by now: all that was sent is its beginning too
  std::optional<Compared> compared_;
  Bytes at_;      ///< of the next byte to be sent
  Bytes hashed_;  ///< from `first` up to here is in `checksum_`
  media::Checksum checksum_{Digest::Algorithm::sha256};
  std::string left_;  ///< of a neighbour's body, read and to be sent
  Monotonic::time_point last_ = Monotonic::now();
};

}  // namespace onetake::http
