#include "ledger/postgres_values.hpp"

#include <array>
#include <charconv>

#include "ledger/utf8.hpp"

namespace onetake::ledger::pg {

std::vector<const char*> Parameters::pointers() const {
  std::vector<const char*> all;
  all.reserve(values_.size());
  for (const auto& value : values_) all.push_back(value ? value->c_str() : nullptr);
  return all;
}

Parameters::Text Parameters::spelled(double value) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return std::string{digits.data(), end};
}

Parameters::Text Parameters::named(const std::string& name) { return is_text(name) ? Text{name} : std::nullopt; }

void Parameters::quote(std::string& array, const Text& element) {
  if (!element) {
    array += "NULL";
    return;
  }
  array += '"';
  for (const char c : *element) {
    if (c == '"' || c == '\\') array += '\\';
    array += c;
  }
  array += '"';
}

std::string_view Rows::view() {
  const int column = column_++;
  return {PQgetvalue(result_.get(), row_, column), static_cast<std::size_t>(PQgetlength(result_.get(), row_, column))};
}

std::int64_t Rows::integer() {
  const auto text = view();
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

double Rows::real() {
  const auto text = view();
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::vector<std::string> Rows::plain_array() {
  auto text = view();
  std::vector<std::string> all;
  if (text.size() <= 2) return all;
  text = text.substr(1, text.size() - 2);
  for (;;) {
    const auto comma = text.find(',');
    all.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return all;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace onetake::ledger::pg
