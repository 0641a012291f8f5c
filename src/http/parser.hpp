#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <functional>
#include <string>

#include "http/request.hpp"

namespace onetake::http {

namespace beast = boost::beast::http;

inline std::optional<Field> known(beast::field name) {
  switch (name) {
    case beast::field::accept:
      return Field::accept;
    case beast::field::access_control_request_method:
      return Field::access_control_request_method;
    case beast::field::authorization:
      return Field::authorization;
    case beast::field::cookie:
      return Field::cookie;
    case beast::field::host:
      return Field::host;
    case beast::field::if_match:
      return Field::if_match;
    case beast::field::if_modified_since:
      return Field::if_modified_since;
    case beast::field::if_none_match:
      return Field::if_none_match;
    case beast::field::if_range:
      return Field::if_range;
    case beast::field::if_unmodified_since:
      return Field::if_unmodified_since;
    case beast::field::origin:
      return Field::origin;
    case beast::field::prefer:
      return Field::prefer;
    case beast::field::range:
      return Field::range;
    case beast::field::sec_fetch_dest:
      return Field::sec_fetch_dest;
    case beast::field::sec_fetch_mode:
      return Field::sec_fetch_mode;
    default:
      return std::nullopt;
  }
}

/// Is this the word, which is in lower case, whatever its case?
inline bool is(std::string_view text, std::string_view word) {
  return std::ranges::equal(text, word, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

/// Those that Beast has no name for.
inline std::optional<Field> known(std::string_view name) {
  if (is(name, "onetake-node")) return Field::onetake_node;
  if (is(name, "x-user-action")) return Field::x_user_action;
  if (is(name, "sec-purpose") || is(name, "purpose")) return Field::sec_purpose;
  return std::nullopt;
}

/// Beast's parser, which leaves to us where to put what it finds. A request's words stay where they were received, and
/// of its fields only those are kept that somebody looks at: Beast's own container would copy each to a place of its
/// own. For session.cpp alone, because this takes 12 s to compile.
class Parser final : public beast::basic_parser<true> {
 public:
  /// What is put here lies in [begin, end), and stays there until the request has been answered.
  Parser(const char* begin, const char* end) : begin_(begin), end_(end) {}

  /// REQUIRES: is_done(). Its views point to what was received, and into this object.
  [[nodiscard]] const Request& request() {
    request_.body = body_;
    if (authority_) request_.fields[static_cast<std::size_t>(Field::host)] = *authority_;
    request_.http10 = version_ < 11;
    request_.began = Monotonic::now();
    return request_;
  }

  /// What Beast lets pass and RFC 9112 does not (sections 3.2, 6.1, 6.3): behind a proxy it could hide a second
  /// request.
  [[nodiscard]] bool well_framed() const {
    const bool http10 = version_ < 11;
    if (hosts_ > 1 || (hosts_ == 0 && !http10)) return false;
    // RFC 9110 sections 4.2.1 and 4.2.4: nobody is named, or somebody's name and password are sent along.
    if (authority_ && (authority_->empty() || authority_->contains('@'))) return false;
    return !transfer_coded_ || (known_coding_ && chunked() && !http10);
  }

  [[nodiscard]] bool expects_continue() const { return version_ >= 11 && lists_token(expect_, "100-continue"); }

 private:
  using Error = boost::beast::error_code;
  using Text = boost::beast::string_view;

  static std::string_view view(Text text) { return {text.data(), text.size()}; }
  static void keep_first(std::string_view& field, std::string_view value) {
    if (field.empty()) field = value;
  }

  void on_request_impl(beast::verb, Text method, Text target, int version, Error&) override {
    version_ = version;
    request_.method = view(method);
    request_.target = without_authority(view(target));
    const auto question = request_.target.find('?');
    request_.path = request_.target.substr(0, question);
    if (request_.path.empty()) request_.path = "/";
    if (question != std::string_view::npos) request_.query = request_.target.substr(question + 1);
  }

  /// RFC 9112 section 3.2.2: a client may name the server in the target, and then means that name and not the Host
  /// field's.
  std::string_view without_authority(std::string_view target) {
    for (const std::string_view scheme : {"http://", "https://"}) {
      if (!is(target.substr(0, scheme.size()), scheme)) continue;
      target.remove_prefix(scheme.size());
      const auto authority = target.substr(0, target.find_first_of("/?"));
      authority_ = authority;
      return target.substr(authority.size());
    }
    return target;
  }

  void on_field_impl(beast::field name, Text name_text, Text value, Error& error) override {
    if (is_header_done()) return;  // a trailer
    if (name == beast::field::host) ++hosts_;
    if (name == beast::field::transfer_encoding) {
      known_coding_ = !transfer_coded_ && is(view(value), "chunked");
      transfer_coded_ = true;
    }
    auto kept_as = known(name);
    if (!kept_as && name == beast::field::unknown) kept_as = known(view(name_text));
    if (!kept_as && name != beast::field::expect) return;
    // A value of several lines has been put together elsewhere. RFC 9112 section 5.2: such a request is refused.
    if (std::less<>{}(value.data(), begin_) || std::less<>{}(end_, value.data() + value.size())) {
      error = beast::error::bad_value;
      return;
    }
    keep_first(kept_as ? request_.fields[static_cast<std::size_t>(*kept_as)] : expect_, view(value));
  }

  std::size_t on_body_impl(Text bytes, Error&) override {
    body_.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  std::size_t on_chunk_body_impl(std::uint64_t, Text bytes, Error& error) override {
    return on_body_impl(bytes, error);
  }

  void on_response_impl(int, Text, int, Error&) override {}
  void on_header_impl(Error&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Error&) override {}
  void on_chunk_header_impl(std::uint64_t, Text, Error&) override {}
  void on_finish_impl(Error&) override {}

  const char* const begin_;
  const char* const end_;
  Request request_;
  std::string_view expect_;
  std::optional<std::string_view> authority_;  ///< of the target
  std::string body_;
  int version_ = 11;
  int hosts_ = 0;
  bool transfer_coded_ = false;
  bool known_coding_ = false;  ///< "chunked", and nothing else
};

}  // namespace onetake::http
