#include "story/balancer.hpp"

#include <csignal>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace onetake::story {
namespace {

std::string content(const std::filesystem::path& path) {
  std::ifstream file{path};
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The shipped one, but for the port.
std::string shipped(std::uint16_t port) {
  auto text = content(ONETAKE_DEPLOY "/nginx/onetake.conf");
  const std::string listens = "listen 8000;";
  const auto at = text.find(listens);
  if (at == std::string::npos) throw std::runtime_error("deploy/nginx/onetake.conf listens on another port");
  return text.replace(at, listens.size(), "listen 127.0.0.1:" + std::to_string(port) + ';');
}

}  // namespace

Balancer::Balancer(const std::vector<const Server*>& nodes) {
  write(nodes);
  const auto& folder = folder_.path();
  std::ofstream{folder / "nginx.conf"} << "daemon off;\npid " << (folder / "pid").string() << ";\nerror_log "
                                       << (folder / "log").string()
                                       << " warn;\nworker_processes 1;\nevents {}\nhttp {\n  access_log off;\n"
                                       << "  client_body_temp_path body;\n  proxy_temp_path proxy;\n"
                                       << "  fastcgi_temp_path fastcgi;\n  uwsgi_temp_path uwsgi;\n"
                                       << "  scgi_temp_path scgi;\n  include onetake.conf;\n}\n";
  std::random_device random;
  for (int attempt = 0; attempt < 20; ++attempt) {  // a port that somebody has is not ours to take
    port_ = static_cast<std::uint16_t>(20'000 + random() % 20'000);
    std::ofstream{folder / "onetake.conf"} << shipped(port_);
    nginx_ = std::make_unique<Process>(
        std::vector<std::string>{"/usr/sbin/nginx", "-p", folder.string(), "-c", (folder / "nginx.conf").string()},
        folder / "log");
    if (Server::eventually([&] { return nginx_->ended() || std::filesystem::exists(folder / "pid"); }) &&
        !nginx_->ended() && Server::eventually([&] {
          try {
            return get("/healthz").status == 200;
          } catch (const std::exception&) {
            return false;
          }
        }))
      return;
  }
  throw std::runtime_error("no nginx: " + content(folder / "log"));
}

Balancer::~Balancer() {
  if (nginx_->ended()) return;
  nginx_->signal(SIGTERM);  // its workers would outlive a SIGKILL
  nginx_->wait();
}

void Balancer::write(const std::vector<const Server*>& nodes) const {
  std::ofstream file{folder_.path() / "onetake-nodes.conf"};
  for (const auto* node : nodes) file << "server 127.0.0.1:" << node->port() << " max_fails=0;\n";
}

void Balancer::has(const std::vector<const Server*>& nodes) {
  write(nodes);
  nginx_->signal(SIGHUP);
}

std::string Balancer::request(const std::string& path, const Fields& fields) const {
  std::string text = "GET " + path + " HTTP/1.1\r\nHost: calls.example.com\r\nAuthorization: Bearer acme-key\r\n";
  for (const auto& field : fields) text += field + "\r\n";
  return text + "\r\n";
}

Got Balancer::get(const std::string& path, const Fields& fields) const {
  Connection connection{port_};
  connection.send(request(path, fields));
  return connection.answer();
}

Listeners Balancer::play(const simulator::Call& call, std::size_t people, Pace pace) const {
  return Listeners{port_, request(story::play(call.sid), {}), people, call.audio, pace};
}

}  // namespace onetake::story
