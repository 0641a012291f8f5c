#pragma once

#include <memory>
#include <string>
#include <vector>

#include "durable/copies.hpp"
#include "durable/place.hpp"
#include "durable/settings.hpp"
#include "durable/verdict.hpp"
#include "provider/aws_signature.hpp"
#include "provider/transfer.hpp"

namespace onetake::durable {

/// Signed requests to one bucket, and their repetition.
class Requests {
 public:
  struct Call {
    provider::Method method = provider::Method::get;
    std::string key;  ///< "": the bucket
    Query query = {};
    std::vector<std::string> headers = {};  ///< "Name: value"
    provider::Body body = {};
    std::string sha256 = {};  ///< of the body, in hex; "": it is in memory and is hashed here
  };

  Requests(Settings settings, Tuning tuning, provider::Transfers& transfers);
  Requests(const Requests&) = delete;
  Requests& operator=(const Requests&) = delete;

  /// Once. Answers of at most 1 MiB are kept.
  Task<Reply> once(Call call, Until until);
  /// Once, to a receiver.
  Task<Reply> once(Call call, Until until, provider::Receiver& receiver);

  /// For what may be repeated without looking whether it has happened. A HEAD's 404 is an answer: it cannot say what is
  /// not there.
  Task<Answer<Reply>> perform(Call call, Until until);

  /// Before the n-th repetition: a while, with jitter. False when there is no time left for one.
  Task<bool> pause(int repetition, const Reply& before, Until until);

  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] const Tuning& tuning() const { return tuning_; }
  [[nodiscard]] const Place& place() const { return place_; }

 private:
  Settings settings_;
  Tuning tuning_;
  Place place_;
  provider::AwsKeys keys_;
  std::shared_ptr<const provider::AddressGuard> guard_;
  provider::Transfers& transfers_;
};

}  // namespace onetake::durable
