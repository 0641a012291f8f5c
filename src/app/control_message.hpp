#pragma once

#include <string>

#include "app/control.hpp"

/// The lines of control.sock, without their ends. Errors of `read_…`: what the line says went wrong, or that it is not
/// understood.
namespace onetake::app {

struct ControlRequest {
  std::string verb;
  std::string sql;
};

std::string write_request(const ControlRequest& request);
std::string write_table(const ledger::Table& table);
std::string write_schema(const Schema& schema);
std::string write_pid(int pid);
std::string write_error(std::string_view error);

Answer<ControlRequest> read_request(const std::string& line);
Answer<ledger::Table> read_table(const std::string& line);
Answer<Schema> read_schema(const std::string& line);
Answer<int> read_pid(const std::string& line);

}  // namespace onetake::app
