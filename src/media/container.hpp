#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "media/bytes.hpp"
#include "media/media.hpp"

namespace onetake::media {

/// What a container says of its own end.
enum class Says {
  nothing,  ///< the bytes may go on or not, as far as it tells
  all       ///< this is all
};

/// Reads one recording's structure as it passes.
class Container {
 public:
  Container() = default;
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;
  virtual ~Container() = default;

  virtual void take(Span bytes) = 0;
  /// After the last of `size` bytes. Errors: there should be more, for a person.
  [[nodiscard]] virtual std::expected<Says, std::string> end(Bytes size) const = 0;
  [[nodiscard]] virtual Description describe(Bytes size) const = 0;
};

/// A container that is read in pieces, each of a size that the one before told, whatever sizes the bytes come in.
class Walker : public Container {
 public:
  void take(Span bytes) final;

 protected:
  static constexpr std::size_t longest_piece = 4096;

  /// One piece of the wanted size. Says what comes next: `skip`, then `want`; or nothing more is asked for (`rest`).
  virtual void piece(Span bytes) = 0;

  /// REQUIRES: 0 < bytes <= longest_piece.
  void want(std::size_t bytes) { want_ = bytes; }
  void skip(Bytes bytes) { skip_ = bytes; }
  void rest() { rest_ = true; }

  /// The offset of the byte that follows the newest piece; past the skip after it, `at() + skip`.
  [[nodiscard]] Bytes at() const { return at_; }
  /// Nothing is missing from what was wanted or skipped.
  [[nodiscard]] bool between_pieces() const { return held_.empty() && skip_ == 0; }

 private:
  std::size_t want_ = 0;
  Bytes skip_ = 0;
  bool rest_ = false;
  Bytes at_ = 0;
  std::vector<std::byte> held_;
};

std::unique_ptr<Container> riff();
std::unique_ptr<Container> mpeg();
std::unique_ptr<Container> ogg();
std::unique_ptr<Container> flac();
std::unique_ptr<Container> mp4();
std::unique_ptr<Container> ebml();
std::unique_ptr<Container> amr();
/// `declared` is one of `mulaw alaw g722 gsm`.
std::unique_ptr<Container> raw(std::string_view declared);

}  // namespace onetake::media
