#include "provider/one_transfer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <new>

#include "provider/transfer_error.hpp"

namespace onetake::provider {
namespace {

constexpr std::size_t max_head_bytes = 64_KiB;
constexpr long read_size = 64_KiB;
constexpr long write_size = 256_KiB;

bool has_body(Method method) { return method == Method::put || method == Method::post; }

bool starts_body(int status) { return status >= 200 && status != 204 && status != 304; }

/// RFC 9112 section 6.3. False when the head contradicts itself.
bool frame(Response& response) {
  if (!starts_body(response.status)) {
    response.framing = Framing::length;
    response.length = 0;
    return true;
  }
  if (!response.headers.find("transfer-encoding").empty()) {
    response.framing = Framing::chunked;
    return true;
  }
  for (const auto& [name, value] : response.headers) {
    if (name != "content-length") continue;
    Bytes length = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
    if (error != std::errc{} || end != value.data() + value.size() || length >> 63 != 0) return false;
    if (response.length && *response.length != length) return false;
    response.framing = Framing::length;
    response.length = length;
  }
  return true;
}

}  // namespace

std::string_view name(Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::head:
      return "HEAD";
    case Method::put:
      return "PUT";
    case Method::post:
      return "POST";
    case Method::remove:
      return "DELETE";
  }
  return "";
}

CURL* Transfers::Transfer::begin() {
  easy_.reset(curl_easy_init());
  if (!easy_) throw std::bad_alloc();
  CURL* easy = easy_.get();
  const auto add = [this](const std::string& line) {
    auto* longer = curl_slist_append(list_.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    std::ignore = list_.release();
    list_.reset(longer);
  };
  for (const auto& line : request_.headers) add(line);
  if (request_.from > 0) {
    add("Range: bytes=" + std::to_string(request_.from) + '-');
    add("If-Range: " + request_.if_range);
  }
  // Or libcurl waits a second for a server that does not say 100; what is sent here is small or wanted.
  if (has_body(request_.method)) add("Expect:");

  curl_easy_setopt(easy, CURLOPT_PRIVATE, this);
  curl_easy_setopt(easy, CURLOPT_URL, request_.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "onetake");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list_.get());
  set_method();
  if (request_.basic) {
    curl_easy_setopt(easy, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
    curl_easy_setopt(easy, CURLOPT_USERNAME, request_.basic->user.c_str());
    curl_easy_setopt(easy, CURLOPT_PASSWORD, request_.basic->password.c_str());
  }
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // or ending one waits for its name to be resolved, and all with it
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, read_size);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.connect_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, said_.data());
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &Transfer::on_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, &Transfer::on_connected);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, this);

  on_stop_.emplace(request_.stop, [this] {
    stopped_ = true;
    owner_.stops_ = true;
    owner_.wake();
  });
  return easy;
}

void Transfers::Transfer::set_method() {
  CURL* easy = easy_.get();
  if (request_.method == Method::get) return;
  if (request_.method == Method::head) {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    return;
  }
  if (has_body(request_.method)) {
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, write_size);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, &Transfer::on_send);
    curl_easy_setopt(easy, CURLOPT_READDATA, this);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, &Transfer::on_rewind);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, this);
  }
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, std::string{name(request_.method)}.c_str());  // it keeps a copy
}

/// Some of the request's body. 0 is its end; a file is read from the page cache, where it has just been written or
/// hashed.
std::size_t Transfers::Transfer::send(std::span<char> room) {
  progress_ = Monotonic::now();
  const auto& body = request_.body;
  const auto size = static_cast<std::size_t>(std::min<Bytes>(room.size(), body.size() - sent_));
  if (size == 0) return 0;
  if (body.file < 0) {
    std::memcpy(room.data(), body.bytes.data() + sent_, size);
    sent_ += size;
    return size;
  }
  ssize_t n = 0;
  do {
    n = ::pread(body.file, room.data(), size, static_cast<off_t>(body.offset + sent_));
  } while (n < 0 && errno == EINTR);
  if (n <= 0) {
    end(Cause::internal, "the file to be sent could not be read");
    return CURL_READFUNC_ABORT;
  }
  sent_ += static_cast<Bytes>(n);
  return static_cast<std::size_t>(n);
}

bool Transfers::Transfer::due(Monotonic::time_point now) {
  if (given_up()) return true;
  if (stopped_) {
    end(Cause::internal, "cancelled");
  } else if (now >= request_.deadline) {
    end(Cause::timed_out, "took longer than one attempt may");
  } else if (connected_ && now - progress_ >= request_.stall_timeout) {
    end(Cause::stalled, head_done_ ? "stopped sending inside the body" : "connected, but did not answer");
  }
  return given_up();
}

template <class Call>
bool Transfers::Transfer::received(Call call) {
  try {
    declined_ = !call();
  } catch (...) {
    error_ = std::current_exception();
  }
  progress_ = Monotonic::now();
  return !given_up();
}

void Transfers::Transfer::hand_on(std::span<const std::byte> bytes) {
  if (given_up() || received([&] { return receiver_.data(bytes); })) return;
  owner_.stops_ = true;  // outside of libcurl's own call: the sweep ends it
}

/// A line of a head, or of the trailer section after a chunked body, which nobody asks for.
bool Transfers::Transfer::header(std::string_view line) {
  progress_ = Monotonic::now();
  head_bytes_ += line.size();
  if (head_bytes_ > max_head_bytes) {
    end(Cause::unavailable, "sent a head of more than 64 KiB");
    return false;
  }
  if (head_done_) return true;
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {
    response_ = {};
    const auto blank = line.find(' ');
    if (blank != std::string_view::npos)
      std::from_chars(line.data() + blank + 1, line.data() + line.size(), response_.status);
    return true;
  }
  if (!line.empty()) {
    response_.headers.add_line(line);
    return true;
  }
  if (response_.status < 200) return true;  // 100 Continue, 103 Early Hints: the answer is still to come
  head_done_ = true;
  if (!frame(response_)) {
    end(Cause::unavailable, "sent a Content-Length that cannot be");
    return false;
  }
  return received([&] { return receiver_.head(response_); });
}

std::size_t Transfers::Transfer::on_header(char* text, std::size_t size, std::size_t count, void* self) {
  const auto bytes = size * count;
  return static_cast<Transfer*>(self)->header({text, bytes}) ? bytes : 0;
}

std::size_t Transfers::Transfer::on_body(char* text, std::size_t size, std::size_t count, void* self) {
  const auto bytes = size * count;
  auto& transfer = *static_cast<Transfer*>(self);
  return transfer.owner_.collect(transfer, std::as_bytes(std::span{text, bytes})) ? bytes : CURL_WRITEFUNC_ERROR;
}

std::size_t Transfers::Transfer::on_send(char* room, std::size_t size, std::size_t count, void* self) {
  return static_cast<Transfer*>(self)->send({room, size * count});
}

/// A kept connection turned out to be closed, and the request goes out on a new one.
int Transfers::Transfer::on_rewind(void* self, curl_off_t offset, int origin) {
  if (origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  static_cast<Transfer*>(self)->sent_ = static_cast<Bytes>(offset);
  return CURL_SEEKFUNC_OK;
}

curl_socket_t Transfers::Transfer::on_socket(void* self, curlsocktype, curl_sockaddr* address) {
  auto& transfer = *static_cast<Transfer*>(self);
  const auto ip = Address::of(address->addr);
  auto refusal = ip ? transfer.request_.guard->refuses(*ip) : "not an IP address";
  if (refusal) {
    transfer.refusal_ = std::move(*refusal);
    return CURL_SOCKET_BAD;
  }
  transfer.tried_ = true;
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/// Before every request, also on a connection that was opened for another one, whose guard may have allowed more.
int Transfers::Transfer::on_connected(void* self, char* remote, char*, int, int) {
  auto& transfer = *static_cast<Transfer*>(self);
  transfer.connected_ = true;
  transfer.progress_ = Monotonic::now();
  const auto ip = Address::parse(remote);
  auto refusal = ip ? transfer.request_.guard->refuses(*ip) : "not an IP address";
  if (!refusal) return CURL_PREREQFUNC_OK;
  transfer.end(Cause::refused, std::move(*refusal));
  return CURL_PREREQFUNC_ABORT;
}

void Transfers::Transfer::ended(CURLcode code) {
  if (code == CURLE_OK || given_up()) return;
  if (!tried_ && !refusal_.empty()) return end(Cause::refused, refusal_);
  const auto cause = cause_of(code, head_done_);
  // libcurl's own words on connections and TLS name host and certificate, never path or query.
  const bool wordy = cause == Cause::unreachable && said_.front() != '\0';
  end(cause, wordy ? said_.data() : curl_easy_strerror(code));
}

void Transfers::Transfer::answer() {
  on_stop_.reset();
  if (error_) return completion_.fail(error_);
  completion_.set(Transferred{std::move(response_), declined_, std::move(setback_)});
}

}  // namespace onetake::provider
