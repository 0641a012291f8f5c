#include "run/blob_name.hpp"

#include <charconv>

namespace onetake::run {
namespace {

constexpr std::size_t uuid_size = 36;

}  // namespace

std::string BlobName::str(std::int64_t token, int version) const {
  return recording.str() + '-' + std::to_string(cycle) + '-' + std::to_string(token) + '-' + std::to_string(version);
}

std::optional<BlobName> BlobName::parse(std::string_view name) {
  if (name.size() < uuid_size + 2 || name[uuid_size] != '-') return std::nullopt;
  BlobName parsed{.recording = RecordingId{std::string{name.substr(0, uuid_size)}}};
  const auto* const end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + uuid_size + 1, end, parsed.cycle);
  if (error != std::errc{} || stop == end || *stop != '-') return std::nullopt;
  return parsed;
}

}  // namespace onetake::run
