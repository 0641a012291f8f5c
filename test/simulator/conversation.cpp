#include "simulator/conversation.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <random>
#include <system_error>

#include "simulator/wav_header.hpp"

namespace onetake::simulator {
namespace {

using Who = Clips::Who;

/// What one of them says without the other coming in. "#" stands for a digit that differs from call to call,
/// "*" for a letter of the telephone alphabet.
struct Turn {
  Who who;
  std::vector<const char*> words;
};
using Exchange = std::vector<Turn>;

const Exchange& greeting() {
  static const Exchange made{{Who::agent, {"hello"}}, {Who::customer, {"hello"}}};
  return made;
}

const Exchange& farewell() {
  static const Exchange made{
      {Who::agent, {"queue-thankyou"}}, {Who::customer, {"auth-thankyou", "vm-goodbye"}}, {Who::agent, {"vm-goodbye"}}};
  return made;
}

const std::vector<Exchange>& exchanges() {
  constexpr auto agent = Who::agent;
  constexpr auto customer = Who::customer;
  static const std::vector<Exchange> made{
      {{agent, {"one-moment-please"}}},
      {{customer, {"number-not-answering"}}, {agent, {"sorry-youre-having-problems"}}},
      {{agent, {"privacy-prompt"}},
       {customer, {"digits/5", "digits/5", "digits/5", "digits/0", "digits/1", "#", "#"}},
       {agent, {"auth-thankyou", "one-moment-please"}}},
      {{customer, {"all-circuits-busy-now"}}, {agent, {"im-sorry", "please-try-call-later"}}},
      {{agent, {"pls-hold-while-try"}}, {customer, {"privacy-thankyou"}}},
      {{customer, {"cannot-complete-as-dialed"}},
       {agent, {"check-number-dial-again"}},
       {customer, {"vm-no", "tt-somethingwrong"}}},
      {{agent, {"tt-weasels"}}, {customer, {"im-sorry", "please-try-again"}}, {agent, {"tt-weasels"}}},
      {{agent, {"location"}}, {customer, {"*", "*", "#", "#"}}, {agent, {"you-entered", "*", "*", "#", "#"}}},
      {{customer, {"one-moment-please"}}, {agent, {"queue-thankyou"}}},
      {{agent, {"at-tone-time-exactly", "digits/10", "digits/40", "digits/a-m"}}, {customer, {"auth-thankyou"}}},
      {{agent, {"please-try-call-later"}},
       {customer, {"digits/tomorrow", "digits/at", "digits/4", "digits/p-m"}},
       {agent, {"digits/tomorrow"}}},
      {{agent, {"ss-noservice"}}, {customer, {"something-terribly-wrong"}}, {agent, {"sorry"}}},
      {{customer, {"feature-not-avail-line"}}, {agent, {"num-was-successfully", "added"}}},
      {{agent, {"followme/pls-hold-while-try"}}, {customer, {"privacy-thankyou"}}, {agent, {"followme/sorry"}}},
      {{customer, {"telephone-number"}},
       {agent, {"digits/5", "digits/5", "digits/5", "digits/0", "digits/1", "#", "#"}},
       {customer, {"is-in-use"}}},
      {{agent, {"queue-holdtime", "digits/2", "queue-minutes"}}, {customer, {"vm-no", "please-try-again"}}},
      {{customer, {"vm-nobodyavail"}}, {agent, {"pls-hold-while-try"}}, {customer, {"auth-thankyou"}}}};
  return made;
}

/// A stereo file that grows turn by turn; the other side is silent meanwhile.
class Tape {
 public:
  Tape(const std::filesystem::path& path, std::size_t frames) : path_(path), frames_(frames) {
    partial_ += ".partial";
    file_.exceptions(std::ios::badbit | std::ios::failbit);
    file_.open(partial_, std::ios::binary | std::ios::trunc);
    WavHeader header;
    header.data_bytes = static_cast<std::uint32_t>(frames * 4);
    const auto bytes = header.encode();
    file_.write(bytes.data(), bytes.size());
  }

  void say(Who who, std::span<const std::int16_t> voice) {
    // On a tape, left is first.
    buffer_.assign(voice.size() * 2, 0);
    for (std::size_t i = 0; i < voice.size(); ++i) buffer_[2 * i + (who == Who::agent ? 1 : 0)] = voice[i];
    write();
  }

  void pause(std::size_t frames) {
    for (std::size_t n = 0; frames > 0; frames -= n) {
      n = std::min<std::size_t>(frames, 8'000);
      buffer_.assign(n * 2, 0);
      write();
    }
  }

  [[nodiscard]] std::size_t left() const { return frames_ - written_; }

  void finish() {
    pause(left());
    file_.close();
    std::filesystem::rename(partial_, path_);
  }

 private:
  void write() {
    file_.write(reinterpret_cast<const char*>(buffer_.data()), static_cast<std::streamsize>(buffer_.size() * 2));
    written_ += buffer_.size() / 2;
  }

  std::filesystem::path path_;
  std::filesystem::path partial_ = path_;
  std::size_t frames_;
  std::size_t written_ = 0;
  std::ofstream file_;
  std::vector<std::int16_t> buffer_;
};

/// The exchange's sounds in order, with the pauses of people who listen to each other.
struct Sound {
  Who who;
  std::span<const std::int16_t> voice;  ///< empty: a pause
  std::size_t pause = 0;
  [[nodiscard]] std::size_t frames() const { return voice.size() + pause; }
};

class Cast {
 public:
  Cast(Clips& clips, unsigned seed) : clips_(clips), chance_(seed) {}

  std::vector<Sound> perform(const Exchange& exchange) {
    std::vector<Sound> sounds;
    for (const auto& turn : exchange) {
      for (const char* word : turn.words) {
        sounds.push_back({turn.who, clips_.say(turn.who, spell(word))});
        sounds.push_back({turn.who, {}, 400});
      }
      sounds.push_back({turn.who, {}, 2'400 + below(3'200)});
    }
    return sounds;
  }

  /// By hand: the standard's distributions differ from library to library.
  std::size_t below(std::size_t n) { return chance_() % n; }

 private:
  std::string spell(const char* word) {
    if (std::strcmp(word, "#") == 0) return "digits/" + std::to_string(below(10));
    if (std::strcmp(word, "*") == 0) return std::string{"phonetic/"} + static_cast<char>('a' + below(26)) + "_p";
    return word;
  }

  Clips& clips_;
  std::minstd_rand chance_;
};

std::size_t frames_of(const std::vector<Sound>& sounds) {
  std::size_t n = 0;
  for (const auto& sound : sounds) n += sound.frames();
  return n;
}

}  // namespace

void write_conversation(Clips& clips, const std::filesystem::path& path, std::chrono::seconds length, unsigned seed) {
  const auto frames = static_cast<std::size_t>(length.count()) * 8'000;
  std::error_code absent;
  if (std::filesystem::file_size(path, absent) == WavHeader::size + frames * 4) return;

  Cast cast{clips, seed};
  Tape tape{path, frames};
  const auto play = [&](const std::vector<Sound>& sounds) {
    for (const auto& sound : sounds) sound.voice.empty() ? tape.pause(sound.pause) : tape.say(sound.who, sound.voice);
  };
  const auto end = cast.perform(farewell());
  play(cast.perform(greeting()));
  // A different round through the exchanges each time; the short first one fits into any gap.
  std::vector<std::size_t> order(exchanges().size());
  for (bool room = true; room;) {
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    for (std::size_t i = order.size() - 1; i > 0; --i) std::swap(order[i], order[cast.below(i + 1)]);
    room = false;
    for (const std::size_t i : order) {
      const auto next = cast.perform(exchanges()[i]);
      if (frames_of(next) + frames_of(end) > tape.left()) continue;
      play(next);
      room = true;
    }
  }
  if (frames_of(end) <= tape.left()) play(end);
  tape.finish();
}

}  // namespace onetake::simulator
