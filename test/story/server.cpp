#include "story/server.hpp"

#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

namespace onetake::story {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

const Server::Settings usual{
    {"server.drain_timeout", "\"1s\""}, {"fetch.allow_addresses", "[\"127.0.0.0/8\"]"},
    {"fetch.allow_plain_http", "true"}, {"fetch.backoff_initial", "\"10ms\""},
    {"fetch.backoff_max", "\"50ms\""},  {"fetch.failure_cooldown", "\"1h\""},
};

std::string sha256(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    constexpr std::string_view digits = "0123456789abcdef";
    hex += digits[digest.at(i) >> 4];
    hex += digits[digest.at(i) & 15];
  }
  return hex;
}

fs::path new_folder() {
  std::string name = (fs::temp_directory_path() / "onetake-story-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  return name;
}

std::string content(const fs::path& path) {
  std::ifstream file{path};
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// A thousand connections need as many descriptors here.
void raise_descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

std::string recording(const std::string& call_sid) { return "/api/recordings/" + call_sid; }
std::string stream(const std::string& call_sid) { return recording(call_sid) + "/stream"; }
std::string play(const std::string& call_sid) { return stream(call_sid) + "?explicit_user_action=true"; }

Server::Server(const simulator::Provider& provider, Settings settings)
    : Server(provider, std::move(settings), Later{}) {
  start();
}

Server::Server(const simulator::Provider& provider, Settings settings, Later)
    : folder_(new_folder()),
      config_(folder_ / "onetake.toml"),
      base_url_(provider.base_url()),
      account_sid_(provider.account_sid()),
      auth_token_(provider.auth_token()),
      settings_(std::move(settings)) {
  settings_.insert(usual.begin(), usual.end());
  raise_descriptor_limit();
}

Server::~Server() {
  if (process_ && process_->ended()) ADD_FAILURE() << "the server ended by itself: " << process_->wait();
  process_.reset();
  // 2: the story is about a configuration that cannot be read.
  if (const auto verified = run({"verify", "CONFIG"}); verified.status != 0 && verified.status != 2)
    ADD_FAILURE() << "what the server left behind does not hold together: " << verified.out;
  const auto said = log();
  for (const auto* const alarm : {"Sanitizer", "runtime error:"})
    if (said.find(alarm) != std::string::npos) ADD_FAILURE() << "a sanitizer found something";
  if (testing::Test::HasFailure()) std::cerr << said;
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void Server::write_config() const {
  std::ofstream file{config_};
  for (const auto& [key, value] : settings_) file << key << " = " << value << '\n';
  file << "server.data_dir = \"" << (folder_ / "data").string() << "\"\n"
       << "admin.api_key_sha256 = \"" << sha256("admin-key") << "\"\n"
       << "[[tenant]]\nid = \"acme\"\napi_key_sha256 = [\"" << sha256("acme-key") << "\"]\n"
       << "url_signing_keys = [{ id = \"k1\", secret = \"a secret of 24 letters..\" }]\n"
       << "[[tenant.provider]]\nname = \"main\"\ntype = \"twilio\"\naccount_sid = \"" << account_sid_
       << "\"\nauth_token = \"" << auth_token_ << "\"\n";
  // Without plain HTTP the imposter may not even be configured.
  if (settings_.at("fetch.allow_plain_http") == "true") file << "base_url = \"" << base_url_ << "\"\n";
  file << "[[tenant.provider]]\nname = \"web\"\ntype = \"http\"\nallowed_hosts = [\""
       << base_url_.substr(base_url_.rfind('/') + 1) << "\"]\n"
       << "[[tenant.provider]]\nname = \"anywhere\"\ntype = \"http\"\nallowed_hosts = [\"*\"]\n"
       << "[[tenant]]\nid = \"globex\"\napi_key_sha256 = [\"" << sha256("globex-key") << "\"]\n"
       << "[[tenant.provider]]\nname = \"web\"\ntype = \"http\"\nallowed_hosts = [\""
       << base_url_.substr(base_url_.rfind('/') + 1) << "\"]\n";
}

void Server::start(const Settings& changed, std::vector<std::string> under) {
  for (const auto& [key, value] : changed) settings_[key] = value;
  write_config();
  for (const auto& word : {std::string{ONETAKE_BINARY}, std::string{"serve"}, std::string{"--config"}, config_.string(),
                           std::string{"--listen"}, std::string{"127.0.0.1:0"}})
    under.push_back(word);
  process_ = std::make_unique<Process>(under, folder_ / "log");
  const auto said = process_->line();
  if (!said.starts_with("listening on http://127.0.0.1:")) throw std::runtime_error("no server: " + said + log());
  port_ = static_cast<std::uint16_t>(std::stoi(said.substr(said.rfind(':') + 1)));
}

int Server::wait() {
  const int status = process_->wait();
  process_.reset();
  return status;
}

int Server::stop() {
  signal(SIGTERM);
  return wait();
}

bool Server::kill() {
  if (!process_) return true;
  const bool had_ended = process_->ended();
  process_.reset();
  return had_ended;
}

Said Server::run(std::vector<std::string> words) const {
  for (auto& word : words)
    if (word == "CONFIG") word = "--config=" + config_.string();
  words.insert(words.begin(), ONETAKE_BINARY);
  Process command{words, folder_ / "log"};
  std::string out;
  for (auto line = command.line(); !line.empty(); line = command.line()) out += line + '\n';
  return {command.wait(), std::move(out)};
}

Got Server::has(const simulator::Call& call, const std::string& provider, const std::string& more) const {
  const auto source = provider == "main" ? call.url() : call.media_url();
  auto got = put(recording(call.sid), R"({"provider": ")" + provider + R"(", "source_url": ")" + source + '"' +
                                          (more.empty() ? "" : ", " + more) + "}");
  if (got.status != 200 && got.status != 201) ADD_FAILURE() << "cannot register " << call.sid << ": " << got;
  return got;
}

std::string Server::request(const std::string& method, const std::string& path, const Fields& fields,
                            const std::string& body) const {
  std::string text = method + ' ' + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port_) + "\r\n";
  bool signed_in = path.find("sig=") != std::string::npos;
  for (const auto& field : fields) {
    signed_in = signed_in || field.starts_with("Authorization:");
    if (field != nobody) text += field + "\r\n";
  }
  if (!signed_in) text += "Authorization: Bearer acme-key\r\n";
  if (!body.empty()) text += "Content-Type: application/json\r\n";
  if (!body.empty() || method == "POST" || method == "PUT")
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return text + "\r\n" + body;
}

Got Server::ask(const std::string& method, const std::string& path, const Fields& fields,
                const std::string& body) const {
  auto connection = connect();
  connection.send(request(method, path, fields, body));
  return connection.answer(method == "HEAD");
}

Got Server::get(const std::string& path, const Fields& fields) const { return ask("GET", path, fields); }
Got Server::head(const std::string& path, const Fields& fields) const { return ask("HEAD", path, fields); }
Got Server::put(const std::string& path, const std::string& body, const Fields& fields) const {
  return ask("PUT", path, fields, body);
}
Got Server::post(const std::string& path, const std::string& body, const Fields& fields) const {
  return ask("POST", path, fields, body);
}
Got Server::del(const std::string& path, const Fields& fields) const { return ask("DELETE", path, fields); }

Listeners Server::play(const simulator::Call& call, std::size_t people, const Fields& fields, Pace pace) const {
  return listen(request("GET", story::play(call.sid), fields), people, call.audio, pace);
}

Listeners Server::listen(const std::string& request, std::size_t people, const simulator::Audio& expected,
                         Pace pace) const {
  return Listeners{port_, request, people, expected, pace};
}

std::string Server::settled(const std::string& call_sid) const {
  const auto events = get(recording(call_sid) + "/events").body;
  const auto last = events.rfind("event: ");
  if (last == std::string::npos) return {};
  return events.substr(last + 7, events.find('\n', last) - last - 7);
}

std::string Server::fetched(const std::string& call_sid) const {
  // A fetch may have ended before this is answered.
  EXPECT_THAT(post(recording(call_sid) + "/fetch").status, testing::AnyOf(200, 202, 500));
  return settled(call_sid);
}

double Server::metric(const std::string& name, const std::string& label) const {
  std::istringstream lines{get("/metrics").body};
  double sum = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto series = line.substr(0, line.find_first_of("{ "));
    const bool mine = series == name || series == name + "_count";
    if (mine && (label.empty() || line.find("=\"" + label + '"') != std::string::npos))
      sum += std::stod(line.substr(line.rfind(' ')));
  }
  return sum;
}

bool Server::eventually(const std::function<bool()>& so) {
  for (const auto late = std::chrono::steady_clock::now() + patience; !so();) {
    if (std::chrono::steady_clock::now() > late) return false;
    std::this_thread::sleep_for(2ms);  // between two looks: nothing depends on it
  }
  return true;
}

void Server::until(const std::string& name, const std::string& label, double least) const {
  if (!eventually([&] { return metric(name, label) >= least; }))
    throw std::runtime_error(name + ' ' + label + " is only " + std::to_string(metric(name, label)));
}

std::size_t Server::files(const std::string& folder) const {
  std::size_t n = 0;
  for (const auto& entry : fs::recursive_directory_iterator{folder_ / "data" / folder}) n += entry.is_regular_file();
  return n;
}

void Server::rot() const {
  for (const auto& entry : fs::recursive_directory_iterator{folder_ / "data" / "audio"}) {
    if (!entry.is_regular_file()) continue;
    std::fstream file{entry.path(), std::ios::in | std::ios::out | std::ios::binary};
    file.seekg(10'000);
    const auto byte = static_cast<char>(file.get() ^ 1);
    file.seekp(10'000);
    file.put(byte);
  }
}

Bytes Server::peak_memory() const {
  std::istringstream lines{content("/proc/" + std::to_string(pid()) + "/status")};
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) * 1024;
  throw std::runtime_error("no VmHWM");
}

std::string Server::log() const { return content(folder_ / "log"); }

}  // namespace onetake::story
