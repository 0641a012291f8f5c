#include "app/control_message.hpp"

#include <boost/json.hpp>

namespace onetake::app {
namespace {

namespace json = boost::json;

std::string line_of(const json::object& object) { return json::serialize(object); }

/// `read(object)` of a line that holds an object and says nothing of an error. What `read` throws means a line that is
/// not as it should be.
template <class T, class Read>
Answer<T> understood(const std::string& line, Read read) {
  try {
    const json::object object = json::parse(line).as_object();
    if (const auto* error = object.if_contains("error")) return std::unexpected(json::value_to<std::string>(*error));
    return read(object);
  } catch (const std::exception&) {
    return std::unexpected(std::string{"not understood: is that another version of onetake?"});
  }
}

}  // namespace

std::string write_request(const ControlRequest& request) {
  json::object object{{"verb", request.verb}};
  if (!request.sql.empty()) object["sql"] = request.sql;
  return line_of(object);
}

std::string write_table(const ledger::Table& table) {
  json::array rows;
  for (const auto& row : table.rows) {
    json::array cells;
    for (const auto& cell : row) cells.push_back(cell ? json::value(*cell) : json::value(nullptr));
    rows.push_back(std::move(cells));
  }
  return line_of({{"columns", json::value_from(table.columns)}, {"rows", std::move(rows)}});
}

std::string write_schema(const Schema& schema) { return line_of({{"from", schema.from}, {"to", schema.to}}); }

std::string write_pid(int pid) { return line_of({{"pid", pid}}); }

std::string write_error(std::string_view error) { return line_of({{"error", error}}); }

Answer<ControlRequest> read_request(const std::string& line) {
  return understood<ControlRequest>(line, [](const json::object& object) {
    const auto* sql = object.if_contains("sql");
    return ControlRequest{json::value_to<std::string>(object.at("verb")),
                          sql == nullptr ? "" : json::value_to<std::string>(*sql)};
  });
}

Answer<ledger::Table> read_table(const std::string& line) {
  return understood<ledger::Table>(line, [](const json::object& object) {
    ledger::Table table{json::value_to<std::vector<std::string>>(object.at("columns")), {}};
    for (const auto& row : object.at("rows").as_array()) {
      auto& cells = table.rows.emplace_back();
      for (const auto& cell : row.as_array()) {
        cells.push_back(cell.is_null() ? std::nullopt : std::optional{json::value_to<std::string>(cell)});
      }
    }
    return table;
  });
}

Answer<Schema> read_schema(const std::string& line) {
  return understood<Schema>(line, [](const json::object& object) {
    return Schema{json::value_to<int>(object.at("from")), json::value_to<int>(object.at("to"))};
  });
}

Answer<int> read_pid(const std::string& line) {
  return understood<int>(line, [](const json::object& object) { return json::value_to<int>(object.at("pid")); });
}

}  // namespace onetake::app
