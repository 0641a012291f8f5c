// What a restart of the server leaves of a fetch, and how the next life goes on with it.

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <tuple>

#include "base/log.hpp"
#include "run/receiver.hpp"
#include "run/resume_note.hpp"

namespace onetake::run {
namespace {

/// The newest is that of the highest token, and of its versions the highest.
std::tuple<std::size_t, std::string> rank(const std::string& number) { return {number.size(), number}; }

bool newer(const std::string& one, const std::string& other) {
  const auto parts = [](const std::string& name) {
    const auto version = name.rfind('-');
    const auto token = name.rfind('-', version - 1);
    return std::tuple{rank(name.substr(token + 1, version - token - 1)), rank(name.substr(version + 1))};
  };
  return parts(one) > parts(other);
}

}  // namespace

std::string Receiver::prefix() const { return flight_.run().str() + '-'; }

RunId Receiver::run_of(const std::string& temporary) {
  const auto version = temporary.rfind('-');
  if (version == std::string::npos || version == 0) return {};
  const auto token = temporary.rfind('-', version - 1);
  return token == std::string::npos ? RunId{} : RunId{temporary.substr(0, token)};
}

bool Receiver::resumable() const {
  return std::ranges::any_of(store_.unfinished(), [&](const auto& name) { return run_of(name) == flight_.run(); });
}

void Receiver::resume() {
  auto names = store_.unfinished();
  std::erase_if(names, [&](const auto& name) { return run_of(name) != flight_.run(); });
  std::ranges::sort(names, newer);
  for (const auto& name : names) {
    if (writer_) {
      store_.discard(name);
    } else if (auto resumed = store_.resume(name)) {
      go_on(*std::move(resumed));
    }
  }
}

/// False, and nothing has changed, for what cannot be gone on with; its file goes with it.
bool Receiver::go_on(blob::Store::Resumed resumed) {
  const auto known = resume_note_of(resumed.note);
  const auto size = resumed.writer.written();
  if (!known || size < media::sniff_bytes || size > known->total.value_or(size) || size > most_) return false;
  std::array<std::byte, 65536> buffer{};
  std::optional<media::Kind> kind;
  std::optional<media::Inspector> inspector;
  for (Bytes at = 0; at < size;) {
    const auto want = static_cast<std::size_t>(std::min<Bytes>(buffer.size(), size - at));
    const auto n = ::pread(resumed.writer.growing()->fd(), buffer.data(), want, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    const auto got = static_cast<std::size_t>(std::max<ssize_t>(n, 0));
    if (got == 0 || (at == 0 && got < media::sniff_bytes)) return false;
    const auto here = std::span{buffer}.first(got);
    if (at == 0) {
      kind = media::sniff(here.first(media::sniff_bytes), declared_);
      if (!kind) return false;
      inspector.emplace(*kind, declared_, known->digests);
    }
    inspector->take(here);
    at += got;
  }
  if (!resumed.writer.begin(known->total)) return false;

  version_ = known->version;
  last_modified_ = known->last_modified;
  total_ = answer_total_ = known->total;
  validator_ = known->validator;
  variant_ = known->variant;
  digests_ = known->digests;
  kind_ = std::move(kind);
  inspector_ = std::move(inspector);
  writer_.emplace(std::move(resumed.writer));
  make_audible();
  return true;
}

void Receiver::note() {
  // While what is here is compared with what comes, nobody knows whether the newest validator is that of these bytes.
  const bool compared = writer_->position() == writer_->written();
  ResumeNote known{.version = version_,
                   .last_modified = last_modified_,
                   .total = total_,
                   .validator = compared ? validator_ : "",
                   .variant = variant_,
                   .digests = digests_};
  try {
    writer_->note(text_of(known));
  } catch (const std::system_error& error) {
    // Without it a restart begins anew; with an older one the provider says that its validator is another by now.
    log::warn("blob.unnoted", "what has arrived would not survive a restart", {{"error", error.what()}});
  }
}

}  // namespace onetake::run
