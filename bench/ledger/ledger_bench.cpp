// Admissions a second: distinct cold recordings, each played once, claimed in the same transaction.
//
//   ledger_bench [FOLDER [RECORDINGS [ALREADY]]]    on SQLite, in a new file
//   ledger_bench URL [RECORDINGS [ALREADY]]         on PostgreSQL, in an empty database
//
// ALREADY recordings, each with an ended run, are in the tables before. "alone": one caller, a commit each. "together":
// many callers on two loops wait at a time, as they do behind HTTP.

#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <string>
#include <vector>

#include "base/test_loop.hpp"
#include "ledger/postgres_connection.hpp"
#include "ledger/postgres_ledger.hpp"
#include "ledger/sqlite_ledger.hpp"

namespace {

using namespace onetake;
using ledger::Ledger;

const TenantId acme{"acme"};

CallSid call(const std::string& kind, int i) {
  char text[64];
  std::snprintf(text, sizeof text, "CA%s%026d", kind.c_str(), i);
  return CallSid{text};
}

Registration registration(int i) {
  Registration r;
  r.provider = "main";
  r.source_url =
      "https://api.twilio.com/2010-04-01/Accounts/AC00000000000000000000000000000000/Recordings/RE" + std::to_string(i);
  r.from = "+4930" + std::to_string(1'000'000 + i);
  r.to = "+97250" + std::to_string(2'000'000 + i);
  r.direction = "inbound";
  r.started_at = WallTime{milliseconds{1'700'000'000'000 + i}};
  return r;
}

using Step = Task<void> (*)(Ledger& ledger, CallSid call, int i);

Task<void> put(Ledger& ledger, CallSid sid, int i) { co_await ledger.put(acme, sid, registration(i), wall_now()); }

ledger::Play pressed(const CallSid& sid) {
  ledger::Play play;
  play.key = {acme, sid, {}};
  play.explicit_action = true;
  play.claim = true;
  play.now = wall_now();
  return play;
}

Task<void> play(Ledger& ledger, CallSid sid, int) {
  const auto admission = co_await ledger.play(pressed(sid));
  if (admission.found != ledger::Found::created) std::abort();
}

Task<void> play_and_complete(Ledger& ledger, CallSid sid, int) {
  const auto admission = co_await ledger.play(pressed(sid));
  Media media;
  media.blob = admission.recording.id.str();
  media.bytes = 2'000'000;
  co_await ledger.complete(*admission.lease, media, wall_now());
}

Task<void> some(Ledger& ledger, std::string kind, Step step, int begin, int end, int by) {
  for (int i = begin; i < end; i += by) co_await step(ledger, call(kind, i), i);
}

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

struct Speed {
  double per_second;
  double cpu_us;  ///< a step, of the whole process
};

Speed all(Ledger& ledger, const std::string& kind, Step step, int count, int callers) {
  TestLoop loops[2];
  std::vector<std::future<void>> done;
  const auto begin = Monotonic::now();
  const double cpu = cpu_seconds();
  for (int c = 0; c < callers; ++c) done.push_back(loops[c % 2].start(some(ledger, kind, step, c, count, callers)));
  for (auto& each : done) each.get();
  const std::chrono::duration<double> took = Monotonic::now() - begin;
  return {count / took.count(), (cpu_seconds() - cpu) / count * 1e6};
}

void print(const char* what, int callers, Speed speed) {
  std::printf("%-9s %5d callers  %8.0f a second  %6.1f us of CPU each\n", what, callers, speed.per_second,
              speed.cpu_us);
}

/// `analyze` is what PostgreSQL's autovacuum does within the first minute: before it, plans are made for empty tables.
template <class Analyze>
void measure(Ledger& ledger, int count, int already, Analyze analyze) {
  if (already > 0) {
    all(ledger, "O", put, already, 512);
    all(ledger, "O", play_and_complete, already, 512);
  }
  std::printf("%8d recordings with a run in the tables\n", already);
  print("register", 512, all(ledger, "T", put, count, 512));
  all(ledger, "T", play, count / 10, 512);
  analyze();
  for (const int callers : {1, 16, 64, 256, 1024}) {
    const int plays = callers == 1 ? count / 10 : count;
    const auto kind = "P" + std::to_string(callers);
    all(ledger, kind, put, plays, 512);
    print("admit", callers, all(ledger, kind, play, plays, callers));
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const std::string where = argc > 1 ? argv[1] : "build/bench";
  const int count = argc > 2 ? std::atoi(argv[2]) : 50'000;
  const int already = argc > 3 ? std::atoi(argv[3]) : 0;
  if (where.starts_with("postgresql://")) {
    const auto ledger = ledger::open_postgres(where, {.node = "http://bench", .patience = std::chrono::minutes{1}});
    measure(*ledger, count, already, [&] { ledger::pg::Connection{{.url = where}}.execute("ANALYZE"); });
    return 0;
  }
  const std::filesystem::path folder = where;
  std::filesystem::create_directories(folder);
  const auto file = folder / "ledger_bench.db";
  for (const char* end : {"", "-wal"}) std::filesystem::remove(file.string() + end);
  measure(*ledger::open_sqlite(file), count, already, [] {});
  std::printf("bytes in the file      %8ju a recording with its run\n",
              std::filesystem::file_size(file) / static_cast<std::uintmax_t>(already + count * 5 + count / 10));
  std::filesystem::remove(file);
}
