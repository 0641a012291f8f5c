#include "provider/transfer.hpp"

#include <curl/curl.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <functional>
#include <new>
#include <stdexcept>

#include "provider/transfer_error.hpp"

namespace onetake::provider {
namespace {

constexpr milliseconds sweep_every{50};
constexpr int idle_poll_ms = 60'000;
constexpr std::size_t max_head_bytes = 64_KiB;
constexpr long read_size = 64_KiB;
constexpr long write_size = 256_KiB;
constexpr std::size_t hand_on_at = 256_KiB;

/// libcurl wants this once, before any of its threads.
void use_curl() {
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  if (!ready) throw std::runtime_error("libcurl does not start");
}

struct CloseEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

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

struct Transfers::Multi {
  CURLM* handle;
};

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

Transfers::Transfers() {
  use_curl();
  multi_ = std::make_unique<Multi>(curl_multi_init());
  if (multi_->handle == nullptr) throw std::bad_alloc();
  curl_multi_setopt(multi_->handle, CURLMOPT_MAXCONNECTS, 64L);
  pending_.reserve(hand_on_at);
  thread_ = std::thread{[this] { run(); }};
}

Transfers::~Transfers() {
  {
    const std::lock_guard lock{mutex_};
    ending_ = true;
  }
  wake();
  thread_.join();
  curl_multi_cleanup(multi_->handle);
}

void Transfers::wake() { curl_multi_wakeup(multi_->handle); }

Task<Transferred> Transfers::perform(Request request, Receiver& receiver) {
  return completed<Transferred>(
      [this, request = std::move(request), &receiver](Completion<Transferred> completion) mutable {
        auto transfer = std::make_unique<Transfer>(*this, std::move(request), receiver, std::move(completion));
        {
          const std::lock_guard lock{mutex_};
          new_.push_back(std::move(transfer));
        }
        wake();
      });
}

void Transfers::run() {
  // Signals are for others; a connection closed under TLS raises SIGPIPE here.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  pthread_setname_np(pthread_self(), "transfers");

  for (;;) {
    begin_new();
    {
      const std::lock_guard lock{mutex_};
      if (ending_ && new_.empty()) break;
    }
    int running = 0;
    curl_multi_perform(multi_->handle, &running);
    hand_on();
    end_finished();
    sweep();
    const int wait = active_.empty() ? idle_poll_ms : static_cast<int>(sweep_every.count());
    curl_multi_poll(multi_->handle, nullptr, 0, wait, nullptr);
  }
  while (!active_.empty()) {
    auto& transfer = *active_.begin()->second;
    transfer.end(Cause::internal, "the server is ending");
    finish(transfer);
  }
}

void Transfers::begin_new() {
  std::vector<std::unique_ptr<Transfer>> taken;
  {
    const std::lock_guard lock{mutex_};
    taken.swap(new_);
  }
  for (auto& transfer : taken) {
    CURL* easy = transfer->begin();
    active_.emplace(easy, std::move(transfer));
    curl_multi_add_handle(multi_->handle, easy);
  }
}

bool Transfers::collect(Transfer& transfer, std::span<const std::byte> bytes) {
  if (pending_for_ != &transfer || pending_.size() + bytes.size() > hand_on_at) hand_on();
  pending_for_ = &transfer;
  pending_.insert(pending_.end(), bytes.begin(), bytes.end());
  return !transfer.given_up();
}

void Transfers::hand_on() {
  if (pending_for_ == nullptr) return;
  std::exchange(pending_for_, nullptr)->hand_on(pending_);
  pending_.clear();
}

void Transfers::end_finished() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_->handle, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    auto& transfer = *active_.at(message->easy_handle);
    transfer.ended(message->data.result);
    finish(transfer);
  }
}

void Transfers::sweep() {
  const auto now = Monotonic::now();
  if (!stops_.exchange(false) && now - swept_ < sweep_every) return;
  swept_ = now;
  for (auto it = active_.begin(); it != active_.end();) {
    auto& transfer = *(it++)->second;
    if (transfer.due(now)) finish(transfer);
  }
}

void Transfers::finish(Transfer& transfer) {
  curl_multi_remove_handle(multi_->handle, transfer.easy());
  const auto ended = std::move(active_.extract(transfer.easy()).mapped());
  ended->answer();
}

}  // namespace onetake::provider
