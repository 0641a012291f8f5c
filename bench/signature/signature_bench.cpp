#include <openssl/hmac.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "tenant/access.hpp"
#include "tenant/signed_url.hpp"

namespace {

std::atomic<long> allocations{0};

}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc{};
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

using namespace onetake;
using namespace std::chrono_literals;

/// The best of 7 rounds, for another process on the core only makes it slower.
template <class Work>
void measure(const char* what, Work work) {
  constexpr int times = 200'000;
  double best = 1e9;
  work(0);
  const long before = allocations;
  for (int round = 0; round < 7; ++round) {
    const auto begin = Monotonic::now();
    for (int i = 0; i < times; ++i) work(i);
    best = std::min(best, std::chrono::duration<double, std::micro>(Monotonic::now() - begin).count() / times);
  }
  std::printf("%-52s %6.2f us  %4.1f allocations\n", what, best,
              static_cast<double>(allocations - before) / (7.0 * times));
}

void must(bool worked) {
  if (!worked) std::abort();
}

}  // namespace

int main() {
  constexpr int tenants = 1'000;
  const std::string path = "/api/recordings/CA0123456789abcdef0123456789abcdef/stream";
  const auto expires = std::chrono::ceil<std::chrono::seconds>(wall_now() + 1h);
  std::vector<tenant::Credentials> all;
  std::vector<std::string> queries;
  for (int i = 0; i < tenants; ++i) {
    const std::string number = std::to_string(i);
    const TenantId id{"tenant-" + number};
    const std::string secret = "0123456789abcdef0123456789abcdef" + number;
    all.push_back({id, {tenant::sha256("key-" + number)}, {{"k1", secret}}});
    const auto url = tenant::signed_url(path, id, "k1", tenant::MacKey{secret}, expires);
    queries.push_back("explicit_user_action=true&" + url.substr(path.size() + 1));
  }
  const tenant::Sessions sessions{tenant::random_secret()};
  const tenant::Access access{all, {}, tenant::Browsers{.sessions = sessions, .local = {}}};
  const auto now = wall_now();
  const std::string cookie = sessions.cookie(TenantId{"tenant-0"}, now);

  tenant::Asking url{.area = tenant::Area::listening, .method = "GET", .path = path};
  url.host = "127.0.0.1:8080";
  url.query = queries[0];
  tenant::Asking key = url, browser = url;
  key.query = browser.query = "";
  key.authorization = "Bearer key-0";
  browser.cookie = std::string_view{cookie}.substr(0, cookie.find(';'));

  measure("signed URL, one tenant", [&](int) { must(access.authenticate(url, now).has_value()); });
  measure("signed URL, 50 tenants by turns", [&](int i) {
    url.query = queries.at(static_cast<std::size_t>(i % 50));
    must(access.authenticate(url, now).has_value());
  });
  measure("signed URL, 1,000 tenants by turns", [&](int i) {
    url.query = queries.at(static_cast<std::size_t>(i % tenants));
    must(access.authenticate(url, now).has_value());
  });
  measure("API key", [&](int) { must(access.authenticate(key, now).has_value()); });
  measure("cookie", [&](int) { must(access.authenticate(browser, now).has_value()); });

  const std::string secret = "0123456789abcdef0123456789abcdef0";
  const std::string text = "onetake-url-v1\n" + path + "\ntenant-0\n1764000000";
  const tenant::MacKey mac{secret};
  measure("the signature alone", [&](int) { must(mac.sign({text}).front() != 0); });
  measure("the signature alone, by HMAC()", [&](int) {
    unsigned char bytes[32];
    unsigned size = 0;
    must(HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
              reinterpret_cast<const unsigned char*>(text.data()), text.size(), bytes, &size) != nullptr);
  });
}
