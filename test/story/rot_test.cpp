// A disk that has changed what was written to it: found, moved out of the way, and fetched again.

#include <fstream>

#include "story/story.hpp"

namespace onetake::story {
namespace {

namespace fs = std::filesystem;

fs::path only_file(const Server& server) {
  for (const auto& entry : fs::recursive_directory_iterator{server.folder() / "data" / "audio"})
    if (entry.is_regular_file()) return entry.path();
  throw std::runtime_error("no audio");
}

void flip_a_byte(const fs::path& path) {
  std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
  file.seekg(10'000);
  const auto byte = static_cast<char>(file.get() ^ 1);
  file.seekp(10'000);
  file.put(byte);
}

// Nobody has to play it for that: the files are read again from the start on.
TEST(Rot, IsFoundByReadingAgain) {
  Provider provider;
  Server server{provider};
  auto rotten = provider.has("CA1", speech(5s));
  auto sound = provider.has("CA2", speech(5s));
  server.has(rotten);
  ASSERT_EQ(server.fetched("CA1"), "ready");
  ASSERT_EQ(server.stop(), 0);
  flip_a_byte(only_file(server));
  server.start();
  server.has(sound);
  ASSERT_EQ(server.fetched("CA2"), "ready");

  ASSERT_TRUE(Server::eventually([&] { return server.get(recording("CA1"))["/state"] == "remote"; }));
  EXPECT_TRUE(Server::eventually([&] { return server.files("quarantine") == 1; }));
  EXPECT_EQ(server.metric("onetake_cache_quarantined_total", "checksum"), 1);
  EXPECT_EQ(server.get(recording("CA2"))["/state"], "ready");

  auto person = server.play(rotten);
  person.until_the_end();
  EXPECT_THAT(person, Each(HeardExactly(rotten.audio)));
  ASSERT_EQ(server.settled("CA1"), "ready");
  EXPECT_EQ(server.get(recording("CA1"))["/run/cycle"], "2");
  EXPECT_EQ(sound.requests(), 1U);
}

}  // namespace
}  // namespace onetake::story
