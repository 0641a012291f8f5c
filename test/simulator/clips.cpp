#include "simulator/clips.hpp"

#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "simulator/wav_header.hpp"

namespace onetake::simulator {
namespace {

std::vector<std::int16_t> load(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  std::ostringstream all;
  if (file) all << file.rdbuf();
  const std::string bytes = std::move(all).str();
  const auto found = parse_wav(bytes);
  if (!found || found->header.rate != 8'000 || found->header.channels != 1 || found->header.bits != 16)
    throw std::runtime_error(path.string() +
                             " is missing or no 8 kHz mono WAV; it belongs to the Debian package "
                             "asterisk-core-sounds-en-wav: apt-get install asterisk-core-sounds-en-wav");
  const std::size_t length = std::min<std::size_t>(found->header.data_bytes, bytes.size() - found->offset) / 2;
  std::vector<std::int16_t> samples(length);
  std::memcpy(samples.data(), bytes.data() + found->offset, length * 2);
  return samples;
}

/// Played at 0.85 of the speed, between samples by straight lines: about three semitones lower.
std::vector<std::int16_t> lowered(const std::vector<std::int16_t>& voice) {
  constexpr double speed = 0.85;
  if (voice.size() < 2) return voice;
  std::vector<std::int16_t> out(static_cast<std::size_t>(static_cast<double>(voice.size() - 1) / speed));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double at = static_cast<double>(i) * speed;
    const auto left = static_cast<std::size_t>(at);
    const double part = at - static_cast<double>(left);
    out[i] = static_cast<std::int16_t>(voice[left] * (1 - part) + voice[left + 1] * part);
  }
  return out;
}

}  // namespace

std::optional<std::filesystem::path> find_clips(const std::filesystem::path& sounds) {
  std::error_code none;
  for (const auto& folder : std::filesystem::directory_iterator{sounds, none})
    if (std::filesystem::exists(folder.path() / "vm-goodbye.wav", none)) return folder.path();
  return std::nullopt;
}

std::span<const std::int16_t> Clips::say(Who who, const std::string& name) {
  auto [it, is_new] = known_.try_emplace({who, name});
  if (is_new) {
    try {
      it->second = load(folder_ / (name + ".wav"));
    } catch (...) {
      known_.erase(it);
      throw;
    }
    if (who == Who::customer) it->second = lowered(it->second);
  }
  return it->second;
}

}  // namespace onetake::simulator
