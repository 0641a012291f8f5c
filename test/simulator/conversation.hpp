#pragma once

#include <chrono>
#include <filesystem>

#include "simulator/clips.hpp"

namespace onetake::simulator {

/// Writes a telephone call between a customer (left) and an agent (right) about a line that does not work: stereo WAV,
/// 8 kHz, 16 bit, exactly `length` long, the same for the same `seed`.
///
/// Appears under `path` whole or not at all; what is there already, whole, stays.
/// REQUIRES: length of at least 10 s. Throws if a clip is missing or the disk is full.
void write_conversation(Clips& clips, const std::filesystem::path& path, std::chrono::seconds length, unsigned seed);

}  // namespace onetake::simulator
