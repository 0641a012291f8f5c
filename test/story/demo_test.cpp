// The demo: open to whoever sits at this machine, and to nobody else.

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "story/story.hpp"

namespace onetake::story {
namespace {

/// `onetake demo` on a free port. Its calls are made once for all stories of this process.
class Demo : public testing::Test {
 protected:
  ~Demo() override {
    demo_.signal(SIGTERM);
    EXPECT_EQ(demo_.wait(), 0);
    std::filesystem::remove_all(folder_);
  }

  /// `fields` have to hold Host.
  Got ask(const std::string& method, const std::string& path, const Fields& fields, const std::string& body = {}) {
    Connection connection{port_};
    std::string text = method + ' ' + path + " HTTP/1.1\r\n";
    for (const auto& field : fields) text += field + "\r\n";
    if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    connection.send(text + "\r\n" + body);
    return connection.answer(method == "HEAD");
  }
  std::string here() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  static std::filesystem::path new_folder() {
    auto name = (std::filesystem::temp_directory_path() / "onetake-demo-XXXXXX").string();
    return ::mkdtemp(name.data()) == nullptr ? throw std::runtime_error("no temporary folder") : name;
  }

  std::filesystem::path folder_ = new_folder();
  Process demo_{{ONETAKE_BINARY, "demo", "--listen", "127.0.0.1:0", "--data-dir", folder_.string()}, folder_ / "log"};
  std::uint16_t port_ = [this] {
    const auto said = demo_.line();
    return static_cast<std::uint16_t>(std::stoi(said.substr(said.rfind(':') + 1)));
  }();
};

TEST_F(Demo, LetsInOnlyWhoSitsHere) {
  // Another host's name, pointed at this machine, opens nothing.
  for (const auto* host :
       {"evil.example.com", "127.0.0.1.evil.example.com", "localhost.evil.example.com", "10.0.0.1", "[::2]"})
    for (const auto* path : {"/", "/api/recordings", "/healthz"})
      EXPECT_THAT(ask("GET", path, {std::string{"Host: "} + host}), IsProblem(421, "misdirected")) << host << path;

  // The cookie is given on opening the page, at the top, and nowhere else.
  const auto opened = ask("GET", "/", {"Host: " + here()});
  EXPECT_THAT(opened, Has(200));
  const auto cookie = opened.field("Set-Cookie");
  EXPECT_THAT(cookie, AllOf(HasSubstr("HttpOnly"), HasSubstr("SameSite=Strict")));
  EXPECT_NE(ask("GET", "/", {"Host: localhost:1", "Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate"})
                .field("Set-Cookie"),
            "");
  for (const Fields& fields : {Fields{"Sec-Fetch-Dest: iframe", "Sec-Fetch-Mode: navigate"},
                               Fields{"Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: cors"},
                               Fields{"Sec-Fetch-Dest: image", "Sec-Fetch-Mode: no-cors"}}) {
    auto with_host = fields;
    with_host.push_back("Host: " + here());
    EXPECT_EQ(ask("GET", "/", with_host).field("Set-Cookie"), "") << fields.front();
  }
  EXPECT_EQ(ask("HEAD", "/", {"Host: " + here()}).field("Set-Cookie"), "");
  EXPECT_EQ(ask("GET", "/healthz", {"Host: " + here()}).field("Set-Cookie"), "");

  // Without it nothing opens; with it everything is there to be read.
  const std::string host = "Host: " + here();
  const std::string session = "Cookie: " + cookie.substr(0, cookie.find(';'));
  EXPECT_THAT(ask("GET", "/api/recordings", {host}), IsProblem(401, "unauthorized"));
  EXPECT_THAT(ask("GET", "/api/recordings", {host, session + "x"}), IsProblem(401, "unauthorized"));
  const auto list = ask("GET", "/api/recordings?limit=1&order=asc", {host, session});
  EXPECT_THAT(list, Has(200));
  const auto sid = list["/items/0/call_sid"];
  ASSERT_NE(sid, "");

  // A write has to come from the page itself.
  const auto fetch = recording(sid) + "/fetch";
  for (const auto* origin : {"Origin: http://evil.example.com", "Origin: null", "Origin: http://127.0.0.1"})
    EXPECT_THAT(ask("POST", fetch, {host, session, origin, "Content-Length: 0"}), IsProblem(403, "forbidden"))
        << origin;
  EXPECT_THAT(ask("POST", fetch, {host, session, "Content-Length: 0"}), IsProblem(403, "forbidden"));
  EXPECT_THAT(ask("DELETE", recording(sid), {host, session}), IsProblem(403, "forbidden"));
  EXPECT_THAT(ask("GET", recording(sid), {host, session}), Has(200));
  EXPECT_THAT(ask("POST", fetch, {host, session, "Origin: http://" + here(), "Content-Length: 0"}),
              AnyOf(Has(202), Has(200)));
}

}  // namespace
}  // namespace onetake::story
