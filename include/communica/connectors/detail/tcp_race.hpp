// Connects to the first of a host's addresses that accepts.
#pragma once

#include "../../asio.hpp"
#include "../../asio/sockets.hpp"
#include "../../error.hpp"
#include "platform.hpp"
#include "socket.hpp"
#include "tcp_address.hpp"
#include "tcp_lookup.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace communica::detail {

inline void prepare_tcp_socket(Socket& socket) {
    socket.set_option(asio::ip::tcp::no_delay(true));
    keep_alive(socket);
}

/// Tries the addresses in order, each 250 ms after the previous one or as soon as that has failed; earlier attempts
/// continue (RFC 8305, 5). The first that connects wins. Runs on one strand.
class TcpRace : public std::enable_shared_from_this<TcpRace> {
 public:
    static constexpr std::chrono::milliseconds pause{250};

    /// The sockets use `executor`. To be run on a strand.
    static asio::awaitable<std::unique_ptr<Socket>> run(TcpEndpoints endpoints, asio::any_io_executor executor,
                                                        std::string address) {
        const auto race = std::make_shared<TcpRace>(Private{}, endpoints, executor, co_await asio::this_coro::executor);
        race->place_ = std::make_unique<Socket>(std::move(executor));
        const auto stop = [](TcpRace* running) { running->stop(); };
        const std::unique_ptr<TcpRace, decltype(stop)> running(race.get(), stop);
        race->over_ = race->attempts_.empty();
        race->try_next();
        bool cancelled = false;
        while (!race->over_ && !cancelled) {
            co_await race->done_.async_wait(no_throw);
            cancelled = (co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none;
        }
        if (!race->winner_) {
            const auto error = race->over_ ? race->last_error_ : make_error_code(asio::error::operation_aborted);
            const std::string why = race->why();
            throw MessageError(error, why.starts_with(address + ": ") ? why : address + ": " + why, {});
        }
        co_return std::move(race->winner_);
    }

    struct Private {};
    TcpRace(Private, const TcpEndpoints& endpoints, asio::any_io_executor sockets, const asio::any_io_executor& strand)
        : sockets_(std::move(sockets)),
          strand_(strand),
          next_(strand),
          done_(strand, asio::steady_timer::time_point::max()) {
        for (const auto& endpoint : endpoints) {
            attempts_.push_back({endpoint, Socket(sockets_)});
        }
    }

 private:
    struct Attempt {
        asio::ip::tcp::endpoint endpoint;
        Socket socket;
        bool begun = false;
        asio::error_code error = {};

        std::string text() const {
            return TcpAddress{endpoint.address().to_string(), endpoint.port()}.text() + ": " +
                   (error   ? error.message()
                    : begun ? "no answer"
                            : "not tried");
        }
    };

    void try_next() {
        if (over_ || begun_ == attempts_.size()) {
            return;
        }
        const std::size_t index = begun_++;
        Attempt& attempt = attempts_[index];
        attempt.begun = true;
        try {
            base::with_standard_errors([&] { open_socket(attempt.socket, attempt.endpoint.protocol()); });
            attempt.socket.async_connect(
                attempt.endpoint,
                asio::bind_executor(strand_, [self = shared_from_this(), index](asio::error_code error) {
                    self->on_end(index, error);
                }));
        } catch (const std::system_error& e) {
            return on_end(index, e.code());
        } catch (const std::bad_alloc&) {
            return on_end(index, asio::error::no_memory);
        }
        if (begun_ != attempts_.size()) {
            next_.expires_after(pause);
            next_.async_wait(asio::bind_executor(strand_, [self = shared_from_this()](asio::error_code error) {
                if (!error) {
                    self->try_next();
                }
            }));
        }
    }

    void on_end(std::size_t index, asio::error_code error) {
        if (over_) {
            return;
        }
        Attempt& attempt = attempts_[index];
        if (!error && is_own_end(attempt.socket)) {
            error = asio::error::connection_refused;  // no server: the system gave both ends the same port
        }
        if (!error) {
            winner_ = std::move(place_);
            *winner_ = std::move(attempt.socket);
            return end();
        }
        attempt.error = last_error_ = error;
        close(attempt.socket);
        if (++failed_ == attempts_.size()) {
            end();
        } else if (failed_ == begun_) {
            next_.cancel();
            try_next();
        }
    }

    static bool is_own_end(const Socket& socket) {
        asio::error_code error;
        const auto local = socket.local_endpoint(error);
        const auto remote = error ? local : socket.remote_endpoint(error);
        return !error && local == remote;
    }

    static void close(Socket& socket) noexcept {  // NOLINT(bugprone-exception-escape): errors are codes here
        asio::error_code ignored;
        if (is_own_end(socket)) {  // a server may need that port, which would be in TIME_WAIT
            socket.set_option(asio::socket_base::linger(true, 0), ignored);
        }
        socket.close(ignored);
    }

    void end() {
        stop();
        done_.cancel();
    }

    void stop() noexcept {  // NOLINT(bugprone-exception-escape): out of memory: terminating is all that is left
        over_ = true;
        next_.cancel();
        for (Attempt& attempt : attempts_) {
            close(attempt.socket);
        }
    }

    std::string why() const {
        std::string text;
        for (const Attempt& attempt : attempts_) {
            text += (text.empty() ? "" : ", ") + attempt.text();
        }
        return text;
    }

    asio::any_io_executor sockets_;
    asio::any_io_executor strand_;
    asio::steady_timer next_;
    asio::steady_timer done_;  // never expires: cancelled at the end
    std::vector<Attempt> attempts_;
    std::size_t begun_ = 0;
    std::size_t failed_ = 0;
    bool over_ = false;
    std::unique_ptr<Socket> place_;  // for the winner, allocated in advance
    std::unique_ptr<Socket> winner_;
    asio::error_code last_error_ = asio::error::host_not_found;
};

/// Connects to the first of the host's addresses that accepts, on `executor`.
inline asio::awaitable<Socket> connect_tcp(TcpAddress address, asio::any_io_executor executor) {
    if (address.host == every_address) {
        throw MessageError(errc::invalid_argument, "\"*\" is where a server listens, not where a client connects", {});
    }
    auto endpoints = co_await resolve(address);
    const auto socket =
        co_await base::spawn_on(base::make_strand_on(executor),
                                TcpRace::run(std::move(endpoints), executor, address.text()), asio::use_awaitable);
    prepare_tcp_socket(*socket);
    co_return std::move(*socket);
}

}  // namespace communica::detail
