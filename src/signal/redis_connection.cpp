#include "signal/redis_connection.hpp"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

#include "base/ids.hpp"

namespace onetake::signal {
namespace {

timeval as_timeval(milliseconds span) { return {.tv_sec = span.count() / 1000, .tv_usec = span.count() % 1000 * 1000}; }

Reply read(const redisReply& from) {
  Reply reply;
  switch (from.type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      reply = {.kind = Reply::Kind::text, .text = {from.str, static_cast<std::size_t>(from.len)}};
      break;
    case REDIS_REPLY_ERROR:
      reply = {.kind = Reply::Kind::error, .text = {from.str, static_cast<std::size_t>(from.len)}};
      break;
    case REDIS_REPLY_INTEGER:
      reply = {.kind = Reply::Kind::text, .text = std::to_string(from.integer)};
      break;
    case REDIS_REPLY_ARRAY:
      reply.kind = Reply::Kind::list;
      for (std::size_t i = 0; i < from.elements; ++i) reply.items.push_back(read(*from.element[i]));
      break;
    default:
      break;
  }
  return reply;
}

}  // namespace

void RedisConnection::Free::operator()(redisContext* context) const { redisFree(context); }

RedisConnection::RedisConnection(const RedisAddress& address, milliseconds patience)
    : context_(redisConnectWithTimeout(address.host.c_str(), address.port, as_timeval(patience))) {
  if (!context_) throw RedisLost{"out of memory"};
  if (context_->err != 0) lost();
  // hiredis waits in recv only while it takes its socket for a blocking one.
  if (::fcntl(context_->fd, F_SETFL, O_NONBLOCK) != 0) throw RedisLost{std::generic_category().message(errno)};
  context_->flags &= ~REDIS_BLOCK;
  redisEnableKeepAlive(context_.get());
  if (!address.password.empty()) {
    Command login{"AUTH"};
    if (!address.user.empty()) login.push_back(address.user);
    login.push_back(address.password);
    ask(login, in(patience));
  }
  if (address.db != 0) ask({"SELECT", std::to_string(address.db)}, in(patience));
}

void RedisConnection::lost() const { throw RedisLost{context_->errstr}; }

void RedisConnection::append(const Command& command) {
  std::vector<const char*> words;
  std::vector<std::size_t> lengths;
  for (const auto& word : command) {
    words.push_back(word.data());
    lengths.push_back(word.size());
  }
  if (redisAppendCommandArgv(context_.get(), static_cast<int>(words.size()), words.data(), lengths.data()) != REDIS_OK)
    lost();
}

bool RedisConnection::flush() {
  int done = 0;
  if (redisBufferWrite(context_.get(), &done) != REDIS_OK) lost();
  return done == 1;
}

void RedisConnection::receive() {
  if (redisBufferRead(context_.get()) != REDIS_OK) lost();
}

std::optional<Reply> RedisConnection::next() {
  void* taken = nullptr;
  if (redisReaderGetReply(context_->reader, &taken) != REDIS_OK)
    throw RedisLost{static_cast<const char*>(context_->reader->errstr)};
  if (taken == nullptr) return std::nullopt;
  const std::unique_ptr<redisReply, decltype(&freeReplyObject)> reply{static_cast<redisReply*>(taken),
                                                                      &freeReplyObject};
  return read(*reply);
}

Reply RedisConnection::ask(const Command& command, Deadline deadline) {
  append(command);
  for (;;) {
    const bool sent = flush();
    receive();
    if (auto reply = next()) {
      if (reply->kind == Reply::Kind::error) throw RedisLost{reply->text};
      return *std::move(reply);
    }
    if (Monotonic::now() >= deadline) throw RedisLost{"no answer in time"};
    wait(!sent, -1, deadline);
  }
}

void RedisConnection::probe(Deadline deadline) { ask({"SET", "onetake:probe:" + uuid7(), "", "PX", "1000"}, deadline); }

int RedisConnection::fd() const { return context_->fd; }

void RedisConnection::wait(bool writing, int other_fd, Deadline deadline) const {
  std::array<pollfd, 2> watched{
      {{.fd = context_->fd, .events = POLLIN, .revents = 0}, {.fd = other_fd, .events = POLLIN, .revents = 0}}};
  if (writing) watched[0].events |= POLLOUT;
  int timeout = -1;
  if (deadline != never) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Monotonic::now()).count();
    timeout = static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
  }
  ::poll(watched.data(), watched.size(), timeout);
}

bool says_unusable(const Reply& reply) {
  if (reply.kind != Reply::Kind::error) return false;
  // https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors: the first word is the error's kind.
  static constexpr std::array<std::string_view, 14> kinds{"READONLY",    "LOADING", "OOM",    "MISCONF",   "MASTERDOWN",
                                                          "NOREPLICAS",  "BUSY",    "NOAUTH", "WRONGPASS", "NOPERM",
                                                          "CLUSTERDOWN", "MOVED",   "ASK",    "TRYAGAIN"};
  const std::string_view text = reply.text;
  return std::ranges::find(kinds, text.substr(0, text.find(' '))) != kinds.end();
}

}  // namespace onetake::signal
