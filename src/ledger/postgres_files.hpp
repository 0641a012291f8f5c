#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ledger/files.hpp"
#include "ledger/ledger.hpp"
#include "ledger/postgres_connection.hpp"

/// The ledger's calls about a node's files, and about nodes. `Ledger` says what they do; `node` is the one that calls.
/// All but `disown`, `lost` and `spoiled` may be said again outside of a transaction; these stand in one.
namespace onetake::ledger::pg {

int played(Connection& db, const std::string& node, const std::vector<Played>& plays);
std::vector<Stored> least_played(Connection& db, const std::string& node, const std::optional<Stored>& after,
                                 int limit);
Stretch walk_files(Connection& db, const std::string& node, const RecordingId& after, int limit);

bool announce(Connection& db, const std::string& node, const std::string& blob);
std::vector<std::string> loose_files(Connection& db, const std::string& node, bool announced_too, int limit);
int strike_files(Connection& db, const std::string& node, const std::vector<std::string>& blobs, bool announced_too);
std::vector<RecordingId> not_to_be_kept(Connection& db, const std::vector<RecordingId>& recordings);

bool disown(Connection& db, const std::string& node, const RecordingId& recording, const std::string& blob);

bool node_lives(Connection& db, const std::string& node, const std::string& url, milliseconds within);
bool node_leaves(Connection& db, const std::string& node);
std::optional<Whereabouts> whereabouts(Connection& db, const std::string& node, const Key& key, milliseconds within);
bool copied(Connection& db, const std::string& node, const RecordingId& recording, const std::string& blob,
            WallTime now);
bool made_durable(Connection& db, const RecordingId& recording, const std::string& blob);
bool spoiled(Connection& db, const RecordingId& recording, const std::string& blob);
std::vector<Uncopied> not_durable(Connection& db, const std::string& node, const RecordingId& after, int limit);
bool announce_object(Connection& db, const std::string& blob, WallTime due);
std::vector<std::string> take_objects(Connection& db, WallTime now, WallTime until, int limit);
int strike_objects(Connection& db, const std::vector<std::string>& blobs);
bool lost(Connection& db, const std::string& node, const RecordingId& recording, const std::string& blob,
          milliseconds within);

std::vector<Seen> look_at(Connection& db, const std::string& node, const std::vector<RunId>& runs, milliseconds within);
Bytes held_bytes(Connection& db, const std::string& node);
std::string node_secret(Connection& db);

}  // namespace onetake::ledger::pg
