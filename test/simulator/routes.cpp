// What the imposter answers to which address.

#include <openssl/evp.h>

#include <algorithm>
#include <cmath>

#include "base/clock.hpp"
#include "simulator/house.hpp"

namespace onetake::simulator {
namespace {

constexpr std::string_view accounts = "/2010-04-01/Accounts/";

std::string base64(std::string_view text) {
  std::string out((text.size() + 2) / 3 * 4 + 1, '\0');
  const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(n));
  return out;
}

Reply twilio_not_found(const Request& request) {
  return {404, twilio_error(404, 20404, "The requested resource " + request.path + " was not found")};
}

Reply wrong_credentials() {
  return {401,
          twilio_error(401, 20003, "Authenticate"),
          "application/json; charset=utf-8",
          {{"WWW-Authenticate", R"(Basic realm="Twilio API")"}}};
}

/// "RE1.wav" into "RE1" and "wav"; no dot: "".
std::pair<std::string_view, std::string_view> split_extension(std::string_view name) {
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos) return {name, {}};
  return {name.substr(0, dot), name.substr(dot + 1)};
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

/// RFC 2822, as in Twilio's lists.
std::string mail_date(WallTime time) {
  std::string date = http_date(time);
  return date.replace(date.size() - 3, 3, "+0000");
}

std::string recording_json(const House& house, const Hosted& hosted) {
  const auto quoted = [](std::string_view text) { return '"' + std::string{text} + '"'; };
  const Audio& audio = hosted.formats.front();
  const std::string date = quoted(mail_date(hosted.created));
  const std::string path = house.recording_path(hosted);
  return R"({"account_sid": )" + quoted(house.options.account_sid) + R"(, "api_version": "2010-04-01", "call_sid": )" +
         quoted(hosted.call_sid) + R"(, "channels": )" + std::to_string(audio.channels()) +
         R"(, "conference_sid": null, "date_created": )" + date + R"(, "date_updated": )" + date +
         R"(, "duration": ")" + std::to_string(std::lround(audio.seconds())) +
         R"(", "encryption_details": null, "error_code": null, "media_url": )" + quoted(house.base_url() + path) +
         R"(, "price": null, "price_unit": "USD", "sid": )" + quoted(hosted.recording_sid) +
         R"(, "source": "DialVerb", "start_time": )" + date +
         R"(, "status": "completed", "subresource_uris": {}, "uri": )" + quoted(path + ".json") + "}";
}

}  // namespace

House::House(Provider::Options given) : options(std::move(given)) {
  basic_ = "Basic " + base64(options.account_sid + ':' + options.auth_token);
}

House::~House() = default;

std::string House::recording_path(const Hosted& hosted) const {
  return std::string{accounts} + options.account_sid + "/Recordings/" + hosted.recording_sid;
}

std::string House::signed_path(const Hosted& hosted) const {
  const auto sig = std::hash<std::string>{}(hosted.recording_sid + options.auth_token);
  return "/signed/" + hosted.recording_sid + "?sig=" + std::to_string(sig);
}

std::variant<Reply, Media> House::decide(const Request& request) {
  const std::lock_guard lock{mutex};
  if (request.method != "GET" && request.method != "HEAD")
    return Reply{405, "{}", "application/json", {{"Allow", "GET, HEAD"}}};
  std::string_view path = request.path;
  if (take(path, accounts)) return twilio(request, path);
  if (take(path, "/media/")) return file(request, path, false);
  if (take(path, "/signed/")) return file(request, path, true);
  return Reply{404, "Not found\n", "text/plain"};
}

std::shared_ptr<Hosted> House::find(std::string_view name) const {
  if (const auto it = by_sid.find(name); it != by_sid.end()) return it->second;
  const auto [first, last] = by_call.equal_range(name);
  return first != last ? first->second : nullptr;
}

std::variant<Reply, Media> House::twilio(const Request& request, std::string_view rest) {
  const auto account = rest.substr(0, rest.find('/'));
  rest.remove_prefix(account.size());

  std::shared_ptr<Hosted> hosted;
  std::string_view extension;
  std::string_view call_sid;
  if (take(rest, "/Recordings/")) {
    std::string_view name;
    std::tie(name, extension) = split_extension(rest);
    if (const auto it = by_sid.find(name); it != by_sid.end()) hosted = it->second;
  } else if (take(rest, "/Calls/") && rest.ends_with("/Recordings.json")) {
    call_sid = rest.substr(0, rest.find('/'));
  }

  if (account != options.account_sid || request.header("Authorization") != basic_) {
    count(hosted.get(), &Counters::unauthorized);
    return wrong_credentials();
  }
  if (!call_sid.empty()) return listing(request, call_sid);
  if (!hosted) return twilio_not_found(request);
  if (extension == "json") {
    count(hosted.get(), &Counters::lookups);
    if (hosted->counters.lookups <= hosted->unlisted) return twilio_not_found(request);
    return Reply{200, recording_json(*this, *hosted)};
  }
  if (extension.empty()) extension = "wav";
  const auto format = std::ranges::find(hosted->formats, extension, &Audio::format);
  if (format == hosted->formats.end()) {
    count(hosted.get(), &Counters::refused);
    return twilio_not_found(request);
  }
  if (request.parameter("RequestedChannels") == "2" && format->channels() < 2) {
    count(hosted.get(), &Counters::refused);
    return Reply{400, twilio_error(400, 16113, "Requested number of channels is not available")};
  }
  return media(request, hosted, *format);
}

Reply House::listing(const Request& request, std::string_view call_sid) {
  const auto [first, last] = by_call.equal_range(call_sid);
  if (first == last) {
    count(nullptr, &Counters::lookups);
    if (!silent_calls.contains(call_sid)) return twilio_not_found(request);
  }
  std::string items;
  unsigned n = 0;
  for (auto it = first; it != last; ++it) {
    Hosted& hosted = *it->second;
    ++hosted.counters.lookups;
    if (it == first) ++totals.lookups;
    if (hosted.counters.lookups <= hosted.unlisted) continue;
    items += (items.empty() ? "" : ", ") + recording_json(*this, hosted);
    ++n;
  }
  changed.notify_all();
  const std::string page = '"' + request.path + "?PageSize=50&Page=0\"";
  return {200,
          R"({"end": )" + std::to_string(n == 0 ? 0 : n - 1) + R"(, "first_page_uri": )" + page +
              R"(, "next_page_uri": null, "page": 0, "page_size": 50, "previous_page_uri": null, "recordings": [)" +
              items + R"(], "start": 0, "uri": )" + page + "}"};
}

std::variant<Reply, Media> House::file(const Request& request, std::string_view name, bool is_signed) {
  auto hosted = find(name);
  std::string_view extension;
  if (!hosted) {
    std::tie(name, extension) = split_extension(name);
    hosted = find(name);
  }
  if (!hosted) return Reply{404, "Not found\n", "text/plain"};

  if (is_signed) {
    if (request.has("Authorization")) count(hosted.get(), &Counters::leaked);
    if (!signed_path(*hosted).ends_with("?" + request.query)) {
      count(hosted.get(), &Counters::unauthorized);
      return Reply{403, "Wrong signature\n", "text/plain"};
    }
  } else if (hosted->bearer && request.header("Authorization") != "Bearer " + *hosted->bearer) {
    count(hosted.get(), &Counters::unauthorized);
    return Reply{401, "Who are you?\n", "text/plain", {{"WWW-Authenticate", "Bearer"}}};
  }

  const auto format =
      extension.empty() ? hosted->formats.begin() : std::ranges::find(hosted->formats, extension, &Audio::format);
  if (format == hosted->formats.end()) {
    count(hosted.get(), &Counters::refused);
    return Reply{404, "Not found\n", "text/plain"};
  }
  return media(request, hosted, *format);
}

std::variant<Reply, Media> House::media(const Request& request, const std::shared_ptr<Hosted>& hosted,
                                        const Audio& audio) {
  if (hosted->redirect && !request.path.starts_with("/signed/")) {
    count(hosted.get(), &Counters::redirects);
    const std::string to = hosted->redirect->empty() ? base_url() + signed_path(*hosted) : *hosted->redirect;
    return Reply{302, "", "text/plain", {{"Location", to}}};
  }
  if (most_active && totals.active >= *most_active) {
    count(hosted.get(), &Counters::throttled);
    return Reply{429, twilio_error(429, 20429, "Too Many Requests")};
  }
  Media media{hosted, next_answer(*hosted), audio, hosted->seen.size()};
  if (media.answer.status_ == 302) {
    count(hosted.get(), &Counters::redirects);
    return Reply{302, "", "text/plain", media.answer.headers_};
  }
  const auto text = [&](std::string_view name) { return std::string{request.header(name)}; };
  hosted->seen.push_back({request.path + (request.query.empty() ? "" : "?" + request.query), text("Range"),
                          text("If-Range"), text("Accept-Encoding"), 0});
  for (Counters* c : {&hosted->counters, &totals}) {
    ++c->requests;
    ++c->active;
    c->peak_active = std::max(c->peak_active, c->active);
  }
  changed.notify_all();
  return media;
}

}  // namespace onetake::simulator
