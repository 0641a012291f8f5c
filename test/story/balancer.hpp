#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/temp_folder.hpp"
#include "story/process.hpp"
#include "story/server.hpp"

namespace onetake::story {

/// nginx before some servers, with the configuration that is shipped in deploy/nginx; on a free loopback port.
class Balancer {
 public:
  explicit Balancer(const std::vector<const Server*>& nodes);
  ~Balancer();
  Balancer(const Balancer&) = delete;
  Balancer& operator=(const Balancer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// The servers are these now: their ports have changed, or there are more or less of them. Requests under way go on.
  void has(const std::vector<const Server*>& nodes);

  [[nodiscard]] Got get(const std::string& path, const Fields& fields = {}) const;
  [[nodiscard]] Listeners play(const simulator::Call& call, std::size_t people = 1, Pace pace = Pace::any) const;

 private:
  void write(const std::vector<const Server*>& nodes) const;
  [[nodiscard]] std::string request(const std::string& path, const Fields& fields) const;

  TempFolder folder_;
  std::unique_ptr<Process> nginx_;
  std::uint16_t port_ = 0;
};

}  // namespace onetake::story
