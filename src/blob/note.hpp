#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace onetake::blob {

// What lies beside a temporary file. It is worth something as long as the machine has not been started anew: a file
// that was not synced survives the end of a process and not the loss of power.

/// Where the note of DIR/temporary/NAME lies: DIR/notes/NAME.
std::filesystem::path note_of(const std::filesystem::path& temporary);

/// The text with this boot's id before it and a mark behind it, by which a whole note is known.
std::string note_for_this_boot(const std::string& text);
/// The text again; nothing for one of another boot, one that is cut short, or none.
std::optional<std::string> read_note(const std::filesystem::path& path);

}  // namespace onetake::blob
