// Server-sent events: how a fetch goes, told to whoever cannot listen yet.

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <span>

#include "story/story.hpp"

namespace onetake::story {
namespace {

struct Event {
  std::string name;
  boost::json::object data;

  [[nodiscard]] std::string text(std::string_view key) const {
    const auto& value = data.at({key.data(), key.size()});
    return value.is_string() ? std::string{value.get_string()} : boost::json::serialize(value);
  }
};

std::vector<Event> events_in(const std::string& text) {
  std::vector<Event> events;
  for (std::size_t at = text.find("event: "); at != std::string::npos; at = text.find("event: ", at + 1)) {
    const auto line = text.find("\ndata: ", at);
    const auto end = text.find("\n\n", line);
    events.push_back(
        {text.substr(at + 7, line - at - 7), boost::json::parse(text.substr(line + 7, end - line - 7)).as_object()});
  }
  return events;
}

Listeners watch(const Server& server, const Call& call) {
  auto watcher = server.listen(server.request("GET", recording(call.sid) + "/events"), 1, call.audio);
  watcher.until([](const Listener& each) { return !each.text().empty(); });
  return watcher;
}

void until_told(Listeners& watcher, const std::string& what) {
  watcher.until([&](const Listener& each) { return each.text().find(what) != std::string::npos; });
}

// From the press to the end: what has come grows, and the last word is that it is ready.
TEST(Events, TellOfAFetchToItsEnd) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.25, "quarter").hold_at(0.75, "rest"));
  server.has(call);
  const auto bytes = [&](double part) {
    return std::to_string(static_cast<Bytes>(part * static_cast<double>(call.audio.size())) - 1);
  };

  auto watcher = watch(server, call);  // before the press: it is told of what comes
  auto person = server.play(call);
  until_told(watcher, "\"received_bytes\":" + bytes(0.25));
  call.release("quarter");
  until_told(watcher, "\"received_bytes\":" + bytes(0.75));
  call.release("rest");
  watcher.until_the_end();
  person.until_the_end();

  EXPECT_THAT(watcher[0], AllOf(Says("Content-Type", "text/event-stream"), Says("Cache-Control", "no-store")));
  EXPECT_EQ(watcher[0].standing(), Standing::whole);
  const auto events = events_in(watcher[0].text());
  ASSERT_GE(events.size(), 4);
  Bytes received = 0;
  for (const auto& event : std::span{events}.first(events.size() - 1)) {
    EXPECT_EQ(event.name, "run");
    EXPECT_GE(std::stoull(event.text("received_bytes")), received);
    received = std::stoull(event.text("received_bytes"));
    EXPECT_EQ(event.text("attempt"), "1");
    EXPECT_EQ(event.text("reason"), "null");
  }
  const auto& last_run = events.at(events.size() - 2);
  EXPECT_EQ(last_run.text("status"), "completed");
  EXPECT_EQ(last_run.text("received_bytes"), std::to_string(call.audio.size()));
  EXPECT_EQ(last_run.text("total_bytes"), std::to_string(call.audio.size()));
  EXPECT_EQ(events.back().name, "ready");
  EXPECT_EQ(events.back().text("state"), "ready");
}

// A run that waits says what for.
TEST(Events, TellWhatARunWaitsFor) {
  Provider provider;
  Server server{provider, {{"fetch.max_attempts", "1"}}};
  auto call = provider.has("CA1", speech(5s)).answering(throttled(1s), not_ready().before_first_byte("go"), whole());
  server.has(call, "web");
  EXPECT_THAT(server.post(recording("CA1") + "/fetch"), Has(202));

  auto watcher = watch(server, call);
  until_told(watcher, "\"reason\":\"throttled\"");
  call.release("go");
  watcher.until_the_end();

  EXPECT_EQ(events_in(watcher[0].text()).back().name, "ready");
  EXPECT_EQ(call.requests(), 3);
}

// A fetch that fails ends the events with its cause, and so does one that has failed already.
TEST(Events, TellOfAFailure) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s)).answering(forbidden().before_first_byte("go"));
  server.has(call);
  EXPECT_THAT(server.post(recording("CA1") + "/fetch"), Has(202));

  auto watcher = watch(server, call);
  call.until(held("go"));
  call.release("go");
  watcher.until_the_end();
  auto later = watch(server, call);
  later.until_the_end();

  for (const auto* each : {&watcher, &later}) {
    const auto last = events_in((*each)[0].text()).back();
    EXPECT_EQ(last.name, "failed");
    EXPECT_EQ(last.text("code"), "fetch_failed");
    EXPECT_EQ(last.text("provider_status"), "403");
    EXPECT_THAT(last.text("detail"), HasSubstr("forbidden"));
  }
}

// Gone at the provider is told as such.
TEST(Events, TellThatItIsGone) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s)).answering(gone());
  server.has(call);
  EXPECT_THAT(server.get(play("CA1")), Has(410));

  auto watcher = watch(server, call);
  watcher.until_the_end();

  EXPECT_EQ(events_in(watcher[0].text()).back().text("code"), "recording_gone");
}

// Erased while somebody watches, cold or arriving: they are told.
TEST(Events, TellThatItWasErased) {
  Provider provider;
  Server server{provider};
  auto cold = provider.has("CA1", speech(5s));
  auto arriving = provider.has("CA2", speech(5s)).answering(hold_at(0.5, "half"));
  server.has(cold);
  server.has(arriving);
  auto of_cold = watch(server, cold);
  EXPECT_THAT(server.post(recording("CA2") + "/fetch"), Has(202));
  auto of_arriving = watch(server, arriving);
  arriving.until(held("half"));

  EXPECT_THAT(server.del(recording("CA1")), Has(204));
  EXPECT_THAT(server.del(recording("CA2")), Has(204));
  of_cold.until_the_end();
  of_arriving.until_the_end();

  for (const auto* each : {&of_cold, &of_arriving}) {
    const auto last = events_in((*each)[0].text()).back();
    EXPECT_EQ(last.name, "failed");
    EXPECT_EQ(last.text("code"), "recording_not_found");
  }
}

// Ready already: told at once, and that is all.
TEST(Events, TellThatItIsReady) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s));
  server.has(call);
  server.play(call).until_the_end();
  EXPECT_EQ(server.settled("CA1"), "ready");

  auto watcher = watch(server, call);
  watcher.until_the_end();

  const auto events = events_in(watcher[0].text());
  ASSERT_EQ(events.size(), 1);
  EXPECT_EQ(events[0].text("call_sid"), "CA1");
  EXPECT_EQ(call.requests(), 1);
}

// A fetch that is over before anybody looks again is told of all the same.
TEST(Events, TellOfAFetchHoweverShort) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(1s));
  server.has(call);
  auto watcher = watch(server, call);
  EXPECT_TRUE(server.get(play("CA1")).body == call.audio.bytes());
  watcher.until_the_end();
  const auto events = events_in(watcher[0].text());
  ASSERT_GE(events.size(), 2);
  EXPECT_EQ(events.front().name, "run");
  EXPECT_EQ(events.back().name, "ready");
}

}  // namespace
}  // namespace onetake::story
