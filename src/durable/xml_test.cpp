#include "durable/xml.hpp"

#include <gmock/gmock.h>

namespace onetake::durable::xml {
namespace {

constexpr std::string_view heading = R"(<?xml version="1.0" encoding="UTF-8"?>)";

TEST(Xml, TakesTheIdOfAnUpload) {
  const auto text =
      std::string{heading} +
      R"(<InitiateMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Bucket>b</Bucket>)"
      "<Key>k</Key><UploadId>a&amp;b/+=</UploadId></InitiateMultipartUploadResult>";
  EXPECT_EQ(upload_id(text), "a&b/+=");
  EXPECT_EQ(upload_id(text.substr(0, text.size() - 3)), std::nullopt) << "cut short";
  EXPECT_EQ(upload_id("<InitiateMultipartUploadResult/>"), std::nullopt);
  EXPECT_EQ(upload_id("<html><UploadId>a</UploadId></html>"), std::nullopt);
  EXPECT_EQ(upload_id(""), std::nullopt);
}

TEST(Xml, KnowsAnErrorByItsCode) {
  const auto found = error(std::string{heading} + "\n<Error><Code>SlowDown</Code><Region>eu-west-1</Region></Error>");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->code, "SlowDown");
  EXPECT_EQ(found->region, "eu-west-1");
  EXPECT_EQ(error("<Error><Code>two words</Code></Error>")->code, "") << "goes to logs: nothing but a code";
  EXPECT_FALSE(error("<CompleteMultipartUploadResult/>"));
  EXPECT_FALSE(error("not XML"));
}

TEST(Xml, KnowsACompletion) {
  EXPECT_TRUE(completed(std::string{heading} +
                        "   \n  <CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"));
  EXPECT_FALSE(completed("<Error/>"));
  EXPECT_FALSE(completed("   \n  "));
}

TEST(Xml, ListsUploads) {
  const auto page = uploads(
      "<ListMultipartUploadsResult><Upload><Key>a/b</Key><UploadId>1</UploadId><Initiated>2026-11-22T09:30:00.000Z"
      "</Initiated></Upload><IsTruncated>true</IsTruncated><NextKeyMarker>a/b</NextKeyMarker><NextUploadIdMarker>1"
      "</NextUploadIdMarker></ListMultipartUploadsResult>");
  ASSERT_TRUE(page);
  ASSERT_EQ(page->pending.size(), 1);
  EXPECT_EQ(page->pending[0].key, "a/b");
  EXPECT_EQ(rfc3339(page->pending[0].begun), "2026-11-22T09:30:00.000Z");
  EXPECT_TRUE(page->more);
  EXPECT_EQ(page->next_upload_id, "1");
  EXPECT_FALSE(
      uploads("<ListMultipartUploadsResult><Upload><Initiated>soon</Initiated></Upload>"
              "</ListMultipartUploadsResult>"));
}

TEST(Xml, ListsObjects) {
  const auto page = objects(
      "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>a/b</Key><LastModified>2026-11-22T09:30:00.000Z"
      "</LastModified><Size>5000000000</Size></Contents></ListBucketResult>");
  ASSERT_TRUE(page);
  ASSERT_EQ(page->size(), 1);
  EXPECT_EQ(page->front().key, "a/b");
  EXPECT_EQ(page->front().size, 5'000'000'000);
  EXPECT_EQ(rfc3339(page->front().written), "2026-11-22T09:30:00.000Z");
  EXPECT_TRUE(objects("<ListBucketResult/>")->empty());
  for (const std::string contents :
       {"<Size>1</Size>", "<Size>1 </Size><LastModified>2026-11-22T09:30:00Z</LastModified>",
        "<Size>-1</Size><LastModified>2026-11-22T09:30:00Z</LastModified>"})
    EXPECT_FALSE(objects("<ListBucketResult><Contents>" + contents + "</Contents></ListBucketResult>")) << contents;
}

TEST(Xml, WritesACompletion) {
  EXPECT_EQ(complete({"\"a\"", "<&>"}),
            R"(<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">)"
            R"(<Part><PartNumber>1</PartNumber><ETag>"a"</ETag></Part>)"
            R"(<Part><PartNumber>2</PartNumber><ETag>&lt;&amp;&gt;</ETag></Part></CompleteMultipartUpload>)");
}

}  // namespace
}  // namespace onetake::durable::xml
