#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "durable/settings.hpp"
#include "provider/scripted_server_test.hpp"

namespace onetake::durable::test {

using provider::test::Peer;
using provider::test::ScriptedServer;
using provider::test::Seen;

/// What goes wrong with one request.
struct Fault {
  std::string instead = {};          ///< this whole answer is sent, and nothing is done
  bool lost = false;                 ///< it is done, and the connection is reset in place of an answer
  std::size_t cut = 0;               ///< of a GET, after so many bytes of its body the connection is reset
  std::function<void()> pause = {};  ///< … or this is called, and then the rest goes out
};

/// One bucket in memory, with the semantics of S3 that we rely on: parts that nobody can read before they are
/// completed, metadata given at the beginning, ETags that are no MD5. The signature of every request is computed again,
/// and so is the hash of its body.
class Bucket {
 public:
  struct Object {
    std::string bytes;
    std::map<std::string, std::string> fields = {};  ///< content-type and x-amz-…
    std::string etag = {};
    std::string written = "2026-01-01T00:00:00.000Z";
  };
  struct Upload {
    std::string key;
    Object begun = {};
    std::map<int, std::string> parts = {};
    std::string initiated = "2026-01-01T00:00:00.000Z";
  };

  /// `fault` is asked about every request, with the number of those before it that had the same method.
  using Faults = std::function<Fault(const Seen&, int)>;
  explicit Bucket(Faults faults = {});

  [[nodiscard]] Settings settings() const;
  [[nodiscard]] std::map<std::string, Object> objects() const;
  [[nodiscard]] std::map<std::string, Upload> uploads() const;
  void put(const std::string& key, Object object);
  void begin(const std::string& id, Upload upload);

  /// "PUT /recordings/audio/a?partNumber=1", without upload ids.
  [[nodiscard]] std::vector<std::string> asked() const;
  [[nodiscard]] std::vector<Seen> seen() const { return server_.seen(); }

 private:
  void serve(const Seen& seen, Peer& peer);
  std::string act(const Seen& seen);
  std::string object_request(const Seen& seen, const std::string& key);
  std::string multipart_request(const Seen& seen, const std::string& key,
                                const std::map<std::string, std::string>& query);
  std::string list_uploads(const std::map<std::string, std::string>& query);
  std::string list_objects(const std::map<std::string, std::string>& query);

  mutable std::mutex mutex_;
  std::map<std::string, Object> objects_;
  std::map<std::string, Upload> uploads_;
  std::map<std::string, int> count_;
  int next_ = 0;
  Faults faults_;
  ScriptedServer server_;  ///< last: its threads use the rest
};

/// <Error> with this code.
std::string refusal(std::string_view status, std::string_view code, std::string_view fields = {},
                    std::string_view more = {});

}  // namespace onetake::durable::test
