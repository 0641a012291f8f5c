#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/task.hpp"
#include "base/units.hpp"
#include "blob/growing.hpp"
#include "provider/provider.hpp"

/// The durable copy of a recording, which all nodes share; the local disk is the cache in front of it.
namespace onetake::durable {

/// Why something did not happen. `detail` is one sentence for an operator: what is wrong and, where it is theirs to
/// mend, what to do. It names no secret.
struct Trouble {
  enum class Kind {
    unavailable,    ///< no connection, overloaded, out of time: later it may work
    misconfigured,  ///< keys, rights, bucket, region, clock: an operator has to do something
    refused,        ///< this one, by the storage or by somebody in between: it is too large; others may be taken
    missing,        ///< the storage itself has said that there is no such copy, or no such upload any more
    different,      ///< what lies or went there is not what it was said to be
    ended,          ///< the caller's own doing: stopped, or the recording was abandoned
  };
  Kind kind;
  std::string detail;
};

/// Trouble with the storage is an answer and not an exception: a recording can be heard without its copy. The disk that
/// is copied from throws std::system_error where it fails.
template <class T>
using Answer = std::expected<T, Trouble>;

/// How long something may go on, repetitions included. REQUIRES: a deadline that comes.
struct Until {
  Deadline deadline;
  std::stop_token stop = {};
};

/// A recording that is whole.
struct Object {
  std::string name;  ///< [A-Za-z0-9._-]+, as `Media::blob`; never given to other bytes
  Bytes size = 0;
  std::string sha256;  ///< lower case hex
  std::string content_type;
};

/// What the storage says of a copy.
struct Found {
  Bytes size = 0;
  std::string etag;    ///< a strong validator; the MD5 of nothing in particular
  std::string sha256;  ///< "" for one that was sent while it arrived: nobody knew it when it was begun
  std::string mark;    ///< of the upload that made it, where that was in parts
};

/// A copy in a list of them.
struct Listed {
  std::string name;
  Bytes size = 0;
  WallTime written;
};

/// What is to be read.
struct Wanted {
  std::string name;
  std::string sha256 = {};     ///< told to the sink as the digest of the whole, so that its inspector checks it
  Bytes from = 0;              ///< go on here; the answer may still begin at 0
  std::string validator = {};  ///< REQUIRES, when `from` > 0: what the earlier `Head` had
  Until until;
};

/// One recording on its way to the storage while it arrives.
///
///   phase      entered by            what lies there             calls
///   ---------  --------------------  --------------------------  ----------------------------------------
///   waiting    Copies::grow          nothing                     follow, complete, abort
///   in parts   follow, at one part   parts that nobody can read  follow, complete, abort
///   complete   complete              the copy                    –
///   aborted    abort                 nothing                     –
///
/// A recording shorter than one part is sent by `complete`, in one request. One call at a time, each awaited to its
/// end. Destroyed in parts it leaves them to `Copies::abort_forgotten`.
class Upload {
 public:
  virtual ~Upload() = default;

  /// Sends part after part as the watermark passes them, until the recording is whole or abandoned (`ended`). After any
  /// other trouble it may be called again, or `complete` sends what is missing. `until.stop` is looked at between
  /// parts, and twice a second while none arrives.
  virtual Task<Answer<void>> follow(Until until) = 0;

  /// REQUIRES: the recording is whole, and every check has passed. When this has succeeded the copy is readable,
  /// durable, of this size, and every part was received as it was hashed. After trouble: again, or `abort`.
  virtual Task<Answer<void>> complete(Object object, Until until) = 0;

  /// Nothing stays. Any number of times.
  virtual Task<Answer<void>> abort(Until until) = 0;
};

/// The port. Any loop; lives as long as the server.
class Copies {
 public:
  virtual ~Copies() = default;

  /// Stores a finished file. `file` stays open and unchanged until the end. Success has been confirmed by the storage:
  /// where its answer was lost it has been asked.
  virtual Task<Answer<void>> put(Object object, int file, Until until) = 0;

  /// Nothing is sent before `follow` or `complete`.
  virtual std::unique_ptr<Upload> grow(std::string name, std::string content_type,
                                       std::shared_ptr<blob::Growing> growing) = 0;

  /// As `provider::Provider::fetch`: one `begin`, then bytes in order; an interruption is gone on from by Range under
  /// the same ETag, unseen by the sink, until `wanted.until`. Causes: `missing`, `unavailable`, `unreachable`,
  /// `timed_out`, `wrong_content` for a copy that changed in mid-read, `internal` where the sink or the caller stopped
  /// it.
  virtual Task<provider::Outcome> read(Wanted wanted, provider::Sink& sink) = 0;

  /// Nothing when there is no such copy.
  virtual Task<Answer<std::optional<Found>>> look(std::string name, Until until) = 0;

  /// The copies whose names come after `after`, in the order of their bytes; as many as the storage tells at once, none
  /// at the end.
  virtual Task<Answer<std::vector<Listed>>> list(std::string after, Until until) = 0;

  /// Success also when there was none.
  virtual Task<Answer<void>> remove(std::string name, Until until) = 0;

  /// Uploads of ours that were begun before `before` and never ended, and so cost money. How many were aborted.
  virtual Task<Answer<int>> abort_forgotten(WallTime before, Until until) = 0;

  /// Puts, looks at, reads and removes a small object: for `onetake check`.
  virtual Task<Answer<void>> check(Until until) = 0;
};

}  // namespace onetake::durable
