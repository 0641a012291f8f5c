#include "story/shared_database.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>

#include "story/process.hpp"

namespace onetake::story {
namespace {

std::string server_url() {
  const char* said = std::getenv("ONETAKE_POSTGRES");
  if (said == nullptr) throw std::runtime_error("ONETAKE_POSTGRES names no server; ctest starts one");
  if (*said != '@') return said;
  std::ifstream file{said + 1};
  std::string url;
  std::getline(file, url);
  if (url.empty()) throw std::runtime_error(std::string{said} + " holds no URL");
  return url;
}

std::string new_name() {
  static std::atomic<int> count;
  return "story_" + std::to_string(::getpid()) + '_' + std::to_string(++count);
}

std::string psql(const std::string& url, const std::string& sql) {
  Process command{{"/usr/bin/psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql}, "/dev/null"};
  std::string out;
  for (auto line = command.line(); !line.empty(); line = command.line()) out += line + '\n';
  if (command.wait() != 0) throw std::runtime_error("psql failed: " + sql);
  return out;
}

}  // namespace

SharedDatabase::SharedDatabase()
    : server_(server_url()), name_(new_name()), url_(server_ + "?options=-csearch_path%3D" + name_) {
  psql(server_, "CREATE SCHEMA " + name_);
}

SharedDatabase::~SharedDatabase() {
  try {
    psql(server_, "SET client_min_messages = warning; DROP SCHEMA " + name_ + " CASCADE");
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
  }
}

Server::Settings SharedDatabase::node(const Server::Settings& more) const {
  Server::Settings settings{{"database.url", '"' + url_ + '"'}, {"database.pool", "4"},
                            {"fetch.lease", "\"2s\""},          {"fetch.heartbeat", "\"200ms\""},
                            {"fetch.sweep", "\"200ms\""},       {"server.node_silence", "\"2s\""}};
  for (const auto& [key, value] : more) settings[key] = value;
  return settings;
}

std::string SharedDatabase::ask(const std::string& sql) const { return psql(url_, sql); }

}  // namespace onetake::story
