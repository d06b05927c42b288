// Connections inside one process, without a byte stream: for tests, and for parts that may move out one day.
#pragma once

#include "../connector.hpp"

#include <asio/experimental/concurrent_channel.hpp>

#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace communica {
namespace detail {

/// What travels: texts until the handshake is over, messages after it.
struct MemoryItem {
    enum class Kind { hello, refusal, message, goodbye };
    Kind kind = Kind::message;
    std::string text = {};
    Buffer body = {};
};

using MemoryChannel = asio::experimental::concurrent_channel<void(asio::error_code, MemoryItem)>;

inline constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

/// One end: reads from its own channel, writes into the other end's.
class MemoryConnection final : public Connection, public std::enable_shared_from_this<MemoryConnection> {
 public:
    MemoryConnection(std::shared_ptr<MemoryChannel> inbound, std::shared_ptr<MemoryChannel> outbound,
                     const Limits& limits)
        : inbound_(std::move(inbound)), outbound_(std::move(outbound)), limits_(limits) {}
    ~MemoryConnection() override { end(); }

    asio::any_io_executor get_executor() const override { return inbound_->get_executor(); }
    const Credentials& credentials() const override { return credentials_; }

    asio::awaitable<std::string> read_hello() override {
        auto [error, item] = co_await inbound_->async_receive(no_throw);
        if (error || item.kind != MemoryItem::Kind::hello) {
            throw std::system_error(errc::handshake_failed, error ? error.message() : "refused: " + item.text);
        }
        co_return std::move(item.text);
    }

    asio::awaitable<void> write_hello(std::string json) override {
        put({MemoryItem::Kind::hello, std::move(json), {}});
        co_return;
    }

    asio::awaitable<void> refuse(std::string reason) override {
        put({MemoryItem::Kind::refusal, std::move(reason), {}});
        end();
        co_return;
    }

    // NOLINTNEXTLINE(*-reference-coroutine-parameters): the caller awaits it
    asio::awaitable<Error> run(Receiver& receiver) override {
        Error ending{errc::connection_lost};
        for (;;) {
            auto [error, item] = co_await inbound_->async_receive(no_throw);
            if (error) {
                break;
            }
            if (item.kind != MemoryItem::Kind::message) {
                ending = item.kind == MemoryItem::Kind::goodbye
                             ? Error{errc::closed}
                             : Error{errc::handshake_failed, "refused: " + item.text};
                break;
            }
            if (item.text.size() + item.body.size() > limits_.max_message) {
                receiver.on_oversized(item.text);
            } else {
                receiver.on_message({item.text, item.body.bytes()});
            }
        }
        end();
        co_return ending;
    }

    bool send(std::string_view metadata, Buffer& body) override {
        const std::lock_guard lock(mutex_);
        return !ended_ && put({MemoryItem::Kind::message, std::string(metadata), std::move(body)});
    }

    std::vector<UnsentMessage> take_unsent() override {
        end();
        return {};  // what was put into the channel is as good as read
    }

    void close(std::chrono::steady_clock::duration) override {
        // Posted: what the handler that is at work now answers still goes out before.
        asio::post(get_executor(), [self = shared_from_this()] {
            self->put({MemoryItem::Kind::goodbye, {}, {}});
            self->end();
        });
    }
    void abort() override { end(); }

 private:
    bool put(MemoryItem item) { return outbound_->try_send(asio::error_code(), std::move(item)); }

    /// Both channels are closed: this side reads no more, the other one reads what is left.
    void end() {
        {
            const std::lock_guard lock(mutex_);
            ended_ = true;
        }
        inbound_->close();
        outbound_->close();
    }

    std::shared_ptr<MemoryChannel> inbound_;
    std::shared_ptr<MemoryChannel> outbound_;
    Limits limits_;
    Credentials credentials_;
    std::mutex mutex_;
    bool ended_ = false;
};

/// Where the copies of one `MemoryConnector` meet.
class MemoryHub {
 public:
    using Arrivals = asio::experimental::concurrent_channel<void(asio::error_code, std::shared_ptr<Connection>)>;

    std::shared_ptr<Arrivals> open(const asio::any_io_executor& executor) {
        const std::lock_guard lock(mutex_);
        if (const auto earlier = arrivals_.lock(); earlier && earlier->is_open()) {
            throw std::system_error(asio::error::address_in_use, "a connector in memory has one server at a time");
        }
        auto arrivals = std::make_shared<Arrivals>(executor, unlimited);
        arrivals_ = arrivals;
        server_executor_ = executor;
        return arrivals;
    }

    std::shared_ptr<Connection> connect(const asio::any_io_executor& executor, const Limits& limits) {
        const std::lock_guard lock(mutex_);
        const auto arrivals = arrivals_.lock();
        if (!arrivals || !arrivals->is_open()) {
            throw std::system_error(asio::error::connection_refused, "nobody listens on this connector in memory");
        }
        auto to_server = std::make_shared<MemoryChannel>(asio::make_strand(server_executor_), unlimited);
        auto to_client = std::make_shared<MemoryChannel>(asio::make_strand(executor), unlimited);
        arrivals->try_send(asio::error_code(), std::make_shared<MemoryConnection>(to_server, to_client, limits));
        return std::make_shared<MemoryConnection>(to_client, to_server, limits);
    }

 private:
    std::mutex mutex_;
    std::weak_ptr<Arrivals> arrivals_;
    asio::any_io_executor server_executor_;
};

class MemoryListener final : public Listener {
 public:
    explicit MemoryListener(std::shared_ptr<MemoryHub::Arrivals> arrivals) : arrivals_(std::move(arrivals)) {}

    asio::awaitable<std::shared_ptr<Connection>> accept() override {
        auto [error, connection] = co_await arrivals_->async_receive(no_throw);
        if (error) {
            throw std::system_error(asio::error::operation_aborted);
        }
        co_return connection;
    }
    void close() override { arrivals_->close(); }
    std::string address() const override { return "memory"; }
    std::string state() const override {
        throw std::system_error(errc::invalid_state, "a connector in memory has none");
    }

 private:
    std::shared_ptr<MemoryHub::Arrivals> arrivals_;
};

}  // namespace detail

/// Connects entities of one process. Copies of a connector meet; two made separately do not. Messages are moved, not
/// framed. It has no state to dump: no other process can reach it.
class MemoryConnector {
 public:
    std::chrono::milliseconds first_retry() const noexcept { return std::chrono::milliseconds{10}; }

    MemoryConnector() : hub_(std::make_shared<detail::MemoryHub>()) {}

    std::string address() const { return "memory"; }
    std::string dump_state() const { throw std::system_error(errc::invalid_state, "a connector in memory has none"); }
    static MemoryConnector load_state(const std::string&) {
        throw std::system_error(errc::invalid_state, "a connector in memory has none");
    }

    asio::awaitable<std::shared_ptr<Connection>> connect(asio::any_io_executor executor, Limits limits) const {
        co_return hub_->connect(executor, limits);
    }
    asio::awaitable<std::shared_ptr<Listener>> listen(asio::any_io_executor executor, Limits) const {
        co_return std::make_shared<detail::MemoryListener>(hub_->open(executor));
    }

 private:
    std::shared_ptr<detail::MemoryHub> hub_;
};

}  // namespace communica
