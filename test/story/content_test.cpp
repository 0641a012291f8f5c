// Is it audio, is it whole: what a provider sends is looked at before anybody hears it, and again before it is kept.

#include "story/story.hpp"

namespace onetake::story {
namespace {

/// Nobody heard it to its end, and it was not kept.
void expect_not_kept(const Server& server, const std::string& sid) {
  EXPECT_EQ(server.settled(sid), "failed");
  EXPECT_EQ(server.get(recording(sid))["/state"], "failed");
  EXPECT_THAT(server.get(play(sid)), IsProblem(500, "fetch_failed"));
  EXPECT_EQ(server.files("audio"), 0);
  EXPECT_EQ(server.files("temporary"), 0);
  EXPECT_EQ(server.metric("onetake_runs_total", "completed"), 0);
  EXPECT_EQ(server.metric("onetake_runs_total", "failed"), 1);
}

struct Page {
  const char* name;
  Answer answer;
};

Answer page(const std::string& text) { return whole().of(raw(text + std::string(2000, ' '))).typed("audio/x-wav"); }

class ErrorPage : public testing::TestWithParam<Page> {};

// A page with status 200 is not a recording, whatever it says of itself: nobody gets a byte of it, and it is not kept.
TEST_P(ErrorPage, IsNotARecording) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s)).answering(GetParam().answer);
  server.has(call);

  auto people = server.play(call, 5);
  people.until_the_end();

  EXPECT_THAT(people, Each(IsAnswered(500)));
  for (const auto& person : people)
    EXPECT_THAT(person.text(), AllOf(HasSubstr("fetch_failed"), HasSubstr("\"provider_status\":200")));
  EXPECT_EQ(call.requests(), 1);  // it would not be another page the next time
  expect_not_kept(server, "CA1");
}

INSTANTIATE_TEST_SUITE_P(
    Provider, ErrorPage,
    testing::Values(Page{"Html", error_page()}, Page{"HtmlAsAudio", page("<!DOCTYPE html><html>busy</html>")},
                    Page{"Json", page(R"({"code": 20404, "message": "not found"})")},
                    Page{"Xml", page("<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code></Error>")},
                    Page{"Text", page("Sorry, try again later.")}, Page{"Chunked", error_page().chunked()}),
    [](const auto& each) { return each.param.name; });

// A page is not a recording either where raw audio was declared, which looks like nothing in particular.
TEST(DeclaredFormat, TakesWhatIsNoPage) {
  Provider provider;
  Server server{provider};
  const std::string mulaw(3000, '\x7f');
  auto raw_call = provider.has("CA1", raw(mulaw));
  auto page_call = provider.has("CA2", raw("<html>" + std::string(3000, ' ')));
  auto undeclared = provider.has("CA3", raw(mulaw));
  server.has(raw_call, "web", R"("format": "mulaw")");
  server.has(page_call, "web", R"("format": "mulaw")");
  server.has(undeclared, "web");

  const auto heard = server.get(play("CA1"));

  EXPECT_THAT(heard, Has(200));
  EXPECT_EQ(heard.body, mulaw);
  EXPECT_THAT(server.get(play("CA2")), IsProblem(500, "fetch_failed"));
  EXPECT_THAT(server.get(play("CA3")), IsProblem(500, "fetch_failed"));
  EXPECT_EQ(server.files("audio"), 1);
}

struct Lie {
  const char* name;
  Audio audio;
  Answer answer;
};

class Wrong : public testing::TestWithParam<Lie> {};

// A body that contradicts what was said of it is found out at its end: no listener has got the last byte by then.
TEST_P(Wrong, IsFoundOutBeforeTheLastByte) {
  Provider provider;
  Server server{provider, {{"fetch.max_attempts", "1"}}};
  auto call = provider.has("CA1", GetParam().audio).answering(GetParam().answer.hold_at(0.5, "half"));
  server.has(call);

  auto people = server.play(call, 20);
  people.until_heard(1);
  call.release("half");
  people.until_the_end();

  EXPECT_THAT(people, Each(WasCutBefore(call.audio.size())));
  expect_not_kept(server, "CA1");
}

INSTANTIATE_TEST_SUITE_P(
    Said, Wrong,
    testing::Values(Lie{"ContentMd5", speech(5s), whole().misstating(Digest::content_md5)},
                    Lie{"Digest", speech(5s), whole().misstating(Digest::digest)},
                    Lie{"ReprDigest", speech(5s), whole().misstating(Digest::repr_digest)},
                    Lie{"DigestOfChunks", speech(5s), whole().chunked().misstating(Digest::content_md5)},
                    Lie{"RiffIsLonger", speech(10s).first(160'000), whole()},
                    Lie{"RiffIsLongerThanItsChunks", speech(10s).first(160'000), whole().chunked()},
                    Lie{"RiffIsLongerThanTheConnection", speech(10s).first(160'000), whole().until_close()},
                    Lie{"NobodyKnowsWhetherItIsWhole", endless_wav(160'044), whole().until_close()}),
    [](const auto& each) { return each.param.name; });

struct Truth {
  const char* name;
  Audio audio;
  Answer answer;
  const char* type;
};

class Right : public testing::TestWithParam<Truth> {};

// What agrees with everything that was said of it is kept, in each framing and kind.
TEST_P(Right, IsKept) {
  const auto& [name, audio, answer, type] = GetParam();
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", audio).answering(answer);
  server.has(call, "web");

  auto people = server.play(call, 5);
  people.until_the_end();
  EXPECT_EQ(server.settled("CA1"), "ready");
  const auto ready = server.get(stream("CA1"));

  EXPECT_THAT(people, Each(HeardExactly(audio)));
  EXPECT_THAT(people, Each(Says("Content-Type", type)));
  EXPECT_THAT(ready, AllOf(Has(200), Says("Content-Type", type)));
  EXPECT_TRUE(ready.body == audio.bytes());
  EXPECT_EQ(call.requests(), 1);
}

INSTANTIATE_TEST_SUITE_P(
    Said, Right,
    testing::Values(Truth{"Digests", speech(5s),
                          whole().stating(Digest::content_md5).stating(Digest::digest).stating(Digest::repr_digest),
                          "audio/wav"},
                    Truth{"TypedWrongly", speech(5s), whole().typed("text/html"), "audio/wav"},
                    Truth{"Mp3", mp3(10s), whole().typed("application/octet-stream"), "audio/mpeg"},
                    Truth{"Chunked", speech(5s), whole().chunked(), "audio/wav"},
                    Truth{"UntilClosed", speech(5s), whole().until_close(), "audio/wav"},
                    Truth{"EndlessHeaderWithALength", endless_wav(160'044), whole(), "audio/wav"},
                    Truth{"EndlessHeaderInChunks", endless_wav(160'044), whole().chunked(), "audio/wav"}),
    [](const auto& each) { return each.param.name; });

class Size : public testing::TestWithParam<Bytes> {};

// Sizes about the first look and about one buffer are as good as any other; live in one piece, from all framings.
TEST_P(Size, IsHeardAndKept) {
  Provider provider;
  Server server{provider};
  std::vector<Call> calls{provider.has("CA1", wav(GetParam())),
                          provider.has("CA2", wav(GetParam())).answering(whole().chunked()),
                          provider.has("CA3", wav(GetParam())).answering(whole().until_close())};

  for (const auto& call : calls) {
    server.has(call);
    auto people = server.play(call, 3);
    people.until_the_end();
    EXPECT_EQ(server.settled(call.sid), "ready");
    auto later = server.play(call, 1);
    later.until_the_end();

    EXPECT_THAT(people, Each(HeardExactly(call.audio))) << call.sid;
    EXPECT_THAT(later, Each(HeardExactly(call.audio))) << call.sid;
    EXPECT_EQ(later[0].field("Content-Length"), std::to_string(GetParam()));
  }
}

INSTANTIATE_TEST_SUITE_P(Of, Size, testing::Values(46, 511, 512, 513, 4096, 16'384, 65'535, 65'536, 65'537, 262'144));

// Nothing, and one byte, are no recording.
TEST(Size, OfNothingOrAByteFails) {
  Provider provider;
  Server server{provider, {{"fetch.max_attempts", "2"}}};
  unsigned n = 0;
  for (const auto& bytes : {std::string{}, std::string{"R"}})
    for (const auto& answer : {whole(), whole().chunked(), whole().until_close()}) {
      auto call = provider.has("CA" + std::to_string(++n), raw(bytes)).answering(answer);
      server.has(call, "web", n % 2 == 0 ? R"("format": "mulaw")" : "");
      EXPECT_THAT(server.get(play(call.sid)), IsProblem(500, "fetch_failed")) << n;
      EXPECT_THAT(server.get(play(call.sid), {"Range: bytes=0-"}), IsProblem(500, "fetch_failed")) << n;
    }

  EXPECT_EQ(server.files("audio"), 0);
  EXPECT_EQ(server.files("temporary"), 0);
  EXPECT_EQ(server.metric("onetake_runs_total", "failed"), n);
}

// More than the operator allows is not fetched: at once where the length is known, at the limit where it is not.
TEST(Size, PastTheLimitFails) {
  Provider provider;
  Server server{provider, {{"fetch.max_recording_bytes", "\"64KiB\""}}};
  auto known = provider.has("CA1", speech(10s));
  auto unknown = provider.has("CA2", speech(10s)).answering(whole().chunked());
  auto exact = provider.has("CA3", wav(65'536));
  for (const auto& call : {known, unknown, exact}) server.has(call);

  EXPECT_THAT(server.get(play("CA1")), IsProblem(500, "fetch_failed"));
  auto people = server.play(unknown, 2);
  people.until_the_end();
  auto fits = server.play(exact);
  fits.until_the_end();

  EXPECT_THAT(people, Each(AnyOf(WasCutBefore(65'537), IsAnswered(500))));
  EXPECT_EQ(server.settled("CA2"), "failed");
  EXPECT_THAT(fits, Each(HeardExactly(exact.audio)));
  EXPECT_EQ(server.settled("CA3"), "ready");
  EXPECT_EQ(known.requests(), 1);
  EXPECT_EQ(server.files("audio"), 1);
}

// Half a gigabyte for twenty listeners, and the server's memory does not notice. The sanitizers' own memory would be
// measured there, so they get a tenth of it and no limit.
TEST(Size, DoesNotMatterToMemory) {
#ifdef ONETAKE_SANITIZED
  constexpr Bytes size = 50'000'000;
#else
  constexpr Bytes size = 500'000'000;
#endif
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", wav(size)).answering(before_first_byte("go"));
  server.has(call);

  auto people = server.play(call, 20);
  call.until(held("go"));
  call.release("go");
  people.until_the_end();
  EXPECT_EQ(server.settled("CA1"), "ready");
  auto later = server.play(call, 2);
  later.until_the_end();

  EXPECT_THAT(people, Each(HeardExactly(call.audio)));
  EXPECT_THAT(later, Each(HeardExactly(call.audio)));
  EXPECT_EQ(call.requests(), 1);
#ifndef ONETAKE_SANITIZED
  EXPECT_LT(server.peak_memory(), 64_MiB);
#endif
}

}  // namespace
}  // namespace onetake::story
