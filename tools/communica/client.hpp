// A client of any server, and running a coroutine to its end.
#pragma once

#include "commands.hpp"

#include <communica/entities/route_client.hpp>
#include <communica/serializers/bytes.hpp>

#include <asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <utility>

namespace tool {

/// Bytes, as the tool knows no types: what is JSON is parsed where it is shown.
using Client = communica::RouteClient<Address, communica::BytesSerializer>;

/// Runs it until it is done; gives what it gives, throws what it throws.
template <class T>
T run(asio::io_context& context, asio::awaitable<T> coroutine) {
    std::exception_ptr failure;
    T result{};
    asio::co_spawn(context, std::move(coroutine), [&](std::exception_ptr e, T value) {
        failure = std::move(e);
        result = std::move(value);
        context.stop();
    });
    context.run();
    context.restart();
    if (failure) {
        std::rethrow_exception(failure);
    }
    return result;
}

/// At most 100 years, which a clock can still add to its time.
inline std::chrono::steady_clock::duration in_seconds(double seconds) {
    constexpr double longest = 3'155'760'000;
    const std::chrono::duration<double> bounded(seconds < longest ? seconds : longest);  // `longest` for a NaN as well
    return std::chrono::duration_cast<std::chrono::steady_clock::duration>(bounded);
}

/// A client that is connected; it tries once.
asio::awaitable<std::unique_ptr<Client>> connect(const Common& common, Address address);

/// The value as the route has it; throws `SerializerError` if it is no JSON.
std::string encode(Format format, const std::string& json);
/// As JSON.
std::string decode(Format format, const std::string& bytes);

}  // namespace tool
