#include "signal/postgres_wakes.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "base/clock.hpp"
#include "signal/line_wakes.hpp"

namespace onetake::signal {
namespace {

/// A server that has not answered by then is taken for lost.
constexpr milliseconds patience{5'000};

constexpr auto notify = "SELECT pg_notify('onetake_wakes', message) FROM unnest($1::text[]) AS message";

template <auto free>
struct Free {
  template <class T>
  void operator()(T* what) const {
    free(what);
  }
};
using Connection = std::unique_ptr<PGconn, Free<PQfinish>>;
using Answer = std::unique_ptr<PGresult, Free<PQclear>>;

/// https://www.postgresql.org/docs/15/arrays.html#ARRAYS-IO
std::string array(const std::vector<std::string>& texts) {
  std::string made = "{";
  for (const auto& text : texts) {
    made += made.size() > 1 ? ",\"" : "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') made += '\\';
      made += c;
    }
    made += '"';
  }
  return made + '}';
}

class Line final : public WakeLine {
 public:
  explicit Line(const std::string& url) : connection_(connected(url)) {
    ask("SET synchronous_commit = off", {});  // what is told need not outlive a crash
    ask("LISTEN onetake_wakes", {});
  }

  [[nodiscard]] int fd() const override { return PQsocket(connection_.get()); }

  void send(const std::vector<std::string>& messages) override { ask(notify, array(messages)); }

  std::vector<std::string> receive() override {
    if (PQconsumeInput(connection_.get()) == 0) lost();
    std::vector<std::string> messages;
    while (const std::unique_ptr<PGnotify, Free<PQfreemem>> told{PQnotifies(connection_.get())})
      messages.emplace_back(told->extra);
    return messages;
  }

 private:
  static Connection connected(const std::string& url) {
    // What stands before `dbname` is the default, which the URL may say otherwise.
    static constexpr std::array<const char*, 8> keywords{"application_name",
                                                         "connect_timeout",
                                                         "target_session_attrs",
                                                         "keepalives_idle",
                                                         "keepalives_interval",
                                                         "keepalives_count",
                                                         "dbname",
                                                         nullptr};
    const std::array<const char*, 8> values{"onetake wakes", "3", "read-write", "10", "5", "2", url.c_str(), nullptr};
    Connection connection{PQconnectdbParams(keywords.data(), values.data(), 1)};
    if (PQstatus(connection.get()) != CONNECTION_OK) lost(connection.get());
    PQsetNoticeProcessor(connection.get(), [](void*, const char*) {}, nullptr);  // it would write to stderr
    return connection;
  }

  void ask(const char* sql, const std::string& argument) {
    const std::array<const char*, 1> arguments{argument.c_str()};
    const int count = argument.empty() ? 0 : 1;
    if (PQsendQueryParams(connection_.get(), sql, count, nullptr, arguments.data(), nullptr, nullptr, 0) == 0) lost();
    const auto until = in(patience);
    for (;;) {
      while (PQisBusy(connection_.get()) != 0) {
        const auto left = std::chrono::ceil<milliseconds>(until - Monotonic::now()).count();
        if (left <= 0) throw std::runtime_error{"PostgreSQL does not answer"};
        pollfd watched{.fd = fd(), .events = POLLIN, .revents = 0};
        ::poll(&watched, 1, static_cast<int>(left));
        if (PQconsumeInput(connection_.get()) == 0) lost();
      }
      const Answer answer{PQgetResult(connection_.get())};
      if (!answer) return;
      const auto status = PQresultStatus(answer.get());
      if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) lost();
    }
  }

  [[noreturn]] static void lost(const PGconn* connection) {
    std::string why = PQerrorMessage(connection);
    while (!why.empty() && why.back() == '\n') why.pop_back();
    std::ranges::replace(why, '\n', ' ');
    throw std::runtime_error{why};
  }
  [[noreturn]] void lost() const { lost(connection_.get()); }

  const Connection connection_;
};

}  // namespace

DialWakes postgres_line(std::string url) {
  return [url = std::move(url)] { return std::make_unique<Line>(url); };
}

std::unique_ptr<Wakes> postgres_wakes(std::string url) {
  return std::make_unique<LineWakes>("postgresql", postgres_line(std::move(url)));
}

}  // namespace onetake::signal
