#include "simulator/demo.hpp"

#include <array>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "simulator/clips.hpp"
#include "simulator/conversation.hpp"

namespace onetake::simulator {
namespace {

using namespace std::chrono_literals;

/// What the provider does with a call's recording.
enum class Mood { brisk, fast, not_ready_yet, slow, gone, error_page };

struct Scene {
  const char* sid;  ///< behind "CA" and "RE"
  const char* from;
  const char* to;
  const char* direction;
  std::chrono::minutes before;  ///< the first start
  std::chrono::seconds length;
  Mood mood;
  const char* topic;
};

// Numbers 555-0100 to 555-0199 are kept free for fiction.
constexpr std::array scenes{Scene{"0f3a7c52e1b84d69a0c7d2e45b918f01", "+12025550147", "+12025550100", "inbound", 1min,
                                  15s, Mood::not_ready_yet, "just ended"},
                            Scene{"1b64d08f9a2e4c37b5f1e6038c7da902", "+13035550112", "+12025550100", "inbound", 9min,
                                  10s, Mood::brisk, "short"},
                            Scene{"2c95e17a0b3f4d48a6c2f7149d8eb103", "+12025550100", "+14155550168", "outbound", 26min,
                                  120s, Mood::brisk, "two minutes"},
                            Scene{"3da6f28b1c404e59b7d308259e9fc204", "+16175550129", "+12025550100", "inbound", 48min,
                                  1800s, Mood::fast, "half an hour"},
                            Scene{"4eb7039c2d514f6aa8e419360fa0d305", "+12065550183", "+12025550100", "inbound", 95min,
                                  60s, Mood::slow, "slow line"},
                            Scene{"5fc814ad3e62407bb9f52a4710b1e406", "+12025550100", "+15125550134", "outbound",
                                  170min, 120s, Mood::brisk, "two minutes"},
                            Scene{"60d925be4f73418cca063b5821c2f507", "+17025550155", "+12025550100", "inbound",
                                  1'500min, 75s, Mood::error_page, "provider in trouble"},
                            Scene{"71ea36cf5084429ddb174c6932d30608", "+12025550100", "+19075550191", "outbound",
                                  10'200min, 300s, Mood::gone, "deleted at the provider"}};

Answer answer_of(Mood mood) {
  switch (mood) {
    case Mood::brisk:
      return after(400ms).at(500'000);
    case Mood::fast:
      return after(400ms).at(2'000'000);
    case Mood::slow:
      return after(900ms).at(100'000);
    case Mood::not_ready_yet:
      return after(150ms).at(500'000);
    case Mood::gone:
      return gone().after(300ms);
    case Mood::error_page:
      return error_page().after(600ms);
  }
  throw std::logic_error("a mood without an answer");
}

bool has_audio(Mood mood) { return mood != Mood::gone && mood != Mood::error_page; }

/// Read from `folder`, or now, and written there.
WallTime first_start(const std::filesystem::path& folder) {
  const auto path = folder / "first-start";
  std::ifstream file{path};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  if (const auto then = parse_rfc3339(text)) return *then;
  const auto now = std::chrono::floor<std::chrono::seconds>(wall_now());
  std::ofstream{path} << rfc3339(now);
  return now;
}

}  // namespace

Demo::Demo(const std::filesystem::path& folder, const std::optional<std::filesystem::path>& clips_folder) {
  if (!clips_folder)
    throw std::runtime_error(
        "the demo's calls are made from recorded speech that is not installed: apt-get install "
        "asterisk-core-sounds-en-wav");
  std::filesystem::create_directories(folder);
  const WallTime start = first_start(folder);
  Clips clips{*clips_folder};
  unsigned seed = 0;
  for (const auto& scene : scenes) {
    ++seed;
    const auto path = folder / (std::string{"CA"} + scene.sid + ".wav");
    if (has_audio(scene.mood)) write_conversation(clips, path, scene.length, seed);
    const Call call = provider_.has(std::string{"CA"} + scene.sid, has_audio(scene.mood) ? from_file(path) : speech(1s),
                                    std::string{"RE"} + scene.sid);
    std::vector<Answer> script{answer_of(scene.mood)};
    const bool late = scene.mood == Mood::not_ready_yet;
    if (late) script.insert(script.begin(), not_ready().during(8s));
    call.answering(std::move(script));
    calls_.push_back(
        {call.sid,
         call.recording_sid,
         call.url_path(),
         scene.from,
         scene.to,
         scene.direction,
         start - scene.before,
         late ? std::nullopt : std::optional{static_cast<double>(scene.length.count())},
         2,
         {{"topic", scene.topic}, {"attribution", "Asterisk core sounds, CC BY-SA 3.0"}, {"agent_channel", "right"}}});
  }
}

}  // namespace onetake::simulator
