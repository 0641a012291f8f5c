#include "provider/transfer.hpp"

#include <pthread.h>
#include <signal.h>

#include <new>
#include <stdexcept>

#include "provider/one_transfer.hpp"

namespace onetake::provider {
namespace {

constexpr milliseconds sweep_every{50};
constexpr int idle_poll_ms = 60'000;
constexpr std::size_t hand_on_at = 256_KiB;

/// libcurl wants this once, before any of its threads.
void use_curl() {
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  if (!ready) throw std::runtime_error("libcurl does not start");
}

}  // namespace

struct Transfers::Multi {
  CURLM* handle;
};

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
