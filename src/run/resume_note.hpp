#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/units.hpp"
#include "recording/digest.hpp"

namespace onetake::run {

/// What a later life of the server has to know to go on with a recording that is half here: what its listeners have
/// been told, and what the provider has said of it.
struct ResumeNote {
  int version = 0;
  WallTime last_modified;
  std::optional<Bytes> total;
  std::string validator;  ///< "" where there was no strong one: then the provider is asked from the start, and compared
  std::string variant;    ///< "" where there is one alone
  std::vector<Digest> digests;

  bool operator==(const ResumeNote&) const = default;
};

/// A line a field.
std::string text_of(const ResumeNote& note);
/// Nothing for what `text_of` did not write.
std::optional<ResumeNote> resume_note_of(const std::string& text);

}  // namespace onetake::run
