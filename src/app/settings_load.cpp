#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>

#include "app/settings_rules.hpp"
#include "app/settings_table.hpp"

namespace onetake::app {
namespace {

/// All of a file; nothing when it cannot be read.
std::optional<std::string> content_of(const std::filesystem::path& path) {
  std::ifstream stream{path, std::ios::binary};
  if (!stream) return std::nullopt;
  std::string text;
  std::array<char, 4096> buffer{};
  while (stream.read(buffer.data(), buffer.size()), stream.gcount() > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(stream.gcount()));
  }
  return stream.bad() ? std::nullopt : std::optional{std::move(text)};  // bad: a directory, for one
}

/// Levenshtein. Keys are short: the quadratic table is a few hundred steps.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, changed}));
    }
  }
  return row.back();
}

std::string join(std::string_view section, std::string_view name) {
  return section.empty() ? std::string{name} : std::string{section} + '.' + std::string{name};
}

/// The default of a row in the form that the file's would have.
Value fallback_of(const Row& row) {
  std::string text{row.fallback};
  if (text == "[]") return Texts{};
  if (text == "{}") return TextMap{};
  if (text == "true" || text == "false") return text == "true";
  if (row.form == Form<int>::text) return std::int64_t{std::stoll(text)};
  return text;
}

void set_defaults(std::string_view section, Scope& scope) {
  for (const auto& row : rows()) {
    if (row.section != section || row.fallback.empty()) continue;
    if (const auto problem = row.set(scope, fallback_of(row))) {
      throw std::logic_error(join(section, row.name) + ": the default " + *problem);
    }
  }
}

/// Reads one file's tables into the settings. Goes on after a fault.
class Reader {
 public:
  Reader(const std::filesystem::path& file, Settings& settings, Report& report, const Environment& environment)
      : folder_(file.parent_path()), settings_(settings), report_(report), environment_(environment), rules_(report) {}

  void read_root(const toml::table& root) {
    Scope scope{settings_};
    for (const auto& section : sections()) {
      if (section.name.find('.') == std::string_view::npos && section.name != "tenant") {
        set_defaults(section.name, scope);
      }
    }
    // Tenants last: what they may say depends on [fetch].
    for (const auto& [key, node] : root) {
      if (key.str() != "tenant") read_entry("", key, node, scope);
    }
    rules_.settings(settings_, lines_);
    if (const auto* tenants = root.get("tenant")) read_sections("tenant", *tenants, scope);
    rules_.tenants(settings_);
  }

 private:
  using Lines = Rules::Lines;

  void read_entry(std::string_view section, const toml::key& key, const toml::node& node, Scope& scope) {
    const std::string name = join(section, key.str());
    const int line = static_cast<int>(key.source().begin.line);
    if (std::ranges::find(sections(), name, &Section::name) != std::ranges::end(sections())) {
      return read_sections(name, node, scope);
    }
    const auto row = std::ranges::find_if(
        rows(), [&](const Row& candidate) { return candidate.section == section && candidate.name == key.str(); });
    if (row == std::ranges::end(rows()))
      return report_.fault(line, name, "unknown key" + suggestion(section, key.str()));
    if (row->need == Need::later) return report_.fault(line, name, "not available in this version");
    lines_[name] = line;
    const auto value = value_of(node, line, name);
    if (!value) return;
    if (const auto problem = row->set(scope, *value)) report_.fault(line, name, *problem);
  }

  /// A section that stands once, or each of a list.
  void read_sections(const std::string& name, const toml::node& node, Scope& scope) {
    const auto heading = std::ranges::find(sections(), name, &Section::name);
    const bool repeated = !heading->title.starts_with('[') || heading->title.starts_with("[[");
    const int line = static_cast<int>(node.source().begin.line);
    if (const auto* one = node.as_table(); one != nullptr && !repeated) return read_section(name, *one, scope);
    const auto* list = node.as_array();
    if (list == nullptr || !repeated || !list->is_homogeneous(toml::node_type::table)) {
      if (list != nullptr && repeated && list->empty()) return;
      return report_.fault(line, name, repeated ? "must be a list of tables" : "must be a table");
    }
    for (const auto& element : *list) {
      Scope inner = scope;
      if (name == "tenant") inner.tenant = &settings_.tenants.emplace_back();
      if (name == "tenant.url_signing_keys") inner.url_key = &scope.tenant->credentials.url_keys.emplace_back();
      if (name == "tenant.provider") inner.provider = &scope.tenant->providers.emplace_back();
      std::erase_if(lines_, [&](const auto& entry) { return entry.first.starts_with(name + '.'); });
      lines_[name] = static_cast<int>(element.source().begin.line);
      set_defaults(name, inner);
      const auto faults_before = report_.fault_count();
      read_section(name, *element.as_table(), inner);
      const bool readable = report_.fault_count() == faults_before;
      if (inner.url_key != nullptr)
        rules_.url_key(*inner.tenant, lines_);
      else if (inner.provider != nullptr)
        rules_.provider(settings_, *inner.tenant, readable, lines_);
      else
        rules_.tenant(settings_, lines_);
    }
  }

  void read_section(const std::string& name, const toml::table& section, Scope& scope) {
    const int line = static_cast<int>(section.source().begin.line);
    const auto all_later = [&] {
      const auto of_this = [&](const Row& row) { return row.section == name && row.need != Need::later; };
      return std::ranges::none_of(rows(), of_this);
    };
    if (section.empty() && all_later()) report_.fault(line, name, "not available in this version");
    // Values before the tables within: a rule may ask for both.
    for (const bool tables : {false, true}) {
      for (const auto& [key, node] : section) {
        if ((node.is_table() || node.is_array_of_tables()) == tables) read_entry(name, key, node, scope);
      }
    }
    for (const auto& row : rows()) {
      if (row.section == name && row.need == Need::required && !section.contains(row.name)) {
        report_.fault(line, join(name, row.name), "is required");
      }
    }
  }

  std::optional<Value> value_of(const toml::node& node, int line, const std::string& key) {
    if (const auto* text = node.as_string()) return resolved(text->get(), line, key);
    if (const auto* number = node.as_integer()) return number->get();
    if (const auto* flag = node.as_boolean()) return flag->get();
    if (const auto* list = node.as_array(); list != nullptr && (list->empty() || list->is_homogeneous<std::string>())) {
      Texts texts;
      for (const auto& element : *list) {
        auto text = resolved(element.as_string()->get(), static_cast<int>(element.source().begin.line), key);
        if (!text) return std::nullopt;
        texts.push_back(std::move(*text));
      }
      return texts;
    }
    if (const auto* table = node.as_table();
        table != nullptr && (table->empty() || table->is_homogeneous<std::string>())) {
      TextMap texts;
      for (const auto& [name, element] : *table) {
        auto text = resolved(element.as_string()->get(), line, key + '.' + std::string{name.str()});
        if (!text) return std::nullopt;
        texts.emplace(name.str(), std::move(*text));
      }
      return texts;
    }
    return Value{};
  }

  /// `env:NAME` and `file:PATH`; any other text as it is. Nothing when what it names is not there; that is reported.
  std::optional<std::string> resolved(const std::string& text, int line, const std::string& key) {
    if (text.starts_with("env:")) {
      auto value = environment_(text.substr(4));
      if (!value) report_.fault(line, key, "the environment variable " + text.substr(4) + " is not set");
      return value;
    }
    if (!text.starts_with("file:")) return text;
    const auto path = folder_ / text.substr(5);
    auto content = content_of(path);
    if (!content) {
      report_.fault(line, key, "the file " + path.string() + " cannot be read");
      return std::nullopt;
    }
    if (content->ends_with('\n')) content->pop_back();
    if (content->ends_with('\r')) content->pop_back();
    return content;
  }

  static std::string suggestion(std::string_view section, std::string_view name) {
    std::string_view best;
    std::size_t nearest = 3;  // two slips at most
    const auto consider = [&](std::string_view candidate) {
      const auto away = distance(name, candidate);
      if (away < nearest && away < candidate.size()) {
        nearest = away;
        best = candidate;
      }
    };
    for (const auto& row : rows()) {
      if (row.section == section) consider(row.name);
    }
    for (const auto& inner : sections()) {
      const auto dot = inner.name.rfind('.');
      const auto parent = dot == std::string_view::npos ? std::string_view{} : inner.name.substr(0, dot);
      if (parent == section) consider(dot == std::string_view::npos ? inner.name : inner.name.substr(dot + 1));
    }
    return best.empty() ? "" : "; did you mean " + std::string{best} + '?';
  }

  std::filesystem::path folder_;
  Settings& settings_;
  Report& report_;
  const Environment& environment_;
  Rules rules_;
  Lines lines_;
};

void override_settings(Settings& settings, const Overrides& overrides, Faults& faults) {
  Scope scope{settings};
  const auto take = [&](std::string_view option, std::string_view name, const std::optional<std::string>& text) {
    if (!text) return;
    const auto row =
        std::ranges::find_if(rows(), [&](const Row& r) { return r.section == "server" && r.name == name; });
    if (const auto problem = row->set(scope, *text)) faults.push_back(std::string{option} + ": " + *problem);
  };
  take("--listen", "listen", overrides.listen);
  take("--data-dir", "data_dir", overrides.data_dir);
  take("--role", "role", overrides.role);
}

}  // namespace

std::expected<Loaded, Faults> load_settings(const std::filesystem::path& file, const Overrides& overrides,
                                            const Environment& environment) {
  const auto text = content_of(file);
  if (!text) return std::unexpected(Faults{file.string() + ": cannot be read"});

  Report report{file};
  Settings settings;
  try {
    Reader{file, settings, report, environment}.read_root(toml::parse(*text, file.string()));
  } catch (const toml::parse_error& error) {
    report.fault(static_cast<int>(error.source().begin.line), "TOML", std::string{error.description()});
  }
  Faults faults = report.faults();
  override_settings(settings, overrides, faults);
  if (!faults.empty()) return std::unexpected(std::move(faults));
  return Loaded{std::move(settings), report.warnings()};
}

Settings default_settings() {
  Settings settings;
  Scope scope{settings};
  for (const auto& section : sections()) {
    if (!section.name.starts_with("tenant")) set_defaults(section.name, scope);
  }
  return settings;
}

std::optional<std::string> process_environment(const std::string& name) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing here ever sets a variable
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>{value};
}

}  // namespace onetake::app
