// Resolves host names.
#pragma once

#include "../../asio.hpp"
#include "../../asio/sockets.hpp"
#include "../../error.hpp"
#include "tcp_address.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace communica::detail {

using TcpEndpoints = std::vector<asio::ip::tcp::endpoint>;

/// A lookup on a thread of its own. Nothing has to wait for it: neither the caller, nor an io_context that ends, nor
/// other lookups. (Asio's resolver has one thread per context, and can't cancel a lookup in progress: 1.22 to 1.36.)
class Lookup : public std::enable_shared_from_this<Lookup> {
 public:
    /// The most concurrent lookups of this process. An unresponsive name server takes half a minute.
    static constexpr int most = 64;

    /// To be run on a strand. Throws `resource_unavailable_try_again` if there are too many.
    static asio::awaitable<TcpEndpoints> run(std::string host, std::uint16_t port) {
        if (at_work.fetch_add(1) >= most) {
            --at_work;
            throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                                    "too many look-ups");
        }
        const auto lookup = std::make_shared<Lookup>();
        try {
            std::thread([lookup, host = std::move(host), port] { lookup->look_up(host, port); }).detach();
        } catch (...) {
            --at_work;
            throw;
        }
        asio::steady_timer done(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
        const Waiter waiter(*lookup, done);
        while (!lookup->is_done()) {
            if (const auto [error] = co_await done.async_wait(no_throw);
                (co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none) {
                throw std::system_error(error);
            }
        }
        if (lookup->error_) {
            throw std::system_error(lookup->error_);
        }
        co_return std::move(lookup->found_);
    }

 private:
    /// Has its timer cancelled when the result is there.
    struct Waiter {
        Waiter(Lookup& to, asio::steady_timer& done) : lookup(to) {
            const std::lock_guard lock(lookup.mutex_);
            lookup.waiting_ = &done;
        }
        Waiter(const Waiter&) = delete;
        Waiter& operator=(const Waiter&) = delete;
        ~Waiter() {
            const std::lock_guard lock(lookup.mutex_);
            lookup.waiting_ = nullptr;
        }
        Lookup& lookup;
    };

    bool is_done() const {
        const std::lock_guard lock(mutex_);
        return done_;
    }

    void look_up(const std::string& host, std::uint16_t port) noexcept {
        TcpEndpoints found;
        asio::error_code error;
        try {
            asio::io_context context;
            asio::ip::tcp::resolver resolver(context);
            for (const auto& entry : resolver.resolve(host, std::to_string(port), error)) {
                found.push_back(entry.endpoint());
            }
            if (found.empty() &&
                host == "localhost") {  // always this machine (RFC 6761, 6.3), also without a hosts file
                found.emplace_back(asio::ip::address_v4::loopback(), port);
                error = {};
            }
        } catch (...) {
            error = std::make_error_code(std::errc::not_enough_memory);
        }
        const std::lock_guard lock(mutex_);
        found_ = std::move(found);
        error_ = error;
        done_ = true;
        --at_work;
        if (waiting_ != nullptr) {  // so its executor still exists
            const auto executor = waiting_->get_executor();
            asio::post(executor, base::Task([self = weak_from_this()] {
                           if (const auto lookup = self.lock()) {
                               lookup->wake();
                           }
                       }));
        }
    }

    void wake() {
        const std::lock_guard lock(mutex_);
        if (waiting_ != nullptr) {
            waiting_->cancel();
        }
    }

    static inline std::atomic<int> at_work = 0;

    mutable std::mutex mutex_;  // guards the members below
    asio::steady_timer* waiting_ = nullptr;
    bool done_ = false;
    TcpEndpoints found_;
    asio::error_code error_;
};

/// Removes duplicates and alternates the two families, beginning with that of the first address (RFC 8305, 4).
inline TcpEndpoints in_order(const TcpEndpoints& found) {
    TcpEndpoints one;
    TcpEndpoints other;
    for (const auto& endpoint : found) {
        auto& family = one.empty() || endpoint.protocol() == one.front().protocol() ? one : other;
        if (std::find(family.begin(), family.end(), endpoint) == family.end()) {
            family.push_back(endpoint);
        }
    }
    TcpEndpoints all;
    for (std::size_t index = 0; index < std::max(one.size(), other.size()); ++index) {
        for (const auto* family : {&one, &other}) {
            if (index < family->size()) {
                all.push_back((*family)[index]);
            }
        }
    }
    return all;
}

/// The addresses of the host. A numeric address is not looked up.
inline asio::awaitable<TcpEndpoints> resolve(TcpAddress address) {
    asio::error_code error;
    if (const auto numeric = asio::ip::make_address(address.host, error); !error) {
        co_return TcpEndpoints{{numeric, address.port}};
    }
    try {
        auto found = co_await base::spawn_on(base::make_strand_on(co_await asio::this_coro::executor),
                                             Lookup::run(address.host, address.port), asio::use_awaitable);
        co_return in_order(found);
    } catch (const std::system_error& e) {
        throw MessageError(
            e.code(),
            address.text() + (e.code() == asio::error::operation_aborted ? ": the name server does not answer"
                                                                         : ": " + e.code().message()),
            {});
    }
}

}  // namespace communica::detail
