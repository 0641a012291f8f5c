#include "http/json.hpp"

#include <boost/json/parse.hpp>
#include <cmath>

namespace onetake::http {
namespace {

namespace json = boost::json;

json::value time_or_null(const std::optional<WallTime>& time) { return time ? json::value(rfc3339(*time)) : nullptr; }

template <class T>
json::value or_null(const std::optional<T>& value) {
  return value ? json::value(*value) : nullptr;
}

/// 10, not 1E1: Boost.JSON writes every double with an exponent.
json::value seconds_or_null(const std::optional<double>& seconds) {
  if (!seconds || !std::isfinite(*seconds)) return nullptr;
  if (std::abs(*seconds) > 1e15) return *seconds;  // a container may say anything
  const auto whole = static_cast<std::int64_t>(*seconds);
  return static_cast<double>(whole) == *seconds ? json::value(whole) : json::value(*seconds);
}

json::value text_or_null(std::string_view text) { return text.empty() ? json::value(nullptr) : json::value(text); }

/// Null unless the run waits: a run at work, or ended, waits for nothing.
json::value reason_of(const Run& run) {
  return run.status == RunStatus::queued ? json::value(name(run.reason)) : json::value(nullptr);
}

json::value error_of(const std::optional<Setback>& setback) {
  if (!setback) return nullptr;
  std::string text{name(setback->cause)};
  if (!setback->detail.empty()) text += ": " + setback->detail;
  return json::string(text);
}

json::value media_of(const std::optional<Media>& media) {
  if (!media) return nullptr;
  return json::object{{"content_type", media->content_type},
                      {"bytes", media->bytes},
                      {"sha256", media->sha256},
                      {"duration_seconds", seconds_or_null(media->duration_seconds)},
                      {"channels", or_null(media->channels)},
                      {"codec", text_or_null(media->codec)}};
}

std::unexpected<Failure> wrong(std::string_view field, std::string_view what) {
  return failed(Fault::bad_body, std::string{field} + ": " + std::string{what});
}

/// Reads the fields of one object; the first that is wrong is kept.
class Reader {
 public:
  explicit Reader(const json::object& object) : object_(object) {}

  std::string text(std::string_view name, std::size_t most) {
    const auto* value = find(name);
    if (value == nullptr) return {};
    if (!value->is_string()) return fail(name, "must be a string"), std::string{};
    const auto& text = value->get_string();
    if (text.size() > most) return fail(name, "is too long"), std::string{};
    if (text.find('\0') != json::string::npos) return fail(name, "has a NUL in it"), std::string{};
    return {text.begin(), text.end()};
  }

  std::optional<double> number(std::string_view name, double least, double most) {
    const auto* value = find(name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number()) return fail(name, "must be a number"), std::nullopt;
    const auto number = value->to_number<double>();
    if (!std::isfinite(number) || number < least || number > most) return fail(name, "is out of range"), std::nullopt;
    return number;
  }

  std::optional<WallTime> time(std::string_view name) {
    const auto text = this->text(name, 64);
    if (text.empty()) return std::nullopt;
    const auto time = parse_rfc3339(text);
    if (!time) fail(name, "must be an RFC 3339 time, such as 2026-11-22T09:30:00Z");
    return time;
  }

  std::map<std::string, std::string> labels() {
    std::map<std::string, std::string> labels;
    const auto* value = find("labels");
    if (value == nullptr) return labels;
    if (!value->is_object()) return fail("labels", "must be an object of strings"), labels;
    if (value->get_object().size() > 64) return fail("labels", "are more than 64"), labels;
    for (const auto& [key, each] : value->get_object()) {
      if (!each.is_string() || key.size() > 64 || each.get_string().size() > 1024)
        return fail("labels", "must be strings: keys of up to 64 bytes, values of up to 1024"), labels;
      if (key.find('\0') != json::string_view::npos || each.get_string().find('\0') != json::string::npos)
        return fail("labels", "have a NUL in them"), labels;
      labels.emplace(key, each.get_string());
    }
    return labels;
  }

  void fail(std::string_view field, std::string_view what) {
    if (!failure_) failure_ = std::string{field} + ": " + std::string{what};
  }
  [[nodiscard]] const std::optional<std::string>& failure() const { return failure_; }

 private:
  const json::value* find(std::string_view name) const {
    const auto* value = object_.if_contains(name);
    return value == nullptr || value->is_null() ? nullptr : value;
  }

  const json::object& object_;
  std::optional<std::string> failure_;
};

}  // namespace

json::object json_of(const Run& run) {
  // What a run met on its way is no error of one that came to a good end.
  const auto error = run.status == RunStatus::completed ? std::nullopt : run.setback;
  return {{"id", run.id.str()},
          {"call_sid", run.call_sid.str()},
          {"job_type", run.job_type},
          {"cycle", run.cycle},
          {"status", name(run.status)},
          {"attempt", run.attempt},
          {"max_attempts", run.max_attempts},
          {"received_bytes", run.received_bytes},
          {"total_bytes", or_null(run.total_bytes)},
          {"reason", reason_of(run)},
          {"error", error_of(error)},
          {"last_error", error_of(run.setback)},
          {"provider_status",
           error && error->provider_status != 0 ? json::value(error->provider_status) : json::value(nullptr)},
          {"created_at", rfc3339(run.created_at)},
          {"started_at", time_or_null(run.started_at)},
          {"completed_at", time_or_null(run.completed_at)}};
}

json::object json_of(const Recording& recording) {
  const auto& said = recording.registered;
  json::object labels;
  for (const auto& [key, value] : said.labels) labels[key] = value;
  return {{"id", recording.id.str()},
          {"call_sid", recording.call_sid.str()},
          {"recording_sid", text_or_null(said.recording_sid)},
          {"parent_call_sid", text_or_null(said.parent_call_sid)},
          {"state", name(recording.state)},
          {"run", recording.run ? json::value(json_of(*recording.run)) : json::value(nullptr)},
          {"media", media_of(recording.media)},
          {"provider", said.provider},
          {"source_url", text_or_null(said.source_url)},
          {"source_key", text_or_null(said.source_key)},
          {"from", text_or_null(said.from)},
          {"to", text_or_null(said.to)},
          {"direction", text_or_null(said.direction)},
          {"started_at", time_or_null(said.started_at)},
          {"duration_seconds", seconds_or_null(said.duration_seconds)},
          {"channels", or_null(said.channels)},
          {"format", text_or_null(said.format)},
          {"labels", std::move(labels)},
          {"registered_at", rfc3339(recording.registered_at)}};
}

json::object json_of(const run::Flight::View& view) {
  return {{"status", name(view.run.status)},
          {"run_id", view.run.id.str()},
          {"received_bytes", view.received()},
          {"total_bytes", or_null(view.total())},
          {"reason", reason_of(view.run)}};
}

json::object progress_of(const run::Flight::View& view) {
  return {{"status", name(view.run.status)},
          {"received_bytes", view.received()},
          {"total_bytes", or_null(view.total())},
          {"attempt", view.run.attempt},
          {"reason", reason_of(view.run)}};
}

result<Registration> registration_of(std::string_view body) {
  boost::system::error_code error;
  const auto value = json::parse(json::string_view{body.data(), body.size()}, error);
  if (error) return failed(Fault::bad_body, "The body is not JSON: " + error.message() + ".");
  if (!value.is_object()) return failed(Fault::bad_body, "The body is not a JSON object.");

  Reader reader{value.get_object()};
  Registration said;
  said.provider = reader.text("provider", 64);
  said.source_url = reader.text("source_url", 4096);
  said.source_key = reader.text("source_key", 1024);
  said.recording_sid = reader.text("recording_sid", 64);
  said.parent_call_sid = reader.text("parent_call_sid", 64);
  said.from = reader.text("from", 256);
  said.to = reader.text("to", 256);
  said.direction = reader.text("direction", 64);
  said.started_at = reader.time("started_at");
  said.duration_seconds = reader.number("duration_seconds", 0, 31'536'000);
  if (const auto channels = reader.number("channels", 1, 64)) {
    said.channels = static_cast<int>(*channels);
    if (*said.channels != *channels) reader.fail("channels", "must be a whole number");
  }
  said.format = reader.text("format", 32);
  said.labels = reader.labels();
  if (reader.failure()) return failed(Fault::bad_body, *reader.failure());

  if (said.provider.empty()) return wrong("provider", "is missing: the name of one of the tenant's providers");
  for (const auto& [field, sid] :
       {std::pair{"recording_sid", said.recording_sid}, std::pair{"parent_call_sid", said.parent_call_sid}})
    if (!sid.empty() && !valid_call_sid(sid)) return failed(Fault::bad_call_sid, std::string{field} + " is not a sid.");
  return said;
}

}  // namespace onetake::http
