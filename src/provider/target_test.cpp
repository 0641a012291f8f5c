#include "provider/target.hpp"

#include <gmock/gmock.h>

namespace onetake::provider {
namespace {

TEST(Target, IsWrittenFromWhatWasChecked) {
  struct Row {
    const char* text;
    const char* url;
  };
  for (const auto& row : {
           Row{"https://media.example.com/a.wav?X-Sig=a%2Fb", "https://media.example.com/a.wav?X-Sig=a%2Fb"},
           Row{"HTTPS://Media.Example.COM", "https://media.example.com/"},
           Row{"https://example.com.:443/a#part", "https://example.com/a"},
           Row{"http://example.com:80/a", "http://example.com/a"},
           Row{"http://example.com:8080/a", "http://example.com:8080/a"},
           Row{"https://[2001:DB8::1]:8443/a", "https://[2001:db8::1]:8443/a"},
           Row{"https://example.com/a b|c?d={e}", "https://example.com/a%20b%7Cc?d=%7Be%7D"},
           Row{"https://example.com/\xD7\xA9.wav", "https://example.com/%D7%A9.wav"},
           Row{"https://example.com/../a/./b", "https://example.com/../a/./b"},
       }) {
    const auto target = Target::parse(row.text);
    ASSERT_TRUE(target) << row.text;
    EXPECT_EQ(target->url(), row.url) << row.text;
  }
}

TEST(Target, IsNothingThatMayNotBeAsked) {
  for (const char* odd : {"ftp://example.com/a", "file:///etc/passwd", "gopher://example.com", "javascript:alert(1)",
                          "https://user@example.com/", "https://user:pass@example.com/", "https://:@example.com/",
                          "https:///a", "https://example.com:0/", "https://%6cocalhost/", "https://a%00b/",
                          "http://good.example.com\\@127.0.0.1/", "https://[fe80::1%25eth0]/", "https://a,b/"}) {
    const auto target = Target::parse(odd);
    ASSERT_FALSE(target) << odd;
    EXPECT_EQ(target.error().detail.find("pass"), target.error().detail.find("password")) << odd;
  }
  for (const char* odd : {"", "a.wav", "/a.wav", "//example.com/a", "example.com/a", "https://exa mple.com/",
                          "https://example.com:99999/", "https://[::1/", "https://example.com:8o/"})
    EXPECT_FALSE(Target::parse(odd)) << odd;
  EXPECT_EQ(Target::parse("ftp://example.com/").error().fault, Fault::source_not_allowed);
  EXPECT_EQ(Target::parse("no url").error().fault, Fault::bad_body);
}

TEST(Target, IsRedirectedRelativeToItself) {
  const auto base = Target::parse("https://example.com:8443/a/b?c").value();
  struct Row {
    const char* location;
    const char* url;
  };
  for (const auto& row :
       {Row{"/x?y=1", "https://example.com:8443/x?y=1"}, Row{"z", "https://example.com:8443/a/z"},
        Row{"../z", "https://example.com:8443/z"}, Row{"//other.example.com/z", "https://other.example.com/z"},
        Row{" http://h/z ", "http://h/z"}, Row{"https://h/a b", "https://h/a%20b"},
        Row{"?q", "https://example.com:8443/a/b?q"}}) {
    const auto target = base.redirected(row.location);
    ASSERT_TRUE(target) << row.location;
    EXPECT_EQ(target->url(), row.url) << row.location;
  }
  for (const char* odd : {"https://u:p@h/", "ftp://h/", "https://", "http://[/"})
    EXPECT_FALSE(base.redirected(odd)) << odd;
}

TEST(Target, KnowsItsOrigin) {
  const auto base = Target::parse("https://example.com/a").value();
  EXPECT_TRUE(base.same_origin(Target::parse("https://EXAMPLE.com.:443/b").value()));
  for (const char* other : {"http://example.com/a", "https://example.com:444/a", "https://a.example.com/a"})
    EXPECT_FALSE(base.same_origin(Target::parse(other).value())) << other;
}

TEST(HostPattern, MatchesAHostAndItsPort) {
  const auto on = [](const char* pattern, const char* url) {
    return HostPattern::parse(pattern).value().matches(Target::parse(url).value());
  };
  EXPECT_TRUE(on("example.com", "https://example.com/"));
  EXPECT_TRUE(on("Example.com.", "https://example.com:8443/"));
  EXPECT_TRUE(on("example.com:8443", "https://example.com:8443/"));
  EXPECT_TRUE(on("example.com:443", "https://example.com/"));
  EXPECT_TRUE(on("[::1]:80", "http://[::1]/"));
  EXPECT_TRUE(on("::1", "http://[::1]:81/"));
  EXPECT_FALSE(on("example.com:8443", "https://example.com/"));
  EXPECT_FALSE(on("example.com", "https://a.example.com/"));
  EXPECT_FALSE(on("example.com", "https://example.com.evil.com/"));
  for (const char* odd :
       {"", "https://example.com", "example.com/", "example.com:0", "example.com:x", "a b", "u@h", "h:1:2", "]:80"})
    EXPECT_FALSE(HostPattern::parse(odd)) << odd;
}

}  // namespace
}  // namespace onetake::provider
