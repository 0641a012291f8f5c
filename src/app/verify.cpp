#include "app/verify.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "app/verify_copies.hpp"
#include "base/fd.hpp"
#include "blob/store.hpp"
#include "ledger/invariants.hpp"
#include "media/checksum.hpp"

namespace onetake::app {
namespace {

namespace fs = std::filesystem;
using ledger::Table;

constexpr std::size_t id_size = 36;  // a UUID
constexpr auto tolerated = std::chrono::hours{1};

/// The ledger said no; nothing can be told.
struct Unanswered {
  std::string why;
};

/// What the ledger says of a recording's file here.
struct Pointer {
  std::string blob;
  Bytes bytes = 0;
  std::string sha256;

  bool operator==(const Pointer&) const = default;
};

WallTime wall_time(fs::file_time_type time) {
  return std::chrono::floor<milliseconds>(std::chrono::file_clock::to_sys(time));
}

std::string text(const std::optional<std::string>& cell) { return cell.value_or(""); }

/// In hex; nothing when the file cannot be read to its end, which errno tells.
std::optional<std::string> sha256_of(const fs::path& path, Bytes& size) {
  const Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file) return std::nullopt;
  media::Checksum sum{Digest::Algorithm::sha256};
  std::vector<std::byte> buffer(256 << 10);
  for (size = 0;;) {
    const auto n = ::read(file.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::nullopt;
    if (n == 0) return media::hex(sum.so_far());
    sum.take(std::span{buffer}.first(static_cast<std::size_t>(n)));
    size += static_cast<Bytes>(n);
  }
}

class Verifier {
 public:
  Verifier(const AskLedger& ask, const ledger::Inquiry& inquiry, const fs::path& data_dir, const ListCopies& list,
           WallTime now)
      : ask_(ask), inquiry_(inquiry), dir_(data_dir), list_(list), now_(now) {}

  Verified all() && {
    schema();
    done_.recordings = rows(inquiry_.of_recordings(),
                            [&](const std::string& after) { return inquiry_.recordings_page(after, page()); });
    done_.runs = rows(ledger::Inquiry::of_runs(),
                      [&](const std::string& after) { return ledger::Inquiry::runs_page(after, page()); });
    pointers();
    published_files();
    temporary_files();
    if (list_) copies();
    return std::move(done_);
  }

 private:
  [[nodiscard]] Table ask(const std::string& sql) const {
    auto table = ask_(sql);
    if (!table) throw Unanswered{table.error()};
    return *std::move(table);
  }

  [[nodiscard]] int page() const { return inquiry_.page_size(); }

  void report(std::string_view invariant, std::string subject, std::string detail) {
    done_.violations.push_back({std::string{invariant}, std::move(subject), std::move(detail)});
  }

  /// What forbids at all times what is looked for here only now.
  void schema() {
    for (const auto& [name, wrong] : inquiry_.schema_faults(ask(inquiry_.schema())))
      report("schema_unchanged", name, wrong);
  }

  template <class Page>
  std::int64_t rows(std::span<const ledger::Invariant> invariants, Page page_after) {
    std::int64_t count = 0;
    for (std::string after;;) {
      const auto table = ask(page_after(after));
      if (table.rows.empty()) return count;
      for (const auto& row : table.rows) {
        ++count;
        after = text(row.at(0));
        for (std::size_t i = 0; i < invariants.size(); ++i)
          if (row.at(i + 1) != "0") report(invariants[i].name, after, std::string{invariants[i].meaning});
      }
    }
  }

  static Pointer pointer_of(const std::vector<std::optional<std::string>>& row) {
    return {text(row.at(1)), std::strtoull(text(row.at(2)).c_str(), nullptr, 10), text(row.at(3))};
  }
  [[nodiscard]] std::optional<Pointer> pointer(const std::string& recording) const {
    const auto table = ask(inquiry_.file_of(recording));
    return table.rows.empty() ? std::nullopt : std::optional{pointer_of(table.rows.front())};
  }

  /// A pointer has its file, and the file its bytes.
  void pointers() {
    for (std::string after;;) {
      const auto table = ask(inquiry_.files_page(after, page()));
      if (table.rows.empty()) return;
      for (const auto& row : table.rows) {
        after = text(row.at(0));
        const auto said = pointer_of(row);
        const auto wrong = fault_of(said);
        if (wrong && pointer(after) == said) report("pointer_has_its_file", after, *wrong);
      }
    }
  }

  std::optional<std::string> fault_of(const Pointer& said) {
    const auto path = blob::Store::path_of(dir_, said.blob);
    Bytes size = 0;
    const auto sum = sha256_of(path, size);
    if (!sum) return path.string() + ": " + std::generic_category().message(errno);
    done_.bytes += size;
    if (size != said.bytes)
      return path.string() + ": has " + std::to_string(size) + " bytes, should have " + std::to_string(said.bytes);
    if (*sum != said.sha256) return path.string() + ": its SHA-256 is not " + said.sha256;
    return std::nullopt;
  }

  [[nodiscard]] bool old(const fs::directory_entry& entry) const {
    std::error_code gone;
    const auto written = entry.last_write_time(gone);
    return !gone && now_ - wall_time(written) > tolerated;
  }

  template <class Look>
  void files_in(const fs::path& folder, Look look) {
    std::error_code missing;
    for (fs::directory_iterator entry{folder, missing}, end; !missing && entry != end; entry.increment(missing))
      look(*entry);
  }

  void published_files() {
    std::vector<fs::path> old_ones;
    files_in(dir_ / "audio", [&](const fs::directory_entry& folder) {
      files_in(folder.path(), [&](const fs::directory_entry& file) {
        ++done_.files;
        if (old(file)) old_ones.push_back(file.path());
        if (std::ssize(old_ones) == page()) account_for(std::exchange(old_ones, {}));
      });
    });
    account_for(old_ones);
  }

  void account_for(const std::vector<fs::path>& files) {
    if (files.empty()) return;
    std::vector<std::string> blobs;
    for (const auto& file : files) blobs.push_back(file.filename().string());
    std::set<std::string> accounted;
    for (const auto& row : ask(inquiry_.accounted_of(blobs)).rows) accounted.insert(text(row.at(0)));
    for (const auto& file : files)
      if (!accounted.contains(file.filename().string()) && fs::exists(file))
        report("file_has_its_pointer", file.string(), "older than an hour, and no recording's audio here");
  }

  void temporary_files() {
    files_in(dir_ / "temporary", [&](const fs::directory_entry& file) {
      ++done_.files;
      if (!old(file)) return;
      const auto run = file.path().filename().string().substr(0, id_size);  // a temporary's name begins with it
      const auto active =
          ask("SELECT 1 FROM run WHERE id = " + ledger::quoted(run) + " AND status IN ('queued', 'running')");
      if (!active.rows.empty() || !fs::exists(file.path())) return;
      report("temporary_has_its_run", file.path().string(), "older than an hour, and no active run's");
    });
  }

  void copies() {
    const auto counted = verify_copies(ask_, page(), list_, now_,
                                       [this](Violation each) { done_.violations.push_back(std::move(each)); });
    if (counted)
      done_.copies = *counted;
    else
      done_.unanswered = counted.error();
  }

  const AskLedger& ask_;
  const ledger::Inquiry& inquiry_;
  const fs::path dir_;
  const ListCopies& list_;
  const WallTime now_;
  Verified done_;
};

}  // namespace

Answer<Verified> verify(const AskLedger& ask, const ledger::Inquiry& inquiry, const fs::path& data_dir,
                        const ListCopies& list, WallTime now) {
  try {
    return Verifier{ask, inquiry, data_dir, list, now}.all();
  } catch (const Unanswered& unanswered) {
    return std::unexpected(unanswered.why);
  }
}

}  // namespace onetake::app
