#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "http/neighbour.hpp"
#include "http/request.hpp"
#include "tenant/node_pass.hpp"

namespace onetake::http {

/// Asks other nodes for a stream, in the name of whoever asked this one. One hop: who is asked by a node does not ask
/// on. Any loop.
class Relay {
 public:
  /// A request as it is passed on: of its fields those that decide about the answer.
  struct Question {
    TenantId tenant = {};
    std::string method = {};
    std::string target = {};
    std::string fields = {};  ///< "Name: value\r\n" each
    milliseconds head_in{30'000};
  };
  static Question question(const Request& request, TenantId tenant);

  /// `secret` is what the nodes of one database share.
  explicit Relay(std::string secret) : pass_(std::move(secret)) {}

  /// The first of `nodes`, by their URLs, whose answer speaks of the recording: 2xx, 304, 412 or 416. Anything else is
  /// that node's own trouble, or the ledger's to say. Null: none does, or none answers.
  Task<std::shared_ptr<Neighbour>> ask(Question question, std::vector<std::string> nodes) const;

  /// On whose behalf another node asks; nothing where no node asks, or one that is not ours.
  [[nodiscard]] std::optional<TenantId> tenant_of(const Request& request, WallTime now) const;

 private:
  tenant::NodePass pass_;
};

}  // namespace onetake::http
