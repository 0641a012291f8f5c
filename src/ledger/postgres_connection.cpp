#include "ledger/postgres_connection.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <tuple>
#include <utility>

#include "base/log.hpp"

namespace onetake::ledger::pg {
namespace {

constexpr milliseconds grace{2'000};
/// A difference between clocks that whoever keeps the machines should hear of.
constexpr milliseconds worth_a_word{1'000};

/// Every statement of ours has its index and touches few rows. A plan that is made while a table is small, and kept,
/// would walk all of it later.
constexpr std::string_view by_index = " -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off";

std::string seconds(milliseconds span) {
  return std::to_string(std::max<std::int64_t>(2, (span.count() + 999) / 1000));  // libpq takes 1 for 2
}

/// The URL's own `options`, for ours are added to them.
std::string options_of(const std::string& url) {
  char* fault = nullptr;
  PQconninfoOption* parsed = PQconninfoParse(url.c_str(), &fault);
  if (parsed == nullptr) {
    const std::string why = fault == nullptr ? "" : fault;
    PQfreemem(fault);
    throw Unavailable("ledger: database.url: " + why);
  }
  std::string options;
  for (const auto* each = parsed; each->keyword != nullptr; ++each)
    if (std::string_view{each->keyword} == "options" && each->val != nullptr) options = each->val;
  PQconninfoFree(parsed);
  return options;
}

std::string session_options(const Target& target) {
  const auto ms = [](milliseconds span) { return std::to_string(span.count()); };
  return options_of(target.url) + " -c statement_timeout=" + ms(target.statement_timeout) +
         " -c lock_timeout=" + ms(target.statement_timeout) +
         " -c idle_in_transaction_session_timeout=" + ms(target.idle_timeout) +
         " -c default_transaction_isolation=read\\ committed -c client_min_messages=error" + std::string{by_index};
}

PGconn* connect(const Target& target) {
  const auto timeout = seconds(target.connect_timeout);
  const auto options = session_options(target);
  const auto stalled = std::to_string((target.statement_timeout + grace).count());
  using Word = std::pair<const char*, const char*>;
  const std::array words{
      Word{"application_name", "onetake"},
      Word{"connect_timeout", timeout.c_str()},
      Word{"tcp_user_timeout", stalled.c_str()},
      Word{"keepalives_idle", "10"},
      Word{"keepalives_interval", "5"},
      Word{"gssencmode", "disable"},
      Word{"target_session_attrs", "read-write"},
      Word{"dbname", target.url.c_str()},  // the URL overrides what stands before it
      Word{"client_encoding", "UTF8"},
      Word{"options", options.c_str()},
      Word{nullptr, nullptr},
  };
  std::array<const char*, words.size()> keys{};
  std::array<const char*, words.size()> values{};
  for (std::size_t i = 0; i < words.size(); ++i) std::tie(keys.at(i), values.at(i)) = words.at(i);
  return PQconnectdbParams(keys.data(), values.data(), 1);
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  std::erase(text, '\t');
  std::ranges::replace(text, '\n', ' ');
  return text;
}

/// The server is going, or is no longer the one that takes writes; or a plan of ours is of before a migration.
bool means_lost(std::string_view state) {
  return state.empty() || state.starts_with("08") || state == "57P01" || state == "57P02" || state == "57P03" ||
         state == "25006" || state == "0A000";
}

/// Data exceptions, integrity constraints, the limits of the program, what our triggers forbid.
bool means_never(std::string_view state) {
  return state.starts_with("22") || state.starts_with("23") || state.starts_with("54") || state == "P0001";
}

[[noreturn]] void raise(const PGresult* result, bool alive) {
  const char* field = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const std::string state = field == nullptr ? "" : field;
  const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const auto what = "ledger: " + trimmed(primary == nullptr ? PQresultErrorMessage(result) : primary) +
                    (state.empty() ? "" : " (PostgreSQL " + state + ")");
  if (!alive || means_lost(state)) throw Lost(what);
  if (state == "40001" || state == "40P01") throw Conflict(what);
  if (means_never(state)) throw Rejected(what);
  throw Refused(what, state);
}

bool is_fault(const PGresult* result) {
  switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_SINGLE_TUPLE:
    case PGRES_EMPTY_QUERY:
      return false;
    default:
      return true;
  }
}

}  // namespace

Connection::Connection(const Target& target)
    : connection_(connect(target)), limit_(target.statement_timeout + grace), clock_(target.clock) {
  if (PQstatus(handle()) != CONNECTION_OK) throw Lost("ledger: " + said());
  if (PQserverVersion(handle()) < 130000)
    throw Unavailable("ledger: PostgreSQL 13 or later is needed, this is " + version());
  if (PQsetnonblocking(handle(), 1) != 0) throw Lost("ledger: " + said());
  // An answer is given after the commit is on the disk, whatever the server's own setting: where it waits for more, it
  // goes on doing so.
  auto hello = execute(
      "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';"
      "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)");
  hello.next();
  timeline_ = hello.text();
}

Connection::~Connection() = default;

std::string Connection::version() const {
  const char* told = PQparameterStatus(handle(), "server_version");
  return told == nullptr ? "" : told;
}

std::string Connection::said() const { return trimmed(PQerrorMessage(handle())); }

/// Until there is something to receive, which is taken, or, while `sending`, room to send.
void Connection::wait(bool sending, Deadline deadline) {
  const auto left = std::chrono::ceil<milliseconds>(deadline - Monotonic::now()).count();
  pollfd wanted{PQsocket(handle()), static_cast<short>(POLLIN | (sending ? POLLOUT : 0)), 0};
  const int ready = left <= 0 ? 0 : ::poll(&wanted, 1, static_cast<int>(left));
  if (ready < 0 && errno == EINTR) return;
  if (ready <= 0) throw Lost("ledger: the database does not answer");
  if ((wanted.revents & ~POLLOUT) != 0 && PQconsumeInput(handle()) == 0) throw Lost("ledger: " + said());
}

void Connection::wait_until_readable(Deadline deadline) {
  while (PQisBusy(handle()) != 0) {
    const int unsent = PQflush(handle());
    if (unsent < 0) throw Lost("ledger: " + said());
    wait(unsent > 0, deadline);
  }
}

void Connection::wait_until_sent(Deadline deadline) {
  for (;;) {
    const int unsent = PQflush(handle());
    if (unsent < 0) throw Lost("ledger: " + said());
    if (unsent == 0) return;
    wait(true, deadline);
  }
}

std::vector<Result> Connection::answers(int sent) {
  if (sent == 0) {
    if (PQstatus(handle()) == CONNECTION_BAD) throw Lost("ledger: " + said());
    throw Unavailable("ledger: " + said());
  }
  const Deadline deadline = in(limit_);
  std::vector<Result> all;
  for (;;) {
    wait_until_readable(deadline);
    Result next{PQgetResult(handle())};
    if (!next) break;
    all.push_back(std::move(next));
  }
  if (all.empty()) throw Lost("ledger: " + said());
  for (const auto& each : all)  // the first fault is the one to tell
    if (is_fault(each.get())) raise(each.get(), PQstatus(handle()) == CONNECTION_OK);
  return all;
}

const std::string& Connection::kept(std::string_view sql) {
  if (const auto it = kept_.find(sql); it != kept_.end()) return it->second;
  const std::string text{sql};
  auto name = "s" + std::to_string(kept_.size());
  answer(PQsendPrepare(handle(), name.c_str(), text.c_str(), 0, nullptr));
  return kept_.emplace(text, std::move(name)).first->second;
}

Result Connection::run_kept(std::string_view sql, const Parameters& values) {
  const auto& name = kept(sql);
  const auto pointers = values.pointers();
  return answer(PQsendQueryPrepared(handle(), name.c_str(), values.size(), pointers.data(), nullptr, nullptr, 0));
}

Rows Connection::select_once(const std::string& sql, const Parameters& values) {
  const auto pointers = values.pointers();
  return Rows{
      answer(PQsendQueryParams(handle(), sql.c_str(), values.size(), nullptr, pointers.data(), nullptr, nullptr, 0))};
}

void Connection::select_each(const std::string& sql, const std::function<bool(const PGresult&)>& take) {
  if (PQsendQueryParams(handle(), sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) == 0)
    throw Lost("ledger: " + said());
  PQsetSingleRowMode(handle());
  const Deadline deadline = in(limit_);
  for (;;) {
    wait_until_readable(deadline);
    const Result row{PQgetResult(handle())};
    if (!row) return;
    if (is_fault(row.get())) raise(row.get(), PQstatus(handle()) == CONNECTION_OK);
    if (!take(*row)) return;
  }
}

void Connection::copy_in(const std::string& sql, const std::function<void(std::string&)>& more) {
  if (PQsendQuery(handle(), sql.c_str()) == 0) throw Lost("ledger: " + said());
  const Deadline deadline = in(limit_);
  wait_until_readable(deadline);
  const Result begun{PQgetResult(handle())};
  if (PQresultStatus(begun.get()) != PGRES_COPY_IN) raise(begun.get(), PQstatus(handle()) == CONNECTION_OK);
  std::string chunk;
  for (more(chunk); !chunk.empty(); chunk.clear(), more(chunk)) {
    if (PQputCopyData(handle(), chunk.data(), static_cast<int>(chunk.size())) != 1) throw Lost("ledger: " + said());
    wait_until_sent(deadline);  // so that no more than a chunk is ever held
  }
  if (PQputCopyEnd(handle(), nullptr) != 1) throw Lost("ledger: " + said());
  answer(1);
}

std::string Connection::quoted(const std::string& text) const {
  const std::unique_ptr<char, decltype(&PQfreemem)> literal{PQescapeLiteral(handle(), text.data(), text.size()),
                                                            &PQfreemem};
  if (!literal) throw Unavailable("ledger: " + said());
  return literal.get();
}

Rows Connection::execute(const std::string& sql) { return Rows{answer(PQsendQuery(handle(), sql.c_str()))}; }

int Connection::changed(const PGresult& result) {
  const std::string_view text = PQcmdTuples(const_cast<PGresult*>(&result));  // reads only
  int count = 0;
  std::from_chars(text.data(), text.data() + text.size(), count);
  return count;
}

void Connection::begin() {
  auto number = execute("BEGIN; SELECT pg_current_xact_id()");
  number.next();
  transaction_ = number.text();
}

void Connection::commit() { commit_with(""); }

std::vector<Rows> Connection::commit_with(const std::string& statements) {
  auto done = answers(PQsendQuery(handle(), (statements + "COMMIT").c_str()));
  if (std::string_view{PQcmdStatus(done.back().get())} != "COMMIT")
    throw Conflict("ledger: the transaction was rolled back");
  done.pop_back();
  std::vector<Rows> rows;
  for (auto& each : done) rows.emplace_back(std::move(each));
  return rows;
}

void Connection::rollback() noexcept {
  if (PQstatus(handle()) != CONNECTION_OK || PQtransactionStatus(handle()) == PQTRANS_IDLE) return;
  try {
    execute("ROLLBACK");
  } catch (const Unavailable& lost) {  // and with the connection the transaction; whoever uses it next will see
    log::debug("ledger.rollback", lost.what());
  }
}

milliseconds Connection::server_ahead() {
  if (server_clock_.known(clock_(), Monotonic::now())) return server_clock_.ahead();
  const auto before = clock_();
  auto told = execute("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint");
  const auto after = clock_();
  told.next();
  const auto known = server_clock_.ahead();
  server_clock_.told(before, told.time(), after, Monotonic::now());
  const auto ahead = server_clock_.ahead();
  if (abs(ahead) >= worth_a_word && abs(ahead - known) >= worth_a_word)
    log::warn("ledger.clock", "this node's clock and the database's differ; the database's counts",
              {{"ahead_ms", -ahead.count()}});
  return ahead;
}

void Connection::take_up_to(milliseconds limit) {
  execute("SET statement_timeout = " + std::to_string(limit.count()) +
          "; SET lock_timeout = " + std::to_string(limit.count()));
  limit_ = limit + grace;
}

}  // namespace onetake::ledger::pg
