// Boost.Asio, for a program that is compiled with COMMUNICA_USE_BOOST_ASIO.
//
// It differs from standalone Asio in its namespace, its macros and its errors: operations complete with
// `boost::system::error_code` and throw `boost::system::system_error`, which is not derived from `std::system_error`. The library
// throws `std::system_error` with both.
#pragma once

// Asio needs this macro with -fno-rtti. A program that includes Asio before this header must define it globally.
#if !defined(__GXX_RTTI) && !defined(_CPPRTTI) && !defined(BOOST_ASIO_NO_TYPEID)
#define BOOST_ASIO_NO_TYPEID
#endif

#include <boost/asio/version.hpp>

#if BOOST_ASIO_VERSION < 102600
#error "communica needs Boost 1.81 or newer: cancellation slots and as_tuple are missing in older ones, or experimental"
#endif

#include <boost/asio/detail/config.hpp>

#if !defined(BOOST_ASIO_HAS_CO_AWAIT)
#error "Boost.Asio has coroutines turned off here: compile as C++20"
#endif

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
// GCC 16 inlines Asio's operator delete of a coroutine frame but not its operator new, and reports a mismatch. Applies
// to programs that include this header before Asio's.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/recycling_allocator.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

#include <concepts>
#include <exception>
#include <string>
#include <system_error>
#include <utility>

// Names that only standalone Asio has.
namespace boost::asio {

using boost::system::error_code;
using boost::system::system_error;

namespace error {

/// Compares the code of a `std::system_error` with Asio's errors.
template <std::same_as<std::error_code> Code, class Value>
    requires boost::system::is_error_code_enum<Value>::value
bool operator==(const Code& code, Value value) {
    return code == Code(make_error_code(value));
}

}  // namespace error
}  // namespace boost::asio

namespace communica {

namespace asio = boost::asio;
using asio::as_tuple;

namespace base {

/// Calls `function`, and converts the exceptions of Boost.Asio to `std::system_error`.
template <class Function>
decltype(auto) with_standard_errors(const Function& function) {
    try {
        return function();
    } catch (const asio::system_error& e) {
        // "bind: Address already in use [system:98]"
        const std::string text = e.what();
        const auto end = text.rfind(": " + e.code().what());
        throw end == std::string::npos ? std::system_error(e.code()) : std::system_error(e.code(), text.substr(0, end));
    }
}

/// The same for the exceptions of a coroutine.
template <class T>
asio::awaitable<T> with_standard_errors(asio::awaitable<T> coroutine) {
    try {
        co_return co_await std::move(coroutine);
    } catch (const asio::system_error&) {
        const auto exception = std::current_exception();
        with_standard_errors([&] { std::rethrow_exception(exception); });
        throw;
    }
}

#if defined(__ELF__)
/// Makes GNU ld reject a program that mixes both flavours of Asio: in standalone.hpp it is not thread-local.
[[gnu::used]] inline thread_local char a_program_has_one_asio = 0;
#elif defined(_MSC_VER)
#pragma detect_mismatch("communica's Asio", "boost")
#endif

}  // namespace base

}  // namespace communica
