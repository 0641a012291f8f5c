#include <utility>

#include "media/checksum.hpp"
#include "media/container.hpp"
#include "media/media.hpp"

namespace onetake::media {
namespace {

std::unique_ptr<Container> reader(const Kind& kind, std::string_view declared) {
  switch (kind.container) {
    case Kind::Container::riff:
      return riff();
    case Kind::Container::mpeg:
      return mpeg();
    case Kind::Container::ogg:
      return ogg();
    case Kind::Container::flac:
      return flac();
    case Kind::Container::mp4:
      return mp4();
    case Kind::Container::ebml:
      return ebml();
    case Kind::Container::amr:
      return amr();
    case Kind::Container::raw:
      break;
  }
  return raw(declared);
}

std::string_view name(Digest::Algorithm algorithm) {
  switch (algorithm) {
    case Digest::Algorithm::md5:
      return "MD5";
    case Digest::Algorithm::sha1:
      return "SHA-1";
    case Digest::Algorithm::sha256:
      return "SHA-256";
    case Digest::Algorithm::sha512:
      return "SHA-512";
  }
  return {};
}

}  // namespace

class Inspector::Parts {
 public:
  Parts(const Kind& kind, std::string_view declared, std::vector<Digest> expected)
      : container_(reader(kind, declared)), sha256_(Digest::Algorithm::sha256) {
    for (auto& digest : expected) {
      const auto algorithm = digest.algorithm;
      expected_.emplace_back(std::move(digest), Checksum{algorithm});
    }
  }

  void take(Span bytes) {
    size_ += bytes.size();
    sha256_.take(bytes);
    for (auto& [digest, checksum] : expected_)
      if (digest.algorithm != Digest::Algorithm::sha256) checksum.take(bytes);
    container_->take(bytes);
  }

  std::expected<Verdict, std::string> finish(bool framed) {
    if (size_ == 0) return std::unexpected("it is empty");
    const auto sha256 = sha256_.so_far();
    for (auto& [digest, checksum] : expected_) {
      const auto got = digest.algorithm == Digest::Algorithm::sha256 ? sha256 : checksum.so_far();
      if (got != digest.bytes)
        return std::unexpected("it is not what the provider's " + std::string{name(digest.algorithm)} + " says");
    }
    const auto says = container_->end(size_);
    if (!says) return std::unexpected(says.error());
    if (!framed && *says != Says::all)
      return std::unexpected("it ended with the connection, and nothing in it says that this is all");
    return Verdict{hex(sha256), container_->describe(size_)};
  }

 private:
  std::unique_ptr<Container> container_;
  Checksum sha256_;
  std::vector<std::pair<Digest, Checksum>> expected_;
  Bytes size_ = 0;
};

Inspector::Inspector(const Kind& kind, std::string_view declared, std::vector<Digest> expected)
    : parts_(std::make_unique<Parts>(kind, declared, std::move(expected))) {}
Inspector::~Inspector() = default;
Inspector::Inspector(Inspector&&) noexcept = default;
Inspector& Inspector::operator=(Inspector&&) noexcept = default;

void Inspector::take(std::span<const std::byte> bytes) { parts_->take(bytes); }

std::expected<Inspector::Verdict, std::string> Inspector::finish(bool framed) { return parts_->finish(framed); }

}  // namespace onetake::media
