#pragma once

#include <curl/curl.h>

#include <array>
#include <functional>

#include "provider/transfer.hpp"

namespace onetake::provider {

struct CloseEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

/// One request and its answer: libcurl's handle, what it is told, and what it says. For transfer.cpp alone.
class Transfers::Transfer {
 public:
  Transfer(Transfers& owner, Request request, Receiver& receiver, Completion<Transferred> completion)
      : owner_(owner), request_(std::move(request)), receiver_(receiver), completion_(std::move(completion)) {}

  /// From here on on the transfer thread.
  CURL* begin();

  /// Why it must end now, if it must.
  bool due(Monotonic::time_point now);
  void hand_on(std::span<const std::byte> bytes);
  void ended(CURLcode code);
  void end(Cause cause, std::string detail) {
    if (!setback_) setback_ = Setback{cause, std::move(detail), response_.status};
  }
  void answer();

  [[nodiscard]] bool given_up() const { return declined_ || error_ || setback_; }
  [[nodiscard]] CURL* easy() const { return easy_.get(); }

 private:
  static std::size_t on_header(char* text, std::size_t size, std::size_t count, void* self);
  static std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* self);
  static std::size_t on_send(char* room, std::size_t size, std::size_t count, void* self);
  static int on_rewind(void* self, curl_off_t offset, int origin);
  static curl_socket_t on_socket(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int on_connected(void* self, char* remote, char* local, int remote_port, int local_port);

  void set_method();
  std::size_t send(std::span<char> room);
  bool header(std::string_view line);
  template <class Call>
  bool received(Call call);

  Transfers& owner_;
  Request request_;
  Receiver& receiver_;
  Completion<Transferred> completion_;
  std::unique_ptr<CURL, CloseEasy> easy_;
  std::unique_ptr<curl_slist, FreeList> list_;
  Response response_;
  Bytes sent_ = 0;  ///< of the request's body
  std::size_t head_bytes_ = 0;
  Monotonic::time_point progress_{};
  std::string refusal_;  ///< of the last address that was not allowed
  std::optional<Setback> setback_;
  std::exception_ptr error_;
  std::array<char, CURL_ERROR_SIZE> said_{};
  bool head_done_ = false;
  bool connected_ = false;
  bool tried_ = false;  ///< some address was allowed
  bool declined_ = false;
  std::atomic<bool> stopped_ = false;
  std::optional<std::stop_callback<std::function<void()>>> on_stop_;
};

}  // namespace onetake::provider
