// A recording that is ready: RFC 9110, to the letter.

#include "story/story.hpp"

namespace onetake::story {
namespace {

/// A recording that has been fetched, for stories that begin there.
class Ready : public testing::Test {
 protected:
  Ready() {
    server.has(call);
    server.play(call).until_the_end();
    EXPECT_EQ(server.settled("CA1"), "ready");
  }
  ~Ready() override { EXPECT_EQ(call.requests(), 1); }

  Got get(const Fields& fields) const { return server.get(stream("CA1"), fields); }
  std::string bytes(Bytes first, Bytes last) const { return call.audio.bytes(first, last - first + 1); }

  Provider provider;
  Server server{provider};
  Call call = provider.has("CA1", wav(100'044));
};

// Who asks for all of it gets all of it, with what a player and a cache need to know.
TEST_F(Ready, IsServedWhole) {
  const auto got = server.get(stream("CA1"));

  EXPECT_THAT(got, AllOf(Has(200), Says("Content-Length", "100044"), Says("Content-Type", "audio/wav"),
                         Says("Accept-Ranges", "bytes"), Says("Cache-Control", "private, no-cache"),
                         Says("Vary", "Prefer, Authorization, Cookie"), Says("Transfer-Encoding", ""),
                         Says("Content-Range", ""), Says("Content-Disposition", "")));
  EXPECT_THAT(got.field("ETag"), testing::MatchesRegex("\"[0-9a-f-]{36}-1-1\""));
  EXPECT_THAT(got.field("Last-Modified"), testing::MatchesRegex("[A-Z][a-z]{2}, .* GMT"));
  EXPECT_EQ(got.body, call.audio.bytes());
}

// A ready recording needs no press: whoever may hear it may load it, also ahead of time.
TEST_F(Ready, NeedsNoPress) {
  EXPECT_THAT(get({"Sec-Purpose: prefetch"}), Has(200));
  EXPECT_THAT(get({"Prefer: respond-async"}), AllOf(Has(200), Says("Preference-Applied", "")));
  EXPECT_EQ(server.metric("onetake_run_admissions_total", "created"), 1);
}

// HEAD says what GET would, and sends no body.
TEST_F(Ready, HeadSaysWhatGetWould) {
  const auto whole = get({});
  const auto head = server.head(stream("CA1"));

  EXPECT_THAT(head, AllOf(Has(200), Says("Content-Length", "100044"), Says("Accept-Ranges", "bytes")));
  for (const auto* name : {"ETag", "Last-Modified", "Content-Type", "Cache-Control", "Vary"})
    EXPECT_EQ(head.field(name), whole.field(name)) << name;
  EXPECT_THAT(head.body, IsEmpty());
}

// One range in each of its forms: closed, open-ended, suffix, and one whose end lies past the recording's.
TEST_F(Ready, ServesARange) {
  struct Asked {
    const char* range;
    Bytes first, last;
  };
  for (const auto& [range, first, last] :
       {Asked{"bytes=0-0", 0, 0}, Asked{"bytes=1000-1999", 1000, 1999}, Asked{"bytes=100043-", 100'043, 100'043},
        Asked{"bytes=0-", 0, 100'043}, Asked{"bytes=-500", 99'544, 100'043}, Asked{"bytes=-200000", 0, 100'043},
        Asked{"bytes=99000-999999", 99'000, 100'043}, Asked{"BYTES=5-6", 5, 6}}) {
    const auto got = get({std::string{"Range: "} + range});
    EXPECT_THAT(got,
                AllOf(Has(206), Says("Content-Length", std::to_string(last - first + 1)),
                      Says("Content-Range", "bytes " + std::to_string(first) + '-' + std::to_string(last) + "/100044"),
                      Says("Accept-Ranges", "bytes"), Says("Cache-Control", "private, no-cache"),
                      Says("Vary", "Prefer, Authorization, Cookie")))
        << range;
    EXPECT_TRUE(got.body == bytes(first, last)) << range;
  }
  // Two of them begin at the beginning; a suffix counts as a seek even where it is the whole.
  EXPECT_EQ(server.metric("onetake_seek_requests_total"), 6);
}

// Several ranges come as one body in parts, each with its place.
TEST_F(Ready, ServesSeveralRanges) {
  const auto got = get({"Range: bytes=0-99, 50000-50099, -10"});

  ASSERT_THAT(got, Has(206));
  const auto type = got.field("Content-Type");
  ASSERT_THAT(type, StartsWith("multipart/byteranges; boundary="));
  EXPECT_THAT(got, AllOf(Says("Content-Range", ""), Says("Content-Length", std::to_string(got.body.size()))));
  const auto boundary = type.substr(type.find('=') + 1);
  std::string expected;
  for (const auto& [range, part] : {std::pair{"0-99", bytes(0, 99)}, std::pair{"50000-50099", bytes(50'000, 50'099)},
                                    std::pair{"100034-100043", bytes(100'034, 100'043)}})
    expected +=
        "\r\n--" + boundary + "\r\nContent-Type: audio/wav\r\nContent-Range: bytes " + range + "/100044\r\n\r\n" + part;
  EXPECT_TRUE(got.body == expected + "\r\n--" + boundary + "--\r\n");
}

// Of several ranges those that can be satisfied are; ones that together are more than the whole are not worth parts.
TEST_F(Ready, MakesTheBestOfStrangeRanges) {
  EXPECT_THAT(get({"Range: bytes=5-9, 200000-"}), AllOf(Has(206), Says("Content-Range", "bytes 5-9/100044")));
  EXPECT_THAT(get({"Range: bytes=0-, 0-, 0-"}), AllOf(Has(200), Says("Content-Length", "100044")));
  for (const auto* nonsense : {"bytes=", "bytes=9-5", "bytes=x-", "bytes 0-5", "seconds=0-5", "bytes=--5"})
    EXPECT_THAT(get({std::string{"Range: "} + nonsense}), AllOf(Has(200), Says("Content-Range", ""))) << nonsense;
}

// Past the end there is nothing, and the answer says where the end is.
TEST_F(Ready, SaysWhereTheEndIs) {
  for (const auto* range : {"bytes=100044-", "bytes=100044-100050", "bytes=-0", "bytes=99999999999999999999999-"})
    EXPECT_THAT(get({std::string{"Range: "} + range}),
                AllOf(IsProblem(416, "range_not_satisfiable"), Says("Content-Range", "bytes */100044")))
        << range;
}

// What the client has already is not sent again.
TEST_F(Ready, IsNotSentTwice) {
  const auto whole = get({});
  const auto etag = whole.field("ETag");
  const auto date = whole.field("Last-Modified");

  for (const auto& field : {"If-None-Match: " + etag, "If-None-Match: W/" + etag, "If-None-Match: \"x\", " + etag,
                            std::string{"If-None-Match: *"}, "If-Modified-Since: " + date,
                            std::string{"If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT"}}) {
    const auto got = get({field, "Range: bytes=0-5"});
    EXPECT_THAT(got, AllOf(Has(304), Says("ETag", etag), Says("Last-Modified", date), Says("Content-Length", ""),
                           Says("Cache-Control", "private, no-cache"), Says("Vary", "Prefer, Authorization, Cookie")))
        << field;
    EXPECT_THAT(got.body, IsEmpty());
  }
  EXPECT_THAT(server.head(stream("CA1"), {"If-None-Match: " + etag}), Has(304));
  for (const auto& field :
       {std::string{"If-None-Match: \"x\""}, std::string{"If-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT"},
        std::string{"If-Modified-Since: yesterday"}})
    EXPECT_THAT(get({field}), Has(200)) << field;
  // The tag decides where both are there.
  EXPECT_THAT(get({"If-None-Match: \"x\"", "If-Modified-Since: " + date}), Has(200));
}

// A client that wants exactly what it knows is told when that is not what is here.
TEST_F(Ready, IsOnlyWhatTheClientWants) {
  const auto whole = get({});
  const auto etag = whole.field("ETag");

  for (const auto& field : {std::string{"If-Match: \"x\""}, "If-Match: W/" + etag,
                            std::string{"If-Unmodified-Since: Sat, 01 Jan 2000 00:00:00 GMT"}})
    EXPECT_THAT(get({field}), IsProblem(412, "precondition_failed")) << field;
  for (const auto& field : {"If-Match: " + etag, std::string{"If-Match: *"}, "If-Match: \"x\", " + etag,
                            "If-Unmodified-Since: " + whole.field("Last-Modified")})
    EXPECT_THAT(get({field}), Has(200)) << field;
  EXPECT_THAT(get({"If-Match: \"x\"", "If-None-Match: " + etag}), Has(412));
}

// A range goes on only in the same version; else the whole comes.
TEST_F(Ready, GoesOnOnlyInTheSameVersion) {
  const auto whole = get({});
  const auto with = [&](const std::string& condition) { return get({"Range: bytes=10-19", "If-Range: " + condition}); };

  EXPECT_THAT(with(whole.field("ETag")), Has(206));
  EXPECT_THAT(with(whole.field("Last-Modified")), Has(206));
  for (const auto& other : {std::string{"\"x\""}, "W/" + whole.field("ETag"),
                            std::string{"Sat, 01 Jan 2000 00:00:00 GMT"}, std::string{"Fri, 01 Jan 2100 00:00:00 GMT"}})
    EXPECT_THAT(with(other), AllOf(Has(200), Says("Content-Length", "100044"))) << other;
}

// As a download it has a name.
TEST_F(Ready, CanBeDownloaded) {
  const auto got = server.get(stream("CA1") + "?download=1");

  EXPECT_THAT(got, AllOf(Has(200), Says("Content-Disposition", "attachment; filename=\"CA1.wav\"")));
}

// What is known of it is told: what it is, how long, and what its bytes add up to.
TEST_F(Ready, IsDescribed) {
  const auto got = server.get(recording("CA1"));

  EXPECT_THAT(got, AllOf(Has(200), Says("Cache-Control", "no-store")));
  EXPECT_EQ(got["/state"], "ready");
  EXPECT_EQ(got["/media/bytes"], "100044");
  EXPECT_EQ(got["/media/content_type"], "audio/wav");
  EXPECT_EQ(got["/media/sha256"], call.audio.sha256());
  EXPECT_EQ(got["/media/channels"], "2");
  EXPECT_EQ(got["/run/status"], "completed");
  EXPECT_EQ(got["/run/received_bytes"], "100044");
  EXPECT_EQ(server.files("audio"), 1);
  EXPECT_EQ(server.files("temporary"), 0);
}

}  // namespace
}  // namespace onetake::story
