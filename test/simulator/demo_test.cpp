#include "simulator/demo.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <set>

#include "simulator/clips.hpp"
#include "simulator/conversation.hpp"
#include "simulator/visitor.hpp"
#include "simulator/wav_header.hpp"

namespace onetake::simulator {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::HasSubstr;

class Folder : public testing::Test {
 protected:
  Folder() {
    std::string name = (fs::temp_directory_path() / "demo_test.XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::system_error(errno, std::generic_category(), name);
    folder = name;
  }
  ~Folder() override { fs::remove_all(folder); }

  fs::path folder;
};

/// How loud a channel is, a second at a time.
std::vector<double> loudness(const std::string& wav, std::size_t channel) {
  std::vector<double> seconds((wav.size() - 44) / 32'000, 0);
  for (std::size_t i = 0; i < seconds.size() * 8'000; ++i) {
    std::int16_t sample = 0;
    std::memcpy(&sample, wav.data() + 44 + i * 4 + channel * 2, 2);
    seconds[i / 8'000] += std::abs(sample) / 8'000.0;
  }
  return seconds;
}

using DemoClips = Folder;

TEST_F(DemoClips, AreFoundWhereTheyAreInstalled) {
  EXPECT_EQ(find_clips(folder), std::nullopt);
  EXPECT_EQ(find_clips(folder / "nowhere"), std::nullopt);
  fs::create_directories(folder / "en_US_somebody");
  std::ofstream{folder / "en_US_somebody" / "vm-goodbye.wav"} << "x";
  EXPECT_EQ(find_clips(folder), folder / "en_US_somebody");
}

TEST_F(DemoClips, SayWhichPackageIsMissing) {
  Clips clips{folder};
  for (int i = 0; i < 2; ++i) try {
      clips.say(Clips::Who::agent, "hello");
      FAIL();
    } catch (const std::runtime_error& error) {
      EXPECT_THAT(error.what(), HasSubstr("apt-get install asterisk-core-sounds-en-wav"));
    }
  try {
    const Demo demo{folder, std::nullopt};
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("apt-get install asterisk-core-sounds-en-wav"));
  }
}

TEST_F(DemoClips, HaveTwoVoices) {
  Clips clips{find_clips().value()};
  const auto agent = clips.say(Clips::Who::agent, "hello");
  const auto customer = clips.say(Clips::Who::customer, "hello");
  EXPECT_NEAR(static_cast<double>(customer.size()), static_cast<double>(agent.size()) / 0.85, 3);
}

using Conversation = Folder;

TEST_F(Conversation, HasTheLengthAskedForAndTwoPartiesWhoTakeTurns) {
  Clips clips{find_clips().value()};
  for (const auto length : {10s, 11s, 75s, 120s}) {
    const auto path = folder / (std::to_string(length.count()) + ".wav");
    write_conversation(clips, path, length, 7);
    const std::string wav = from_file(path).bytes();
    ASSERT_EQ(wav.size(), 44 + static_cast<std::size_t>(length.count()) * 32'000);
    EXPECT_EQ(parse_wav(wav)->header.data_bytes, wav.size() - 44);

    const auto customer = loudness(wav, 0);
    const auto agent = loudness(wav, 1);
    std::size_t left = 0, right = 0, both = 0, quiet = 0;
    for (std::size_t s = 0; s < customer.size(); ++s) {
      if (customer[s] > 100) ++left;
      if (agent[s] > 100) ++right;
      if (customer[s] > 100 && agent[s] > 100) ++both;
      if (customer[s] < 10 && agent[s] < 10) ++quiet;
    }
    const std::size_t n = customer.size();
    EXPECT_GE(left, n / 5) << length.count();
    EXPECT_GE(right, n / 5) << length.count();
    EXPECT_LE(both, n / 2) << length.count() << ": turns change within a second, but not always";
    EXPECT_LE(quiet, 4U) << length.count();
  }
}

TEST_F(Conversation, IsTheSameForTheSameSeed) {
  Clips clips{find_clips().value()};
  write_conversation(clips, folder / "a.wav", 30s, 1);
  write_conversation(clips, folder / "b.wav", 30s, 1);
  write_conversation(clips, folder / "c.wav", 30s, 2);
  EXPECT_EQ(from_file(folder / "a.wav").sha256(), from_file(folder / "b.wav").sha256());
  EXPECT_NE(from_file(folder / "a.wav").sha256(), from_file(folder / "c.wav").sha256());
}

TEST_F(Conversation, HalfAFileIsMadeAgainAndAWholeOneStays) {
  Clips clips{find_clips().value()};
  const auto path = folder / "a.wav";
  write_conversation(clips, path, 10s, 1);
  const auto made = fs::last_write_time(path) - 1h;
  fs::last_write_time(path, made);
  write_conversation(clips, path, 10s, 1);
  EXPECT_EQ(fs::last_write_time(path), made);

  fs::resize_file(path, 100'000);
  std::ofstream{folder / "a.wav.partial"} << "left by a crash";
  write_conversation(clips, path, 10s, 1);
  EXPECT_EQ(fs::file_size(path), 320'044U);
  EXPECT_FALSE(fs::exists(folder / "a.wav.partial"));
}

TEST_F(Conversation, ThatFindsNoRoomLeavesNothingUnderItsName) {
  Clips clips{find_clips().value()};
  EXPECT_THROW(write_conversation(clips, folder / "no" / "folder.wav", 10s, 1), std::ios::failure);
  EXPECT_FALSE(fs::exists(folder / "no"));
}

class DemoCalls : public Folder {
 protected:
  static Visitor::Got play(const Demo& demo, const DemoCall& call) {
    return get(static_cast<std::uint16_t>(std::stoi(demo.base_url().substr(17))), call.source_url + ".wav",
               {"Authorization: Basic "
                "QUM1Y2ExYWIxZTVjYTFhYjFlNWNhMWFiMWU1Y2ExYWIxZTowYjVlNTVlZDBiNWU1NWVkMGI1ZTU1ZWQwYjVlNTVlZA=="});
  }
  static const DemoCall& about(const Demo& demo, const std::string& topic) {
    for (const auto& call : demo.calls())
      if (call.labels.at("topic") == topic) return call;
    throw std::out_of_range(topic);
  }
};

TEST_F(DemoCalls, AreDescribedAsAProviderWould) {
  const Demo demo{folder};
  std::set<std::string> sids;
  std::set<double> lengths;
  ASSERT_EQ(demo.calls().size(), 8U);
  for (const auto& call : demo.calls()) {
    EXPECT_THAT(call.call_sid, testing::MatchesRegex("CA[0-9a-f]{32}"));
    EXPECT_THAT(call.recording_sid, testing::MatchesRegex("RE[0-9a-f]{32}"));
    EXPECT_THAT(call.from, testing::MatchesRegex("\\+1[0-9]{3}55501[0-9]{2}"));
    EXPECT_THAT(call.to, testing::MatchesRegex("\\+1[0-9]{3}55501[0-9]{2}"));
    EXPECT_EQ(call.direction == "inbound" ? call.to : call.from, "+12025550100");
    EXPECT_THAT(call.labels.at("attribution"), HasSubstr("CC BY-SA 3.0"));
    EXPECT_LT(call.started_at, wall_now());
    sids.insert(call.call_sid);
    lengths.insert(call.duration_seconds.value_or(0));
  }
  EXPECT_EQ(sids.size(), demo.calls().size());
  for (const double length : {10.0, 120.0, 1'800.0}) EXPECT_TRUE(lengths.contains(length)) << length;
  EXPECT_TRUE(std::ranges::is_sorted(demo.calls(), std::ranges::greater{}, &DemoCall::started_at));
}

TEST_F(DemoCalls, AreTheSameOnTheSecondStart) {
  std::vector<DemoCall> first = Demo{folder}.calls();
  std::ofstream{folder / "first-start"} << "2026-01-01T00:00:00.000Z";
  const auto second = Demo{folder}.calls();
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].source_url, second[i].source_url);
    EXPECT_LT(second[i].started_at, parse_rfc3339("2026-01-01T00:00:00.000Z"));
  }
}

TEST_F(DemoCalls, PlayAndMisbehaveAsTold) {
  const Demo demo{folder};
  const auto& brief = about(demo, "short");
  const auto got = play(demo, brief);
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, from_file(folder / (brief.call_sid + ".wav")).bytes());
  EXPECT_EQ(play(demo, about(demo, "just ended")).status, 404);
  EXPECT_EQ(play(demo, about(demo, "deleted at the provider")).status, 410);
  const auto page = play(demo, about(demo, "provider in trouble"));
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr("<html>"));
}

}  // namespace
}  // namespace onetake::simulator
