#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/run.hpp"
#include "support/streams.hpp"
#include "support/wine.hpp"

#include <communica/connectors/detail/local_windows.hpp>
#include <communica/connectors/local.hpp>

namespace local_pipes_windows {

using communica::errc;
using communica::LocalConnector;

namespace {

std::string own_name(const char* what) { return std::string(what) + "." + std::to_string(::GetCurrentProcessId()); }

communica::Error connecting_error(const LocalConnector& connector) {
    asio::io_context context;
    communica::Error error;
    test::run(context, [&]() -> asio::awaitable<void> {
        error = co_await test::error_of(connector.connect(context.get_executor(), {}));
    });
    return error;
}

std::string own_user() { return communica::detail::user_of_process(::GetCurrentProcess()).value(); }

communica::detail::OwnedHandle open_pipe(const std::string& name) {
    return communica::detail::OwnedHandle(::CreateFileA(name.c_str(), GENERIC_READ | GENERIC_WRITE, 0, nullptr,
                                                        OPEN_EXISTING, FILE_FLAG_OVERLAPPED, nullptr));
}

/// This user's, and everybody may open it.
std::string own_and_open() { return "O:" + own_user() + "D:P(A;;GA;;;WD)"; }

/// While it lives, somebody has the pipe of this name, with one instance and this access list.
communica::detail::OwnedHandle take_pipe(const std::string& name, const std::string& access) {
    ::SECURITY_ATTRIBUTES attributes{
        .nLength = sizeof attributes, .lpSecurityDescriptor = nullptr, .bInheritHandle = FALSE};
    REQUIRE(::ConvertStringSecurityDescriptorToSecurityDescriptorA(access.c_str(), SDDL_REVISION_1,
                                                                   &attributes.lpSecurityDescriptor, nullptr) != 0);
    const std::unique_ptr<void, communica::detail::LocalDeleter> owned(attributes.lpSecurityDescriptor);
    return communica::detail::OwnedHandle(::CreateNamedPipeA(name.c_str(), PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED,
                                                             PIPE_TYPE_BYTE | PIPE_WAIT, 1, 4096, 4096, 0,
                                                             &attributes));
}

}  // namespace

TEST_CASE("a local connector is a named pipe, and a directory is a part of its name") {
    CHECK(LocalConnector("Calculator").address() == R"(\\.\pipe\communica.calculator)");
    CHECK(LocalConnector("x", {.directory = R"(C:\some\where)"}).address() == R"(\\.\pipe\communica.C:/some/where/x)");
    CHECK(test::code_of([] { return LocalConnector("a\\b"); }) == errc::invalid_argument);
}

TEST_CASE("a pipe's name has at most 256 characters") {
    const std::size_t prefix = LocalConnector("x").address().size() - 1;
    CHECK(LocalConnector(std::string(256 - prefix, 'n')).address().size() == 256);
    CHECK(test::code_of([&] { return LocalConnector(std::string(257 - prefix, 'n')).address(); }) ==
          errc::invalid_argument);
}

TEST_CASE("where users are SIDs, uids are refused, and so is what is no SID") {
    CHECK(test::code_of([] { return LocalConnector("x", {.users = {0}}).address(); }) == errc::invalid_argument);
    for (const char* no_sid : {"", "nobody", "S-1", "WD"}) {
        CHECK(test::code_of([&] { return LocalConnector("x", {.sids = {no_sid}}).address(); }) ==
              errc::invalid_argument);
    }
    const LocalConnector open("x", {.sids = {"S-1-1-0"}});
    CHECK(open.dump_state() == R"({"type": "LocalConnector", "name": "x", "sids": ["S-1-1-0"]})");
    CHECK(LocalConnector::load_state(open.dump_state()).options().sids == open.options().sids);
}

TEST_CASE("a client that finds no pipe says so at once") {
    const auto error = connecting_error(LocalConnector(own_name("absent")));
    CHECK(error.code.value() == ERROR_FILE_NOT_FOUND);
    CHECK(error.message.find("communica.absent") != std::string::npos);
}

TEST_CASE("a client that finds every instance of a pipe taken waits for one") {
    const LocalConnector connector(own_name("busy"));
    asio::io_context context;
    test::run(context, [&]() -> asio::awaitable<void> {
        const auto listener = co_await connector.listen(context.get_executor(), {});
        std::vector<communica::detail::OwnedHandle> others;
        while (communica::detail::OwnedHandle other = open_pipe(connector.address())) {
            others.push_back(std::move(other));
        }
        CHECK(::GetLastError() == ERROR_PIPE_BUSY);
        CHECK(others.size() > 1);
        bool connected = false;
        asio::co_spawn(context, connector.connect(context.get_executor(), {}),
                       [&](std::exception_ptr failure, const std::shared_ptr<communica::Connection>& connection) {
                           connected = !failure && connection != nullptr;
                       });
        std::vector<std::shared_ptr<communica::Connection>> accepted;
        accepted.push_back(co_await listener->accept());
        CHECK_FALSE(connected);
        accepted.push_back(co_await listener->accept());  // and a new instance for the one that is taken
        co_await test::until([&] { return connected; });
        listener->close();
    });
}

TEST_CASE("a client that waits for an instance of a pipe does not wait for ever") {
    const LocalConnector connector(own_name("deaf"));
    const communica::detail::OwnedHandle pipe = take_pipe(connector.address(), own_and_open());
    REQUIRE(pipe);
    const communica::detail::OwnedHandle first = open_pipe(connector.address());
    REQUIRE(first);
    CHECK(connecting_error(connector).code.value() == ERROR_PIPE_BUSY);
}

TEST_CASE("a client that waits for an instance of a pipe ends when it is cancelled, as a connect timeout does") {
    const LocalConnector connector(own_name("cancelled"));
    const communica::detail::OwnedHandle pipe = take_pipe(connector.address(), own_and_open());
    REQUIRE(pipe);
    const communica::detail::OwnedHandle first = open_pipe(connector.address());
    REQUIRE(first);
    asio::io_context context;
    asio::cancellation_signal deadline;
    std::optional<communica::Error> ending;
    test::run(context, [&]() -> asio::awaitable<void> {
        asio::co_spawn(
            context, connector.connect(context.get_executor(), {}),
            asio::bind_cancellation_slot(
                deadline.slot(), [&](std::exception_ptr failure, const std::shared_ptr<communica::Connection>&) {
                    ending = failure ? communica::Error::from(failure) : communica::Error{};
                }));
        co_await asio::post(context, asio::use_awaitable);
        CHECK_FALSE(ending);
        deadline.emit(asio::cancellation_type::terminal);
        co_await test::until([&] { return ending.has_value(); });
    });
    CHECK(ending->code == asio::error::operation_aborted);
}

TEST_CASE("a client does not talk to a pipe of somebody else") {
    const LocalConnector connector(own_name("strange"));
    const communica::detail::OwnedHandle pipe = take_pipe(connector.address(), "O:S-1-5-21-1-2-3-4567D:P(A;;GA;;;WD)");
    if (!pipe && ::GetLastError() == ERROR_INVALID_OWNER) {
        WARN("skipped: this user can't make a pipe of somebody else");
        return;
    }
    if (test::skip_under_wine("a pipe has no other owner than the one who made it")) {
        return;
    }
    CHECK(connecting_error(connector).code.value() == ERROR_ACCESS_DENIED);
}

TEST_CASE("a second server, in another process, finds the first instance taken") {
    const LocalConnector connector(own_name("taken"));
    const communica::detail::OwnedHandle pipe = take_pipe(connector.address(), own_and_open());
    REQUIRE(pipe);
    asio::io_context context;
    test::run(context, [&]() -> asio::awaitable<void> {
        const auto error = co_await test::error_of(connector.listen(context.get_executor(), {}));
        CHECK(error.code == asio::error::address_in_use);
    });
    const communica::detail::LocalAddress address(connector.name(), {});
    if (!test::skip_under_wine("it ignores FILE_FLAG_FIRST_PIPE_INSTANCE")) {
        CHECK(test::code_of([&] { return address.place().make_instance(true); }) == asio::error::address_in_use);
    }
}

TEST_CASE("a pipe's access list lets in this user, and those that are named to read and write") {
    const std::string own = own_user();
    CHECK(communica::detail::TrustedSids({}).descriptor() == "O:" + own + "D:P(A;;GA;;;" + own + ")");
    CHECK(communica::detail::TrustedSids({"S-1-1-0"}).descriptor() ==
          "O:" + own + "D:P(A;;GA;;;" + own + ")(A;;0x12019b;;;S-1-1-0)");
    const LocalConnector connector(own_name("closed"));
    const communica::detail::OwnedHandle pipe = take_pipe(connector.address(), "D:P(A;;GA;;;S-1-5-21-1-2-3-4567)");
    REQUIRE(pipe);
    if (!test::skip_under_wine("it does not heed access lists")) {
        CHECK(connecting_error(connector).code.value() == ERROR_ACCESS_DENIED);
    }
}

}  // namespace local_pipes_windows
