#include "provider/aws_signature.hpp"

#include <gmock/gmock.h>

#include "provider/harness_test.hpp"
#include "provider/scripted_server_test.hpp"

namespace onetake::provider::test {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html: keys, times and signatures are its
// own.
const AwsKeys keys{.access_key_id = "AKIAIOSFODNN7EXAMPLE",
                   .secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                   .region = "us-east-1"};
const WallTime then = parse_rfc3339("2013-05-24T00:00:00Z").value();

std::string signature(Method method, const std::string& path_and_query, std::vector<std::string> headers,
                      std::string_view body) {
  const auto target = Target::parse("https://examplebucket.s3.amazonaws.com" + path_and_query).value();
  Request request;
  request.method = method;
  request.url = target.url();
  request.headers = std::move(headers);
  sign(request, target, keys, sha256_hex(body), then);
  return request.headers.back();
}

TEST(AwsSignature, IsThatOfTheDocumentedExamples) {
  EXPECT_THAT(signature(Method::get, "/test.txt", {"Range: bytes=0-9"}, ""),
              EndsWith("Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"));
  EXPECT_THAT(signature(Method::put, "/test%24file.text",
                        {"Date: Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class: REDUCED_REDUNDANCY"},
                        "Welcome to Amazon S3."),
              EndsWith("Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
  EXPECT_THAT(signature(Method::get, "/" + canonical_query({{"lifecycle", ""}}), {}, ""),
              EndsWith("Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
  EXPECT_THAT(signature(Method::get, "/" + canonical_query({{"prefix", "J"}, {"max-keys", "2"}}), {}, ""),
              EndsWith("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

TEST(AwsSignature, SortsNamesAndNotLines) {
  EXPECT_THAT(
      signature(Method::put, "/a",
                {"x-amz-server-side-encryption-aws-kms-key-id: k", "x-amz-server-side-encryption: aws:kms"}, ""),
      HasSubstr(";x-amz-server-side-encryption;x-amz-server-side-encryption-aws-kms-key-id,"));
}

TEST(AwsSignature, NeverShowsTheSecret) {
  EXPECT_THAT(signature(Method::get, "/", {}, ""), testing::Not(HasSubstr("wJalr")));
}

TEST(AwsSignature, EncodesAsAQueryIsSigned) {
  EXPECT_EQ(canonical_query({}), "");
  EXPECT_EQ(canonical_query({{"uploadId", "a+b/c="}, {"partNumber", "1"}}), "?partNumber=1&uploadId=a%2Bb%2Fc%3D");
  EXPECT_EQ(uri_encoded("a b/\xc3\xa9~"), "a%20b%2F%C3%A9~");
  EXPECT_EQ(uri_encoded("a/b", true), "a/b");
}

// What the other side sees is what was signed: the host, the path and every field, as libcurl sends them.
TEST(AwsSignature, HoldsForWhatGoesOut) {
  Harness harness;
  ScriptedServer server{[](const Seen&, Peer& peer) { peer.send(answer("200 OK", "")); }};
  const auto target = Target::parse(server.url("/b/a%20b?partNumber=1&uploadId=x%2F")).value();
  Request request;
  request.method = Method::put;
  request.url = target.url();
  request.guard = std::make_shared<AddressGuard>(std::vector{Cidr::parse("127.0.0.0/8").value()});
  request.headers = {"Content-Type: audio/wav", "x-amz-meta-a:  1  2 "};
  request.body.bytes = "hello";
  sign(request, target, keys, sha256_hex("hello"), then);
  class Ignoring final : public Receiver {
    bool head(const Response&) override { return true; }
    bool data(std::span<const std::byte>) override { return true; }
  } ignoring;
  harness.run(harness.transfers().perform(std::move(request), ignoring));

  const auto seen = server.seen().at(0);
  const auto there = Target::parse("http://" + seen.field("host") + seen.target).value();
  Request again;
  again.method = Method::put;
  again.headers = {"content-type: " + seen.field("content-type"), "x-amz-meta-a: " + seen.field("x-amz-meta-a")};
  sign(again, there, keys, sha256_hex(seen.body), then);
  EXPECT_EQ("Authorization: " + seen.field("authorization"), again.headers.back());
}

}  // namespace
}  // namespace onetake::provider::test
