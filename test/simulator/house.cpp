#include "simulator/house.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include "simulator/session.hpp"

namespace onetake::simulator {

using boost::system::error_code;

void House::open() {
  acceptor_.open(Tcp::v4());
  acceptor_.set_option(asio::socket_base::reuse_address{true});
  acceptor_.bind({asio::ip::address_v4::loopback(), options.port});
  acceptor_.listen(4'096);
  port = acceptor_.local_endpoint().port();
  asio::co_spawn(loop_.get_executor(), accept(), asio::detached);
  thread_ = std::thread{[this] { loop_.run_until_stopped(); }};
}

void House::shut() {
  asio::post(loop_, [this] {
    ending = true;
    error_code ignored;
    acceptor_.close(ignored);
    for (Session* session : sessions) session->drop();
    leave_if_empty();
  });
  thread_.join();
}

void House::leave_if_empty() {
  if (ending && guests_ == 0) loop_.stop();
}

Task<void> House::accept() {
  const Guest guest{*this};
  while (!ending) {
    error_code error;
    Session::Socket socket = co_await acceptor_.async_accept(asio::redirect_error(use_task, error));
    if (error == asio::error::operation_aborted || !acceptor_.is_open()) break;
    if (error) {  // out of descriptors: some client will go
      co_await sleep_for(milliseconds{10});
      continue;
    }
    auto session = std::make_shared<Session>(*this, std::move(socket));
    asio::co_spawn(loop_.get_executor(), session->serve(), asio::detached);
  }
}

void House::until(const Counters& counters, const std::string& whose, const Moment& moment, milliseconds at_most) {
  std::unique_lock lock{mutex};
  if (changed.wait_for(lock, at_most, [&] { return moment.come(counters); })) return;
  throw Overdue{whose + ": waited " + std::to_string(at_most.count()) + " ms for " + moment.what + "; " +
                describe(counters)};
}

void House::release(Hosted& hosted, const std::string& barrier) {
  {
    const std::lock_guard lock{mutex};
    hosted.released.insert(barrier);
  }
  asio::post(loop_, [this] {
    for (Session* session : sessions) session->ring();
  });
}

void House::count(Hosted* hosted, std::uint64_t Counters::* which) {
  ++(totals.*which);
  if (hosted != nullptr) ++(hosted->counters.*which);
  changed.notify_all();
}

Answer House::next_answer(Hosted& hosted) const {
  if (hosted.script.empty()) return usual.value_or(whole());
  for (;;) {
    const Answer& answer = hosted.script.at(hosted.step);
    const bool last = hosted.step + 1 == hosted.script.size();
    if (answer.during_ && !hosted.step_ends) hosted.step_ends = in(*answer.during_);
    const bool over = answer.during_ ? Monotonic::now() >= *hosted.step_ends : hosted.used >= answer.times_;
    if (last || !over) {
      ++hosted.used;
      return answer;
    }
    ++hosted.step;
    hosted.used = 0;
    hosted.step_ends.reset();
  }
}

}  // namespace onetake::simulator
