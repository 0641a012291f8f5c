#include "provider/twilio_source.hpp"

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>

#include "provider/headers.hpp"

namespace onetake::provider {
namespace {

constexpr std::string_view version = "/2010-04-01/Accounts/";

std::string_view without_slash(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

bool is_list(const Target& resource) { return resource.path.ends_with("/Recordings"); }

/// A dot segment, or an encoded slash or dot, would lead somewhere else than it looks.
bool straight(std::string_view path) {
  const auto low = lower(path);
  for (const char* crooked : {"/./", "/../", "//", "%2e", "%2f", "%5c"})
    if (low.contains(crooked)) return false;
  return !low.ends_with("/.") && !low.ends_with("/..");
}

std::string call_list(const TwilioAccount& account, std::string_view call_sid) {
  return std::string{version} + account.sid + "/Calls/" + std::string{call_sid} + "/Recordings";
}

std::string_view string_at(const boost::json::object& object, const char* key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

TwilioPick::State state_of(std::string_view status) {
  if (status == "completed") return TwilioPick::State::found;
  if (status == "absent" || status == "failed") return TwilioPick::State::absent;
  if (status == "deleted") return TwilioPick::State::deleted;
  return TwilioPick::State::pending;
}

}  // namespace

result<Target> twilio_resource(const TwilioAccount& account, std::string_view text) {
  const auto prefix = without_slash(account.base.path);
  std::string whole{text};
  if (!text.contains("://")) {
    auto root = account.base;
    root.path =
        text.starts_with('/') ? std::string{prefix} : std::string{prefix}.append(version).append(account.sid) + '/';
    root.query.clear();
    whole = root.url() + whole;
  }
  auto target = Target::parse(whole);
  if (!target) return failed(target.error().fault, "source_url " + target.error().detail);
  if (!target->same_origin(account.base) || !target->path.starts_with(std::string{prefix} + '/') ||
      !straight(target->path))
    return failed(Fault::source_not_allowed, "source_url does not lie at the provider's base_url");
  target->query.clear();
  for (const char* extension : {".json", ".wav", ".mp3"}) {
    if (!target->path.ends_with(extension)) continue;
    target->path.resize(target->path.size() - std::string_view{extension}.size());
    break;
  }
  const auto parent = std::string_view{target->path}.substr(0, target->path.rfind('/'));
  if (!is_list(*target) && !(parent.ends_with("/Recordings") && !target->path.ends_with('/')))
    return failed(Fault::source_not_allowed, "source_url is neither a recording nor a call's list of recordings");
  return target;
}

result<TwilioSource> TwilioSource::of(const TwilioAccount& account, const CallSid& call,
                                      const Registration& registration) {
  if (!registration.source_key.empty()) return failed(Fault::bad_body, "source_key means nothing to this provider");
  std::string text = registration.source_url;
  if (text.empty())
    text = registration.recording_sid.empty() ? call_list(account, call.str())
                                              : "Recordings/" + registration.recording_sid;
  auto resource = twilio_resource(account, text);
  if (!resource) return std::unexpected(std::move(resource.error()));

  TwilioSource made;
  if (!is_list(*resource)) {
    made.media = std::move(*resource);
    return made;
  }
  made.lists.push_back(std::move(*resource));
  if (!registration.parent_call_sid.empty()) {
    auto parent = twilio_resource(account, call_list(account, registration.parent_call_sid));
    if (!parent) return std::unexpected(std::move(parent.error()));
    made.lists.push_back(std::move(*parent));
  }
  for (auto& list : made.lists) list.path += ".json";
  return made;
}

std::optional<TwilioPick> pick_recording(std::string_view body, std::string_view recording_sid) {
  boost::system::error_code error;
  const auto value = boost::json::parse({body.data(), body.size()}, error);
  if (error || !value.is_object()) return std::nullopt;
  const auto* list = value.get_object().if_contains("recordings");
  if (list == nullptr || !list->is_array()) return std::nullopt;

  TwilioPick best;
  for (const auto& item : list->get_array()) {
    if (!item.is_object()) continue;
    const auto& recording = item.get_object();
    const auto sid = string_at(recording, "sid");
    if (!recording_sid.empty() && sid != recording_sid) continue;
    TwilioPick pick{.state = state_of(string_at(recording, "status")), .uri = std::string{string_at(recording, "uri")}};
    if (pick.uri.empty()) pick.uri = "Recordings/" + std::string{sid};
    if (pick.state == TwilioPick::State::found) return pick;
    // One that may still come counts for more than one that will not.
    if (best.state == TwilioPick::State::none || pick.state == TwilioPick::State::pending) best = std::move(pick);
  }
  return best;
}

}  // namespace onetake::provider
