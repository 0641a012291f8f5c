#include "ledger/group_commit.hpp"

#include <algorithm>
#include <utility>

namespace onetake::ledger {
namespace {

// Pages of 4 KiB in the log when it is moved into the file: while nobody waits, and at the latest.
constexpr int pages_when_idle = 1000;
constexpr int pages_at_most = 4000;

}  // namespace

GroupCommit::GroupCommit(std::unique_ptr<Connection> db) : db_(std::move(db)), thread_([this] { work(); }) {}

GroupCommit::~GroupCommit() {
  waiting_.end();
  thread_.join();
}

void GroupCommit::add(std::unique_ptr<Job> job) { waiting_.add(std::move(job)); }

void GroupCommit::work() {
  for (auto batch = waiting_.take(most); !batch.empty(); batch = waiting_.take(most)) {
    read(batch);
    write(batch);
    batch.clear();
    waiting_.done();
    move_log();
  }
}

void GroupCommit::read(Batch& batch) {
  for (auto& job : batch) {
    if (job->writes()) continue;
    try {
      job->run(*db_);
    } catch (...) {
      job->fail(std::current_exception());
      continue;
    }
    job->answer();
  }
  std::erase_if(batch, [](const auto& job) { return !job->writes(); });
}

void GroupCommit::write(Batch& batch) {
  if (batch.empty()) return;
  if (batch.size() == 1) return write_alone(*batch.front());
  try {
    db_->begin();
    for (auto& job : batch) job->run(*db_);
  } catch (...) {
    db_->rollback();
    for (auto& job : batch) write_alone(*job);
    return;
  }
  try {
    db_->commit();
  } catch (...) {
    db_->rollback();
    for (auto& job : batch) job->fail(std::current_exception());
    return;
  }
  for (auto& job : batch) job->answer();
}

void GroupCommit::write_alone(Job& job) {
  try {
    db_->begin();
    job.run(*db_);
    db_->commit();
  } catch (...) {
    db_->rollback();
    job.fail(std::current_exception());
    return;
  }
  job.answer();
}

void GroupCommit::move_log() {
  const int pages = db_->wal_pages();
  if (pages < pages_when_idle) return;
  if (pages < pages_at_most && !waiting_.empty()) return;
  db_->checkpoint();
}

}  // namespace onetake::ledger
