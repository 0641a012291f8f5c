#include "ledger/rows.hpp"

#include <boost/json.hpp>

namespace onetake::ledger {

std::string labels_json(const std::map<std::string, std::string>& labels) {
  boost::json::object object;
  for (const auto& [key, value] : labels) object.emplace(key, value);
  return boost::json::serialize(object);
}

std::map<std::string, std::string> read_labels(std::string_view json) {
  std::map<std::string, std::string> labels;
  if (json == "{}") return labels;
  const auto parsed = boost::json::parse({json.data(), json.size()});
  for (const auto& [key, value] : parsed.as_object()) labels.emplace(key, value.as_string());
  return labels;
}

}  // namespace onetake::ledger
