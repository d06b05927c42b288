// Passes bytes on between clients and a server, over TCP, and does what the test says.
#pragma once

#include "run.hpp"

#include <communica/connectors/tcp.hpp>

#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace test {

/// What is done to one direction of one connection.
struct Passage {
    static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

    std::size_t rate = unlimited;     ///< bytes a second
    std::size_t ends_at = unlimited;  ///< behind so many bytes both ends are closed
    std::size_t drops_at =
        unlimited;  ///< behind so many bytes what comes is read, and lost, until the connection is cut
};

/// For one thread.
class Relay {
 public:
    /// What the first connection is like; all later ones pass everything.
    Relay(asio::io_context& context, const std::string& server_state, Passage to_server = {}, Passage to_client = {})
        : acceptor_(context, {asio::ip::address_v4::loopback(), 0}) {
        const auto json = nlohmann::json::parse(server_state);
        server_ = {asio::ip::make_address(json.at("host").get<std::string>()), json.at("port").get<std::uint16_t>()};
        asio::co_spawn(context, accept_all(to_server, to_client), [](std::exception_ptr) {});
    }
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;
    ~Relay() {
        asio::error_code ignored;
        acceptor_.close(ignored);
        cut();
    }

    communica::TcpConnector connector() const { return {"127.0.0.1", acceptor_.local_endpoint().port()}; }

    /// Ends the connections that there are, and what is on its way in them.
    void cut() {
        for (const auto& weak : std::exchange(links_, {})) {
            if (const auto link = weak.lock()) {
                link->close();
            }
        }
    }

    int connections() const { return connections_; }
    std::size_t dropped() const { return *dropped_; }

 private:
    using Socket = asio::ip::tcp::socket;

    struct Link {
        void close() {
            asio::error_code ignored;
            client.close(ignored);
            server.close(ignored);
        }
        Socket client;
        Socket server;
    };

    asio::awaitable<void> accept_all(Passage to_server, Passage to_client) {
        const auto dropped = dropped_;
        for (;;) {
            Socket client = co_await acceptor_.async_accept(asio::use_awaitable);
            Socket server(client.get_executor());
            client.set_option(asio::socket_base::receive_buffer_size(64 * 1024));
            server.open(server_.protocol());
            server.set_option(asio::socket_base::receive_buffer_size(64 * 1024));
            co_await server.async_connect(server_, asio::use_awaitable);
            const auto link = std::make_shared<Link>(Link{std::move(client), std::move(server)});
            links_.push_back(link);
            ++connections_;
            const auto executor = link->client.get_executor();
            asio::co_spawn(executor, pass(link, &Link::client, &Link::server, std::exchange(to_server, {}), dropped),
                           [](std::exception_ptr) {});
            asio::co_spawn(executor, pass(link, &Link::server, &Link::client, std::exchange(to_client, {}), dropped),
                           [](std::exception_ptr) {});
        }
    }

    static asio::awaitable<void> pass(std::shared_ptr<Link> link, Socket Link::* from, Socket Link::* to,
                                      Passage passage, std::shared_ptr<std::size_t> dropped) {
        constexpr auto pause = std::chrono::milliseconds{10};
        const std::size_t piece = passage.rate == Passage::unlimited ? 64 * 1024 : passage.rate / 100;
        std::vector<char> bytes(piece);
        asio::steady_timer timer((*link).client.get_executor());
        for (std::size_t passed = 0; passed < passage.ends_at;) {
            const auto [error, count] =
                co_await ((*link).*from).async_read_some(asio::buffer(bytes), communica::no_throw);
            if (error) {
                break;
            }
            const std::size_t goes =
                std::min({count, passage.ends_at - passed, passage.drops_at - std::min(passed, passage.drops_at)});
            passed += count;
            *dropped += count - goes;
            const auto [failed, written] =
                co_await asio::async_write((*link).*to, asio::buffer(bytes.data(), goes), communica::no_throw);
            if (failed) {
                break;
            }
            if (passage.rate != Passage::unlimited) {
                timer.expires_after(pause);
                co_await timer.async_wait(communica::no_throw);
            }
        }
        link->close();
    }

    asio::ip::tcp::acceptor acceptor_;
    asio::ip::tcp::endpoint server_;
    std::vector<std::weak_ptr<Link>> links_;
    std::shared_ptr<std::size_t> dropped_ = std::make_shared<std::size_t>(0);
    int connections_ = 0;
};

}  // namespace test
