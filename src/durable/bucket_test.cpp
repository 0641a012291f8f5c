#include "durable/bucket_test.hpp"

#include <algorithm>

#include "provider/aws_signature.hpp"
#include "provider/headers.hpp"

namespace onetake::durable::test {
namespace {

using provider::test::answer;

constexpr std::string_view secret = "a-secret/key";

std::string decoded(std::string_view text) {
  std::string made;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      made += static_cast<char>(std::stoi(std::string{text.substr(i + 1, 2)}, nullptr, 16));
      i += 2;
    } else {
      made += text[i];
    }
  }
  return made;
}

std::map<std::string, std::string> query_of(std::string_view target) {
  std::map<std::string, std::string> made;
  const auto mark = target.find('?');
  if (mark == std::string_view::npos) return made;
  for (auto rest = target.substr(mark + 1); !rest.empty();) {
    const auto end = rest.find('&');
    const auto one = rest.substr(0, end);
    made[decoded(one.substr(0, one.find('=')))] = decoded(one.substr(one.find('=') + 1));
    rest = end == std::string_view::npos ? "" : rest.substr(end + 1);
  }
  return made;
}

/// Computed from what arrived, and from nothing that the client has.
bool signed_right(const Seen& seen) {
  const auto target = provider::Target::parse("http://" + seen.field("host") + seen.target).value();
  const auto given = seen.field("authorization");
  const auto names_at = given.find("SignedHeaders=") + 14;
  auto names = given.substr(names_at, given.find(',', names_at) - names_at) + ';';
  provider::Request request;
  for (const auto method : {provider::Method::get, provider::Method::head, provider::Method::put,
                            provider::Method::post, provider::Method::remove})
    if (name(method) == seen.method) request.method = method;
  for (; !names.empty(); names.erase(0, names.find(';') + 1)) {
    const auto field = names.substr(0, names.find(';'));
    if (field != "host" && field != "x-amz-date" && field != "x-amz-content-sha256")
      request.headers.push_back(field + ": " + seen.field(field));
  }
  auto time = seen.field("x-amz-date");
  for (const auto& [at, c] : {std::pair{4, "-"}, {7, "-"}, {13, ":"}, {16, ":"}}) time.insert(at, c);
  const provider::AwsKeys keys{.access_key_id = "key", .secret_access_key = std::string{secret}, .region = "eu-west-1"};
  const auto hash = provider::sha256_hex(seen.body);
  sign(request, target, keys, hash, parse_rfc3339(time).value());
  return "Authorization: " + given == request.headers.back() && seen.field("x-amz-content-sha256") == hash;
}

std::string fields_of(const Bucket::Object& object) {
  std::string made = "ETag: " + object.etag + "\r\n";
  for (const auto& [field, value] : object.fields) made.append(field).append(": ").append(value).append("\r\n");
  return made;
}

}  // namespace

std::string refusal(std::string_view status, std::string_view code, std::string_view fields, std::string_view more) {
  std::string body{R"(<?xml version="1.0" encoding="UTF-8"?><Error><Code>)"};
  body.append(code).append("</Code><Message>told to nobody</Message>").append(more).append("</Error>");
  return answer(status, body, fields);
}

Bucket::Bucket(Faults faults)
    : faults_(std::move(faults)), server_([this](const Seen& seen, Peer& peer) { serve(seen, peer); }) {}

Settings Bucket::settings() const {
  return {.type = "s3",
          .endpoint = server_.url(""),
          .bucket = "recordings",
          .region = "eu-west-1",
          .access_key_id = "key",
          .secret_access_key = std::string{secret},
          .prefix = {},
          .path_style = false,
          .server_side_encryption = {},
          .kms_key_id = {}};
}

std::map<std::string, Bucket::Object> Bucket::objects() const {
  const std::lock_guard lock{mutex_};
  return objects_;
}
std::map<std::string, Bucket::Upload> Bucket::uploads() const {
  const std::lock_guard lock{mutex_};
  return uploads_;
}
void Bucket::put(const std::string& key, Object object) {
  const std::lock_guard lock{mutex_};
  objects_[key] = std::move(object);
}
void Bucket::begin(const std::string& id, Upload upload) {
  const std::lock_guard lock{mutex_};
  uploads_[id] = std::move(upload);
}

std::vector<std::string> Bucket::asked() const {
  std::vector<std::string> made;
  for (const auto& seen : server_.seen()) {
    auto target = seen.target;
    if (const auto at = target.find("uploadId="); at != std::string::npos) target.resize(at + 8);
    made.push_back(seen.method + ' ' + target);
  }
  return made;
}

void Bucket::serve(const Seen& seen, Peer& peer) {
  Fault fault;
  std::string said;
  {
    const std::lock_guard lock{mutex_};
    if (faults_) fault = faults_(seen, count_[seen.method]++);
    said = fault.instead.empty() ? act(seen) : fault.instead;
  }
  if (fault.lost) return peer.reset();
  if (fault.cut == 0) return peer.send(said);
  const auto sent = std::min(said.size(), said.find("\r\n\r\n") + 4 + fault.cut);
  peer.send(std::string_view{said}.substr(0, sent));
  if (!fault.pause) return peer.close();
  fault.pause();
  peer.send(std::string_view{said}.substr(sent));
}

std::string Bucket::act(const Seen& seen) {
  if (!signed_right(seen)) return refusal("403 Forbidden", "SignatureDoesNotMatch");
  auto path = decoded(seen.target.substr(0, seen.target.find('?')));
  constexpr std::string_view bucket = "/recordings";
  if (!path.starts_with(bucket)) return refusal("404 Not Found", "NoSuchBucket");
  path.erase(0, bucket.size());
  const auto query = query_of(seen.target);
  if (path.empty()) return query.contains("uploads") ? list_uploads(query) : list_objects(query);
  const auto key = path.substr(1);
  return query.empty() ? object_request(seen, key) : multipart_request(seen, key, query);
}

std::string Bucket::object_request(const Seen& seen, const std::string& key) {
  const auto kept = [&seen] {
    std::map<std::string, std::string> fields;
    for (const auto& [field, value] : seen.fields)
      if (field == "content-type" || field.starts_with("x-amz-meta-") || field.starts_with("x-amz-server-side"))
        fields[field] = value;
    return fields;
  };
  if (seen.method == "PUT") {
    auto& object = objects_[key] = {.bytes = seen.body, .fields = kept(), .etag = {}, .written = rfc3339(wall_now())};
    object.etag = "\"e" + std::to_string(++next_) + '"';
    return answer("200 OK", "", "ETag: " + object.etag + "\r\n");
  }
  if (seen.method == "DELETE") {
    objects_.erase(key);
    return "HTTP/1.1 204 No Content\r\n\r\n";
  }
  const auto found = objects_.find(key);
  if (found == objects_.end())
    return seen.method == "HEAD" ? "HTTP/1.1 404 Not Found\r\n\r\n" : refusal("404 Not Found", "NoSuchKey");
  const auto& object = found->second;
  const auto fields = fields_of(object);
  if (seen.method == "HEAD")
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(object.bytes.size()) + "\r\n" + fields + "\r\n";
  const auto match = seen.field("if-match");
  if (!match.empty() && match != object.etag) return refusal("412 Precondition Failed", "PreconditionFailed");
  const auto range = seen.field("range");
  if (range.empty()) return answer("200 OK", object.bytes, fields);
  const auto first = std::stoul(range.substr(6));
  const auto size = object.bytes.size();
  if (first >= size) return refusal("416 Range Not Satisfiable", "InvalidRange");
  const auto end = range.substr(range.find('-') + 1);
  const auto last = end.empty() ? size - 1 : std::min<std::size_t>(size - 1, std::stoul(end));
  return answer("206 Partial Content", object.bytes.substr(first, last + 1 - first),
                fields + "Content-Range: bytes " + std::to_string(first) + '-' + std::to_string(last) + '/' +
                    std::to_string(size) + "\r\n");
}

std::string Bucket::multipart_request(const Seen& seen, const std::string& key,
                                      const std::map<std::string, std::string>& query) {
  if (query.contains("uploads")) {
    const auto id = "up/" + std::to_string(++next_) + "+=";
    Upload upload{.key = key, .begun = {}, .parts = {}};
    for (const auto& [field, value] : seen.fields)
      if (field == "content-type" || field.starts_with("x-amz-meta-") || field.starts_with("x-amz-server-side"))
        upload.begun.fields[field] = value;
    uploads_[id] = std::move(upload);
    return answer("200 OK",
                  "<InitiateMultipartUploadResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><UploadId>" + id +
                      "</UploadId></InitiateMultipartUploadResult>");
  }
  const auto found = uploads_.find(query.at("uploadId"));
  if (found == uploads_.end() || found->second.key != key) return refusal("404 Not Found", "NoSuchUpload");
  auto& upload = found->second;
  if (seen.method == "DELETE") {
    uploads_.erase(found);
    return "HTTP/1.1 204 No Content\r\n\r\n";
  }
  if (seen.method == "PUT") {
    const auto number = query.at("partNumber");
    upload.parts[std::stoi(number)] = seen.body;
    return answer("200 OK", "", "ETag: \"p" + number + "\"\r\n");
  }
  auto object = upload.begun;
  std::string wanted = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (const auto& [number, bytes] : upload.parts) {
    object.bytes += bytes;
    const auto n = std::to_string(number);
    wanted += "<Part><PartNumber>" + n + "</PartNumber><ETag>\"p" + n + "\"</ETag></Part>";
  }
  if (seen.body != wanted + "</CompleteMultipartUpload>") return refusal("400 Bad Request", "InvalidPart");
  object.etag = "\"m" + std::to_string(++next_) + "-" + std::to_string(upload.parts.size()) + '"';
  objects_[key] = std::move(object);
  uploads_.erase(found);
  return answer("200 OK", "\n \n<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>");
}

/// Pages of two.
std::string Bucket::list_uploads(const std::map<std::string, std::string>& query) {
  const auto at = [&query](const std::string& name) { return query.contains(name) ? query.at(name) : ""; };
  std::vector<std::pair<std::string, std::string>> all;  // key, id
  for (const auto& [id, upload] : uploads_)
    if (upload.key.starts_with(at("prefix"))) all.emplace_back(upload.key, id);
  std::ranges::sort(all);
  std::erase_if(all, [&](const auto& one) { return one <= std::pair{at("key-marker"), at("upload-id-marker")}; });
  std::string body = "<ListMultipartUploadsResult>";
  for (std::size_t i = 0; i < std::min<std::size_t>(2, all.size()); ++i)
    body += "<Upload><Key>" + all[i].first + "</Key><UploadId>" + all[i].second + "</UploadId><Initiated>" +
            uploads_.at(all[i].second).initiated + "</Initiated></Upload>";
  body += all.size() > 2 ? "<IsTruncated>true</IsTruncated><NextKeyMarker>" + all[1].first +
                               "</NextKeyMarker><NextUploadIdMarker>" + all[1].second + "</NextUploadIdMarker>"
                         : "<IsTruncated>false</IsTruncated>";
  return answer("200 OK", body + "</ListMultipartUploadsResult>");
}

/// Pages of two.
std::string Bucket::list_objects(const std::map<std::string, std::string>& query) {
  if (query.at("list-type") != "2") return refusal("400 Bad Request", "InvalidArgument");
  std::string body = "<ListBucketResult>";
  int listed = 0;
  for (auto at = objects_.upper_bound(query.contains("start-after") ? query.at("start-after") : "");
       at != objects_.end() && listed < 2; ++at) {
    if (!at->first.starts_with(query.at("prefix"))) continue;
    body += "<Contents><Key>" + at->first + "</Key><Size>" + std::to_string(at->second.bytes.size()) +
            "</Size><LastModified>" + at->second.written + "</LastModified></Contents>";
    ++listed;
  }
  return answer("200 OK", body + "</ListBucketResult>");
}

}  // namespace onetake::durable::test
