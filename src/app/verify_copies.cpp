#include "app/verify_copies.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <utility>

#include "ledger/invariants.hpp"

namespace onetake::app {
namespace {

using durable::Listed;
using ledger::Inquiry;

/// Somebody does not answer; nothing can be told.
struct Unanswered {
  std::string why;
};

/// What the ledger says.
struct Pointer {
  std::string recording;
  std::string blob;
  Bytes bytes = 0;

  bool operator==(const Pointer&) const = default;
};

/// Item after item of what is asked for in pages; an empty one is the end.
template <class Item>
class Walk {
 public:
  using Next = std::function<std::vector<Item>(const std::optional<Item>& after)>;

  explicit Walk(Next next) : next_(std::move(next)) { turn(); }

  /// Null at the end.
  [[nodiscard]] const Item* here() const { return at_ < page_.size() ? &page_[at_] : nullptr; }
  void go_on() {
    if (++at_ == page_.size()) turn();
  }

 private:
  void turn() {
    page_ = next_(page_.empty() ? std::nullopt : std::optional{std::move(page_.back())});
    at_ = 0;
  }

  Next next_;
  std::vector<Item> page_;
  std::size_t at_ = 0;
};

class Comparison {
 public:
  Comparison(const AskLedger& ask, int page_size, const ListCopies& list, WallTime now,
             const std::function<void(Violation)>& report)
      : ask_(ask), page_size_(page_size), list_(list), now_(now), report_(report) {}

  std::int64_t all() {
    Walk<Pointer> pointers{[this](const auto& after) {
      return pointers_of(Inquiry::copies_page(after ? after->recording : "", page_size_));
    }};
    Walk<Listed> objects{[this](const auto& after) { return listed_after(after ? after->name : ""); }};
    std::int64_t count = 0;
    // Names begin with the id of their recording: both come in one order.
    while (pointers.here() != nullptr || objects.here() != nullptr) {
      const auto* said = pointers.here();
      const auto* there = objects.here();
      if (there == nullptr || (said != nullptr && said->blob < there->name)) {
        missing(*said);
        pointers.go_on();
        continue;
      }
      ++count;
      const bool same = said != nullptr && said->blob == there->name;
      if (!same)
        unclaimed(*there);
      else if (said->bytes != there->size)
        report_({"copy_has_its_object", said->recording,
                 said->blob + " has " + std::to_string(there->size) + " bytes in the storage, should have " +
                     std::to_string(said->bytes)});
      if (same) pointers.go_on();
      objects.go_on();
    }
    return count;
  }

 private:
  [[nodiscard]] ledger::Table ask(const std::string& sql) const {
    auto table = ask_(sql);
    if (!table) throw Unanswered{table.error()};
    return *std::move(table);
  }
  [[nodiscard]] std::vector<Pointer> pointers_of(const std::string& sql) const {
    std::vector<Pointer> all;
    for (const auto& row : ask(sql).rows)
      all.push_back(
          {row.at(0).value_or(""), row.at(1).value_or(""), std::strtoull(row.at(2).value_or("").c_str(), nullptr, 10)});
    return all;
  }
  [[nodiscard]] std::vector<Listed> listed_after(const std::string& name) const {
    auto page = list_(name);
    if (!page) throw Unanswered{page.error()};
    return *std::move(page);
  }

  [[nodiscard]] bool is_there(const std::string& name) const {
    auto before = name;  // no name lies between the two: '~' comes behind all that names are made of
    --before.back();
    const auto next = listed_after(before + '~');
    return !next.empty() && next.front().name == name;
  }

  void missing(const Pointer& said) {
    if (is_there(said.blob)) return;
    const auto now = pointers_of(Inquiry::copy_of(said.recording));
    if (now.empty() || now.front() != said) return;
    report_({"copy_has_its_object", said.recording, said.blob + " is not in the storage"});
  }

  void unclaimed(const Listed& there) {
    if (now_ - there.written <= std::chrono::hours{1}) return;
    const auto known = ask(Inquiry::accounts_for_object(there.name));
    if (!known.rows.empty() || !is_there(there.name)) return;
    report_({"object_has_its_pointer", there.name, "in the storage, older than an hour, and no recording's audio"});
  }

  const AskLedger& ask_;
  const int page_size_;
  const ListCopies& list_;
  const WallTime now_;
  const std::function<void(Violation)>& report_;
};

}  // namespace

Answer<std::int64_t> verify_copies(const AskLedger& ask, int page_size, const ListCopies& list, WallTime now,
                                   const std::function<void(Violation)>& report) {
  try {
    return Comparison{ask, page_size, list, now, report}.all();
  } catch (const Unanswered& unanswered) {
    return std::unexpected(unanswered.why);
  }
}

}  // namespace onetake::app
