#pragma once

#include <libpq-fe.h>

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "recording/run_state.hpp"

namespace onetake::ledger::pg {

struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, Clear>;

/// $1, $2, …: typed here, text on the wire, where the server knows each one's type.
class Parameters {
 public:
  Parameters() = default;
  template <class... Values>
    requires(sizeof...(Values) > 0)
  explicit Parameters(const Values&... values) {
    values_.reserve(sizeof...(values));
    (add(values), ...);
  }

  template <class Value>
  void add(const Value& value) {
    values_.push_back(spelled(value));
  }
  [[nodiscard]] int size() const { return static_cast<int>(values_.size()); }
  /// NULL is a null pointer. As long as nothing is added.
  [[nodiscard]] std::vector<const char*> pointers() const;

 private:
  using Text = std::optional<std::string>;

  static Text spelled(std::string_view text) { return std::string{text}; }
  static Text spelled(const char* text) { return std::string{text}; }
  static Text spelled(const std::string& text) { return text; }
  static Text spelled(double value);
  static Text spelled(bool value) { return value ? "t" : "f"; }
  static Text spelled(std::integral auto value) { return std::to_string(value); }
  static Text spelled(WallTime time) { return std::to_string(time.time_since_epoch().count()); }
  static Text spelled(milliseconds span) { return std::to_string(span.count()); }
  static Text spelled(State state) { return std::string{name(state)}; }
  static Text spelled(RunStatus status) { return std::string{name(status)}; }
  static Text spelled(Reason reason) { return std::string{name(reason)}; }
  static Text spelled(std::nullopt_t) { return std::nullopt; }
  /// NULL, which is equal to nothing, where it is none that the database could have.
  template <class Tag>
  static Text spelled(const Id<Tag>& id) {
    return named(id.str());
  }
  template <class T>
  static Text spelled(const std::optional<T>& value) {
    return value ? spelled(*value) : std::nullopt;
  }
  /// An array's literal; chapter 8.15.2 of PostgreSQL's manual.
  template <class T>
  static Text spelled(const std::vector<T>& values) {
    std::string array = "{";
    for (const T& value : values) {
      if (array.size() > 1) array += ',';
      if constexpr (std::same_as<T, std::string>)
        quote(array, named(value));  // as an id
      else
        quote(array, spelled(value));
    }
    return array + '}';
  }
  static Text named(const std::string& name);
  static void quote(std::string& array, const Text& element);

  std::vector<Text> values_;
};

/// The rows of an answer, one after the other, each read from left to right: a read moves on by one. NULL reads as ""
/// or 0.
class Rows {
 public:
  explicit Rows(Result result) : result_(std::move(result)), rows_(PQntuples(result_.get())) {}

  bool next() {
    column_ = 0;
    return ++row_ < rows_;
  }
  [[nodiscard]] int size() const { return rows_; }

  void skip(int columns) { column_ += columns; }
  [[nodiscard]] bool at_null() const { return PQgetisnull(result_.get(), row_, column_) != 0; }
  [[nodiscard]] std::string_view view();
  [[nodiscard]] std::string text() { return std::string{view()}; }
  [[nodiscard]] std::int64_t integer();
  [[nodiscard]] double real();
  [[nodiscard]] bool truth() { return view() == "t"; }
  [[nodiscard]] WallTime time() { return WallTime{milliseconds{integer()}}; }
  /// One of the reads above, or nothing where the column is NULL.
  template <class T>
  [[nodiscard]] std::optional<T> maybe(T (Rows::*read)()) {
    if (!at_null()) return (this->*read)();
    ++column_;
    return std::nullopt;
  }
  /// An array of texts that need no quotes, as ids do.
  [[nodiscard]] std::vector<std::string> plain_array();

 private:
  Result result_;
  int rows_;
  int row_ = -1;
  int column_ = 0;
};

}  // namespace onetake::ledger::pg
