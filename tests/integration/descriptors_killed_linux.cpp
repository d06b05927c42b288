// Descriptors on their way while a process is killed, or a request is cancelled.
#include "support/descriptors_linux.hpp"
#include "support/process.hpp"
#include "support/run.hpp"
#include "support/temporary_directory.hpp"

#include <communica/communica.hpp>
#include <communica/connectors/shared_memory.hpp>

#include <optional>
#include <string>
#include <vector>

namespace descriptors_killed {

using communica::Descriptor;
using communica::errc;
using communica::Error;
using test::error_of;
using test::memory_file;
using test::Process;
using namespace std::chrono_literals;

namespace {

using Connector = communica::AnyConnectorOf<communica::LocalConnector, communica::SharedMemoryConnector>;
using Client = communica::RouteClient<Connector>;

Connector connector_in(const test::TemporaryDirectory& directory, bool shared) {
    if (!shared) {
        return communica::LocalConnector("files", {.directory = directory.path()});
    }
    communica::SharedMemoryOptions options;
    options.local.directory = directory.path();
    options.ring_size = 16 * 1024;
    return communica::SharedMemoryConnector("files", options);
}

Process serve(const Connector& connector) {
    Process serving("passing", {connector.dump_state()});
    serving.expect("READY");
    return serving;
}

std::vector<Descriptor> files(std::size_t count, std::string_view last) {
    std::vector<Descriptor> all;
    for (std::size_t index = 1; index != count; ++index) {
        all.push_back(memory_file());
    }
    all.push_back(memory_file(last));
    return all;
}

communica::ClientOptions quick() {
    communica::ClientOptions options;
    options.backoff = communica::BackoffOptions{.first = 2ms, .most = 20ms};
    return options;
}

}  // namespace

TEST_CASE(
    "a killed process loses the requests that it has, and idempotent ones are sent again with their descriptors") {
    const bool shared = GENERATE(false, true);
    CAPTURE(shared);
    const test::NoneLeft none_left;
    {
        const test::TemporaryDirectory directory;
        const Connector connector = connector_in(directory, shared);
        asio::io_context context;
        Client client(context, connector, quick());
        std::optional<Process> serving(serve(connector));
        for (int round = 0; round != 4; ++round) {
            constexpr int count = 50;
            int ended = 0;
            int again = 0;
            test::run(context, [&]() -> asio::awaitable<void> {
                co_await client.connect();
                for (int number = 0; number != count; ++number) {
                    const std::string text = std::to_string(number);
                    const std::vector<Descriptor> sent = files(1 + static_cast<std::size_t>(number % 4), text);
                    communica::RequestOptions options;
                    options.idempotent = true;
                    client.try_request<std::string>("read", sent, options,
                                                    [&, text](communica::Result<std::string> result) {
                                                        CHECK(result);
                                                        again += result && *result == text ? 1 : 0;
                                                        ++ended;
                                                    });
                    client.try_request<Descriptor>("open", text, [&, text](communica::Result<Descriptor> result) {
                        CHECK((!result || test::text_of(*result) == text));
                        ++ended;
                    });
                    client.try_request<void>("hold", sent, [&](communica::Result<void> result) {
                        CHECK(result.error().code == errc::connection_lost);
                        ++ended;
                    });
                }
                co_await test::until([&] { return ended > round * 10; });
                const auto start_anew = [&] {
                    serving->kill();
                    serving.reset();
                    serving.emplace(serve(connector));
                };
                start_anew();
                co_await test::until([&] { return again == count; });
                (void)co_await client.request<Descriptor>("open", std::string());  // behind all that waited
                start_anew();
                co_await test::until([&] { return ended == 3 * count; });
            });
        }
        test::run(context, [&]() -> asio::awaitable<void> { co_await client.close(); });
        serving->end_input();
        CHECK(serving->wait() == test::in_order);
        test::run_out(context);
    }
}

TEST_CASE("cancelled requests close their descriptors, and late answers those that they bring") {
    const bool shared = GENERATE(false, true);
    CAPTURE(shared);
    const test::NoneLeft none_left;
    {
        const test::TemporaryDirectory directory;
        const Connector connector = connector_in(directory, shared);
        Process serving = serve(connector);
        asio::io_context context;
        Client client(context, connector, quick());
        test::run(context, [&]() -> asio::awaitable<void> {
            const std::vector<Descriptor> sent = files(3, "text");
            communica::RequestOptions short_lived;
            short_lived.timeout = 1ms;
            {
                const test::TemporaryDirectory empty;
                Client alone(context, connector_in(empty, shared));
                const test::NoneLeft of_unsent;
                const Error unsent = co_await error_of(alone.request<void>("hold", sent, short_lived));
                CHECK(unsent.code == errc::timeout);
            }
            co_await client.connect();
            int ended = 0;
            for (int number = 0; number != 100; ++number) {
                asio::cancellation_signal cancel;
                client.request<void>("hold", sent,
                                     asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr) { ++ended; }));
                client.request<Descriptor>("open", std::string("late"), short_lived,
                                           [&](std::exception_ptr, Descriptor) { ++ended; });
                cancel.emit(asio::cancellation_type::terminal);
            }
            co_await test::until([&] { return ended == 200; });
            const auto text = co_await client.request<std::string>("read", sent);
            CHECK(text == "text");
            co_await client.close();
        });
        serving.end_input();
        CHECK(serving.wait() == test::in_order);
        test::run_out(context);
    }
}

}  // namespace descriptors_killed
