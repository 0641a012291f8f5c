#include "durable/xml.hpp"

#include <algorithm>
#include <charconv>
#include <pugixml.hpp>
#include <sstream>

namespace onetake::durable::xml {
namespace {

/// Elements alone: no document type, no entity of its own making.
bool read(pugi::xml_document& document, std::string_view text, const char* root) {
  const auto read = document.load_buffer(text.data(), text.size(), pugi::parse_default, pugi::encoding_utf8);
  if (!read) return false;
  const std::string_view name = document.document_element().name();
  return name.substr(name.find(':') + 1) == root;  // a prefix of the namespace, which Ceph once had
}

std::string text_of(const pugi::xml_node& node, const char* name) { return node.child_value(name); }

bool is_code(std::string_view text) {
  return text.size() <= 64 && std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
         });
}

}  // namespace

std::optional<Error> error(std::string_view text) {
  pugi::xml_document document;
  if (!read(document, text, "Error")) return std::nullopt;
  const auto root = document.document_element();
  Error made{.code = text_of(root, "Code"), .region = text_of(root, "Region")};
  if (!is_code(made.code)) made.code.clear();
  if (!is_code(made.region)) made.region.clear();
  return made;
}

std::optional<std::string> upload_id(std::string_view text) {
  pugi::xml_document document;
  if (!read(document, text, "InitiateMultipartUploadResult")) return std::nullopt;
  auto id = text_of(document.document_element(), "UploadId");
  if (id.empty()) return std::nullopt;
  return id;
}

bool completed(std::string_view text) {
  pugi::xml_document document;
  return read(document, text, "CompleteMultipartUploadResult");
}

std::optional<Uploads> uploads(std::string_view text) {
  pugi::xml_document document;
  if (!read(document, text, "ListMultipartUploadsResult")) return std::nullopt;
  const auto root = document.document_element();
  Uploads made;
  for (const auto& node : root.children("Upload")) {
    const auto begun = parse_rfc3339(text_of(node, "Initiated"));
    if (!begun) return std::nullopt;
    made.pending.push_back({.key = text_of(node, "Key"), .upload_id = text_of(node, "UploadId"), .begun = *begun});
  }
  made.more = text_of(root, "IsTruncated") == "true";
  made.next_key = text_of(root, "NextKeyMarker");
  made.next_upload_id = text_of(root, "NextUploadIdMarker");
  return made;
}

std::optional<std::vector<Object>> objects(std::string_view text) {
  pugi::xml_document document;
  if (!read(document, text, "ListBucketResult")) return std::nullopt;
  std::vector<Object> made;
  for (const auto& node : document.document_element().children("Contents")) {
    const auto size = text_of(node, "Size");
    const auto written = parse_rfc3339(text_of(node, "LastModified"));
    Object object{.key = text_of(node, "Key"), .size = 0, .written = written.value_or(WallTime{})};
    const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), object.size);
    if (!written || error != std::errc{} || end != size.data() + size.size()) return std::nullopt;
    made.push_back(std::move(object));
  }
  return made;
}

std::string complete(const std::vector<std::string>& etags) {
  pugi::xml_document document;
  auto root = document.append_child("CompleteMultipartUpload");
  root.append_attribute("xmlns") = "http://s3.amazonaws.com/doc/2006-03-01/";
  int number = 0;
  for (const auto& etag : etags) {
    auto part = root.append_child("Part");
    part.append_child("PartNumber").text() = ++number;
    part.append_child("ETag").text() = etag.c_str();
  }
  std::ostringstream text;
  document.save(text, "", pugi::format_raw | pugi::format_no_declaration);
  return text.str();
}

}  // namespace onetake::durable::xml
