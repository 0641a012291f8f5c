#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/units.hpp"

namespace onetake::story {

/// Where an answer has got to. `cut`: the connection ended, in whatever way, before the answer did.
enum class Standing { awaited, arriving, whole, cut };

/// Reads one answer from a connection, in whatever pieces it comes (RFC 9112 section 6). Keeps the head, and of the
/// body nothing.
class Reader {
 public:
  using Body = std::function<void(std::string_view)>;

  explicit Reader(bool of_head_request = false) : bodiless_(of_head_request) {}

  /// Hands on what is body. Returns how many bytes belonged to this answer: what follows is the next one's.
  std::size_t take(std::string_view bytes, const Body& body);
  /// No byte will follow. `by_reset`: not even a body that ends with the connection is whole then.
  void closed(bool by_reset);

  [[nodiscard]] Standing standing() const { return standing_; }
  [[nodiscard]] int status() const { return status_; }  ///< 0: no head has come
  [[nodiscard]] const std::string& head() const { return head_; }
  /// "" if there is none; several of one name are joined with ", ".
  [[nodiscard]] std::string field(std::string_view name) const;

 private:
  enum class Part { head, counted, chunk_size, chunk, chunk_end, trailer, until_closed };

  std::size_t step(std::string_view bytes, const Body& body);
  std::size_t take_head(std::string_view bytes);
  std::size_t take_line(std::string_view bytes);
  void begin_body();
  void end();

  const bool bodiless_;
  Part part_ = Part::head;
  Standing standing_ = Standing::awaited;
  int status_ = 0;
  std::string head_;
  std::string line_;
  Bytes left_ = 0;
};

}  // namespace onetake::story
