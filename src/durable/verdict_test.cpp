#include "durable/verdict.hpp"

#include <gmock/gmock.h>

namespace onetake::durable::test {
namespace {

using Then = Verdict::Then;
using Kind = Trouble::Kind;
using testing::HasSubstr;

Verdict of(int status, const std::string& code = {}, const std::vector<std::string>& fields = {},
           const std::string& more = {}) {
  Reply reply;
  reply.response.status = status;
  for (const auto& line : fields) reply.response.headers.add_line(line);
  if (!code.empty()) reply.body = "<Error><Code>" + code + "</Code>" + more + "</Error>";
  Settings settings;
  settings.endpoint = "https://s3.example.com";
  settings.bucket = "calls";
  settings.region = "us-east-1";
  return judge(reply, settings);
}

TEST(Verdict, RepeatsWhatPasses) {
  for (const int status : {408, 429, 500, 502, 503, 504}) EXPECT_EQ(of(status).then, Then::again) << status;
  for (const char* code : {"SlowDown", "InternalError", "ServiceUnavailable"})
    EXPECT_EQ(of(503, code).then, Then::again) << code;
  EXPECT_EQ(of(400, "RequestTimeout").then, Then::again);
  EXPECT_EQ(of(409, "OperationAborted").then, Then::again);
  EXPECT_EQ(of(200, "InternalError").then, Then::again) << "CompleteMultipartUpload";
}

TEST(Verdict, TakesA200WithAnErrorForThatError) {
  EXPECT_EQ(of(200).then, Then::done);
  EXPECT_EQ(of(204).then, Then::done);
  EXPECT_EQ(of(200, "InvalidPart").then, Then::not_again);
  EXPECT_EQ(of(200, "InvalidPart").trouble.kind, Kind::different);
}

TEST(Verdict, SaysWhatAnOperatorHasToDo) {
  const auto said = [](const Verdict& verdict) {
    EXPECT_EQ(verdict.then, Then::not_again);
    EXPECT_EQ(verdict.trouble.kind, Kind::misconfigured);
    return verdict.trouble.detail;
  };
  EXPECT_THAT(said(of(403, "RequestTimeTooSkewed")), HasSubstr("clock"));
  EXPECT_THAT(said(of(404, "NoSuchBucket")), HasSubstr("no bucket \"calls\" at https://s3.example.com"));
  EXPECT_THAT(said(of(403, "AccessDenied")), HasSubstr("s3:PutObject"));
  EXPECT_THAT(said(of(403)), HasSubstr("s3:ListBucket")) << "a HEAD has no body";
  EXPECT_THAT(said(of(403, "SignatureDoesNotMatch")), HasSubstr("storage.secret_access_key"));
  EXPECT_THAT(said(of(403, "InvalidAccessKeyId")), HasSubstr("storage.access_key_id"));
  EXPECT_THAT(said(of(400, "KMS.NotFoundException")), HasSubstr("storage.kms_key_id"));
  EXPECT_THAT(said(of(501)), HasSubstr("cannot do this"));
  EXPECT_THAT(said(of(400, "InvalidRequest")), HasSubstr("answered 400 (InvalidRequest)"));
}

TEST(Verdict, NamesTheRegionOfTheBucket) {
  const auto told = HasSubstr(R"(lies in region "eu-west-1": set storage.region (now "us-east-1"))");
  EXPECT_THAT(of(301, "PermanentRedirect", {"x-amz-bucket-region: eu-west-1"}).trouble.detail, told);
  EXPECT_THAT(of(307, "TemporaryRedirect", {"x-amz-bucket-region: eu-west-1"}).trouble.detail, told);
  EXPECT_THAT(of(400, "AuthorizationHeaderMalformed", {}, "<Region>eu-west-1</Region>").trouble.detail, told);
  EXPECT_THAT(of(400, "", {"x-amz-bucket-region: eu-west-1"}).trouble.detail, told) << "HEAD";
  EXPECT_THAT(of(301, "PermanentRedirect").trouble.detail, HasSubstr("correct storage.region"));
  EXPECT_EQ(of(301).then, Then::not_again);
}

TEST(Verdict, KnowsWhatIsMissing) {
  EXPECT_EQ(of(404, "NoSuchKey").trouble.kind, Kind::missing);
  const auto gone = of(404, "NoSuchUpload");
  EXPECT_EQ(gone.trouble.kind, Kind::missing);
  EXPECT_EQ(gone.code, "NoSuchUpload");
}

// A proxy, another server behind the name, a HEAD: it is not the storage's word that there is no copy.
TEST(Verdict, TakesA404WithoutACodeForNothing) {
  Reply page;
  page.response.status = 404;
  page.body = "<!DOCTYPE html><html><head><title>NoSuchKey</title></head><body>Not Found<br></body></html>";
  for (const auto& verdict : {of(404), judge(page, {})}) {
    EXPECT_EQ(verdict.then, Then::not_again);
    EXPECT_EQ(verdict.trouble.kind, Kind::unavailable);
    EXPECT_THAT(verdict.trouble.detail, HasSubstr("404"));
  }
}

TEST(Verdict, KnowsWhatConcernsOneAlone) {
  EXPECT_EQ(of(400, "EntityTooLarge").trouble.kind, Kind::refused);
  for (const int status : {400, 411, 413, 414, 418, 422}) {
    EXPECT_EQ(of(status).trouble.kind, Kind::refused) << status;
    EXPECT_EQ(of(status).then, Then::not_again) << status;
    EXPECT_THAT(of(status).trouble.detail, HasSubstr("answered " + std::to_string(status)));
  }
}

TEST(Verdict, RepeatsWhatWasLostUnlessWeEndedIt) {
  Reply reply;
  reply.lost = Setback{Cause::interrupted, "cut"};
  EXPECT_EQ(judge(reply, {}).then, Then::again);
  reply.lost = Setback{Cause::internal, "cancelled"};
  EXPECT_EQ(judge(reply, {}).then, Then::not_again);
  EXPECT_EQ(judge(reply, {}).trouble.kind, Kind::ended);
}

}  // namespace
}  // namespace onetake::durable::test
