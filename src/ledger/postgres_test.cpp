#include <gmock/gmock.h>

#include <barrier>
#include <latch>
#include <thread>

#include "ledger/invariants.hpp"
#include "ledger/postgres_migrations.hpp"
#include "ledger/test_postgres.hpp"

namespace onetake::ledger {
namespace {

using testing::HasSubstr;
using testing::SizeIs;
using testing::ThrowsMessage;

INSTANTIATE_TEST_SUITE_P(Postgres, Conformance,
                         testing::Values(EngineKind{"postgres", [] { return std::make_unique<PostgresEngine>(); }}));

}  // namespace
}  // namespace onetake::ledger
