#include "compile/prelude.hpp"

#if ASIO_VERSION < 102400
#include <asio/experimental/deferred.hpp>
using asio::experimental::deferred;
#else
#include <asio/deferred.hpp>
using asio::deferred;
#endif

void test(Simple& client, asio::any_io_executor executor, asio::cancellation_signal& signal) {
    client.request<int>(1, asio::detached);
    client.request<int>(1, [kept = std::make_unique<int>(1)](std::exception_ptr, int) {});
    client.request<int>(1, asio::bind_executor(executor, [](std::exception_ptr, int) {}));
    client.request<int>(1, asio::bind_cancellation_slot(signal.slot(), [](std::exception_ptr, int) {}));
    const auto token = asio::use_future;
    std::future<int> answer = client.request<int>(1, token);
    auto operation = client.request<int>(1, deferred);
    std::move(operation)(asio::detached);
}

asio::awaitable<int> test(Simple& client) {
    auto [error, value] = co_await client.request<int>(1, communica::as_tuple(asio::use_awaitable));
    co_return error ? value : co_await client.request<int>(1);
}
