#include "app/serve.hpp"

#include <iostream>

#include "app/node.hpp"

namespace onetake::app {

int serve(const Settings& settings) {
  auto instance = Instance::claim(settings.server.data_dir);
  if (!instance) {
    std::cerr << "onetake: " << instance.error() << '\n';
    return 1;
  }
  const bool https = settings.server.public_url.starts_with("https://");
  tenant::Browsers browsers{.sessions = tenant::Sessions{instance->session_secret(), std::chrono::hours{12}, https},
                            .local = {}};
  Node node{settings, *std::move(instance), std::move(browsers)};
  std::cout << "listening on " << node.url() << std::endl;
  node.run();
  return 0;
}

}  // namespace onetake::app
