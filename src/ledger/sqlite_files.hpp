#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ledger/files.hpp"
#include "ledger/sqlite_connection.hpp"
#include "ledger/whereabouts.hpp"

/// The ledger's calls about files, each inside a transaction that the caller has begun. `Ledger` says what they do.
namespace onetake::ledger {

int played(Connection& db, const std::vector<Played>& plays);
std::vector<Stored> least_played(Connection& db, const std::optional<Stored>& after, int limit);
Stretch walk_files(Connection& db, const RecordingId& after, int limit);

bool announce(Connection& db, const std::string& blob);
std::vector<std::string> loose_files(Connection& db, bool announced_too, int limit);
int strike_files(Connection& db, const std::vector<std::string>& blobs, bool announced_too);
std::vector<RecordingId> not_to_be_kept(Connection& db, std::vector<RecordingId> recordings);

std::optional<Whereabouts> whereabouts(Connection& db, const Key& key);
bool copied(Connection& db, const RecordingId& recording, const std::string& blob, WallTime now);
bool made_durable(Connection& db, const RecordingId& recording, const std::string& blob);
bool spoiled(Connection& db, const RecordingId& recording, const std::string& blob);
std::vector<Uncopied> not_durable(Connection& db, const RecordingId& after, int limit);
bool announce_object(Connection& db, const std::string& blob, WallTime due);
std::vector<std::string> take_objects(Connection& db, WallTime now, WallTime until, int limit);
int strike_objects(Connection& db, const std::vector<std::string>& blobs);
std::vector<Seen> look_at(Connection& db, const std::vector<RunId>& runs);
Bytes held_bytes(Connection& db);

}  // namespace onetake::ledger
