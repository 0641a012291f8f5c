#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace onetake {

namespace asio = boost::asio;

/// The concrete executor: `any_io_executor` costs a virtual call and a count on every hop.
using Executor = asio::io_context::executor_type;

/// A coroutine that lives on one `Loop`, from its first line to its last.
template <class T = void>
using Task = asio::awaitable<T, Executor>;

inline constexpr asio::use_awaitable_t<Executor> use_task{};

}  // namespace onetake
