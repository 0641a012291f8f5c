#pragma once

#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/units.hpp"

namespace onetake::durable {

/// `[storage]`.
struct Settings {
  std::string type;      ///< "s3"; "" for no storage
  std::string endpoint;  ///< "http://host:port"
  std::string bucket;
  std::string region;
  std::string access_key_id;
  std::string secret_access_key;
  std::string prefix;                  ///< of every key: "" or "calls", with or without its "/"
  bool path_style = false;             ///< false: where the endpoint wants it
  std::string server_side_encryption;  ///< "", "AES256" or "aws:kms"
  std::string kms_key_id;              ///< with "aws:kms"; "": the bucket's
};

/// What no operator need set; tests do.
struct Tuning {
  Bytes part = 8_MiB;            ///< at least 5 MiB on AWS, and all but the last equal for R2
  Bytes in_parts_from = 32_MiB;  ///< a finished file that is longer is put in parts
  milliseconds backoff_first{200};
  milliseconds backoff_most{2'000};  ///< well below what a listener has patience for, once it is back
  milliseconds connect_timeout{10'000};
  milliseconds stall_timeout{60'000};  ///< completing many parts takes the storage a while
};

struct SettingsFault {
  std::string key;
  std::string what;
};
/// The text alone; nobody is asked. REQUIRES: `type` is "s3".
std::optional<SettingsFault> check(const Settings& settings);

}  // namespace onetake::durable
