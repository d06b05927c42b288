#pragma once

#include "../asio/channels.hpp"
#include "../lock_order.hpp"
#include "../wire/handshake.hpp"
#include "memory.hpp"

#include <array>
#include <atomic>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace communica {

namespace detail {

/// A text during the handshake, a message after it.
struct MemoryItem {
    enum class Kind { hello, refusal, message, goodbye, end };
    Kind kind = Kind::message;
    std::string text = {};
    Buffer body = {};
    SendClass send_class = SendClass::request;

    std::size_t size() const noexcept { return text.size() + body.size(); }
};

inline constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

/// One direction between two ends. The channel itself is unbounded; `put` counts and limits the queued bytes.
class MemoryPipe {
 public:
    using Channel = asio::experimental::concurrent_channel<void(asio::error_code, MemoryItem)>;

    explicit MemoryPipe(const asio::any_io_executor& reader) : channel_(reader, unlimited) {}

    asio::any_io_executor get_executor() { return channel_.get_executor(); }
    /// The reader reads no more.
    void close() {
        const std::lock_guard lock(mutex_);
        ended_ = true;
        channel_.close();
    }
    /// The writer writes no more. The reader still reads what is queued, which it could not in a channel that Asio 1.22
    /// has closed.
    void end() noexcept {
        const std::lock_guard lock(mutex_);
        if (std::exchange(ended_, true)) {
            return;
        }
        try {
            channel_.try_send(asio::error_code(), MemoryItem{.kind = MemoryItem::Kind::end});
        } catch (...) {  // out of memory
            channel_.close();
        }
    }
    /// The writer is gone, perhaps with the execution context, in which a channel takes no item any more. What is queued
    /// is lost, unless `end` was called before.
    void abandon() noexcept {
        const std::lock_guard lock(mutex_);
        if (!std::exchange(ended_, true)) {
            channel_.close();
        }
    }
    auto async_receive() { return channel_.async_receive(no_throw); }

    std::size_t size(SendClass send_class) const {
        const std::lock_guard lock(mutex_);
        return bytes_[static_cast<std::size_t>(send_class)];
    }

    /// Takes the body, or returns false.
    bool put(MemoryItem::Kind kind, SendClass send_class, std::string_view text, Buffer& body) {
        const std::lock_guard lock(mutex_);
        const SendClass counted = counted_as(send_class);
        std::size_t& bytes = bytes_[static_cast<std::size_t>(counted)];
        if (!room_.admits(send_class, bytes, text.size() + body.size()) || ended_) {
            return false;
        }
        bytes += text.size() + body.size();
        return channel_.try_send(asio::error_code(), MemoryItem{kind, std::string(text), std::move(body), counted});
    }
    bool put(MemoryItem::Kind kind, std::string_view text) {
        Buffer nothing;
        return put(kind, SendClass::response, text, nothing);
    }

    /// An item was handled. Says whether the other end waited for room.
    bool done(SendClass send_class, std::size_t size) {
        const std::lock_guard lock(mutex_);
        bytes_[static_cast<std::size_t>(send_class)] -= size;
        return room_.is_back(bytes_[static_cast<std::size_t>(SendClass::request)],
                             bytes_[static_cast<std::size_t>(SendClass::stream)]);
    }

 private:
    Channel channel_;
    mutable base::OrderedMutex<base::LockOrder::connection> mutex_;
    std::array<std::size_t, send_classes> bytes_{};
    Room room_;
    bool ended_ = false;
};

/// One end: reads from its own pipe and writes to that of the other end.
class MemoryConnection final : public Connection, public std::enable_shared_from_this<MemoryConnection> {
 public:
    MemoryConnection(std::shared_ptr<MemoryPipe> inbound, std::shared_ptr<MemoryPipe> outbound,
                     const ConnectionOptions& options)
        : inbound_(std::move(inbound)),
          outbound_(std::move(outbound)),
          limits_(options.limits),
          counters_(options.counters) {}
    ~MemoryConnection() override { end(); }

    /// Each end refers to the other, to tell it of room.
    static void join(const std::shared_ptr<MemoryConnection>& one, const std::shared_ptr<MemoryConnection>& other) {
        one->other_end_ = other;
        other->other_end_ = one;
    }

    asio::any_io_executor get_executor() const override { return inbound_->get_executor(); }
    const Credentials& credentials() const override { return credentials_; }
    std::string binding() const override { return "memory"; }

    asio::awaitable<std::string> read_hello() override {
        auto [error, item] = co_await inbound_->async_receive();
        if (error || item.kind == MemoryItem::Kind::end) {
            throw std::system_error(errc::handshake_failed, "the other end was closed");
        }
        if (const auto refusal = wire::read_refusal(item.text)) {
            throw std::system_error(refusal->code, "refused: " + refusal->message);
        }
        co_return std::move(item.text);
    }

    asio::awaitable<void> write_hello(std::string json) override {
        outbound_->put(MemoryItem::Kind::hello, json);
        co_return;
    }

    asio::awaitable<void> refuse(Error why) override {
        outbound_->put(MemoryItem::Kind::refusal, wire::frame_refusal(why.message, why.code));
        end();
        co_return;
    }

    void start(std::shared_ptr<Receiver> receiver) override {
        receiver_ = receiver.get();
        start_coroutine(get_executor(), read(), std::move(receiver));
    }

    bool send(SendClass send_class, std::string_view metadata, Buffer& body) override {
        {
            const std::lock_guard lock(mutex_);
            if (ended_) {
                return false;
            }
            const std::size_t size = metadata.size() + body.size();
            if (!outbound_->put(MemoryItem::Kind::message, send_class, metadata, body)) {
                return false;
            }
            if (counters_) {
                Counters::add(counters_->bytes_sent, size);
            }
        }
        if (send_class == SendClass::rejection && outbound_->size(send_class) > limits_.max_refusals) {
            end();  // the peer does not read its refusals
        }
        return true;
    }
    bool has_undelivered() override { return receiver_ != nullptr && inbound_->size(SendClass::request) != 0; }
    std::size_t unread_answers() const override { return outbound_->size(SendClass::response); }
    std::size_t unwritten_requests() const override { return outbound_->size(SendClass::request); }

    std::vector<UnsentMessage> take_unsent() override {
        end();
        return {};  // messages in the pipe count as delivered
    }

    void close(std::chrono::steady_clock::duration) override {
        // Posted, so that the response of the running handler is still sent.
        asio::post(get_executor(), base::Task([self = shared_from_this()] {
                       self->closing_ = true;
                       self->outbound_->put(MemoryItem::Kind::goodbye, {});
                       self->end();
                   }));
    }
    void abort() override {
        aborted_ = true;
        abandon();
    }

 private:
    asio::awaitable<Error> read() {
        const auto stop = [](MemoryConnection* connection) {
            connection->receiver_ = nullptr;
            connection->abandon();
        };
        // Also when the receiver throws, or the coroutine is destroyed.
        const std::unique_ptr<MemoryConnection, decltype(stop)> reading(this, stop);
        Error ending{errc::connection_lost};
        for (;;) {
            auto [error, item] = co_await inbound_->async_receive();
            if (error || item.kind == MemoryItem::Kind::end || aborted_) {
                if (closing_ || aborted_) {
                    ending = {errc::closed};
                }
                break;
            }
            if (item.kind != MemoryItem::Kind::message) {
                ending = {errc::closed};
                break;
            }
            const std::size_t size = item.size();
            if (counters_) {
                Counters::add(counters_->bytes_received, size);
            }
            if (size > limits_.max_message) {
                receiver_->on_discarded(item.text, errc::message_too_large);
            } else {
                const ReceiverTurn turn(*receiver_);
                receiver_->on_message({item.text, item.body.bytes()});
            }
            if (inbound_->done(item.send_class, size)) {
                tell_of_room();
            }
        }
        end();
        co_return ending;
    }

    void tell_of_room() {
        if (const auto other = other_end_.lock()) {
            asio::post(other->get_executor(), base::Task([other] {
                           if (other->receiver_ != nullptr) {
                               other->receiver_->on_room();
                           }
                       }));
        }
    }

    /// Ends both pipes: this side reads no more, the other end still reads what is queued.
    void end() {
        stop_reading();
        outbound_->end();
    }
    void abandon() {
        stop_reading();
        outbound_->abandon();
    }
    void stop_reading() {
        {
            const std::lock_guard lock(mutex_);
            ended_ = true;
        }
        inbound_->close();
    }

    std::shared_ptr<MemoryPipe> inbound_;
    std::shared_ptr<MemoryPipe> outbound_;
    std::weak_ptr<MemoryConnection> other_end_;
    Receiver* receiver_ = nullptr;  // while reading; on the executor
    bool closing_ = false;          // this side has said goodbye; on the executor
    Limits limits_;
    std::shared_ptr<Counters> counters_;
    Credentials credentials_{.is_own = true};
    std::atomic<bool> aborted_ = false;
    std::mutex mutex_;
    bool ended_ = false;
};

/// Connects the copies of one `MemoryConnector`.
class MemoryHub {
 public:
    using Arrivals = asio::experimental::concurrent_channel<void(asio::error_code, std::shared_ptr<Connection>)>;

    std::shared_ptr<Arrivals> open(const asio::any_io_executor& executor, const ConnectionOptions& options) {
        const std::lock_guard lock(mutex_);
        if (const auto earlier = arrivals_.lock(); earlier && earlier->is_open()) {
            throw std::system_error(make_error_code(asio::error::address_in_use),
                                    "a connector in memory has one server at a time");
        }
        auto arrivals = std::make_shared<Arrivals>(executor, unlimited);
        arrivals_ = arrivals;
        server_executor_ = executor;
        server_options_ = options;
        return arrivals;
    }

    std::shared_ptr<Connection> connect(const asio::any_io_executor& executor, const ConnectionOptions& options) {
        const std::lock_guard lock(mutex_);
        const auto arrivals = arrivals_.lock();
        if (!arrivals || !arrivals->is_open()) {
            throw std::system_error(make_error_code(asio::error::connection_refused),
                                    "nobody listens on this connector in memory");
        }
        auto to_server = std::make_shared<MemoryPipe>(base::make_strand_on(server_executor_));
        auto to_client = std::make_shared<MemoryPipe>(base::make_strand_on(executor));
        auto at_server = std::make_shared<MemoryConnection>(to_server, to_client, server_options_);
        auto at_client = std::make_shared<MemoryConnection>(to_client, to_server, options);
        MemoryConnection::join(at_server, at_client);
        arrivals->try_send(asio::error_code(), std::move(at_server));
        return at_client;
    }

 private:
    std::mutex mutex_;
    std::weak_ptr<Arrivals> arrivals_;
    asio::any_io_executor server_executor_;
    ConnectionOptions server_options_;
};

class MemoryListener final : public Listener {
 public:
    explicit MemoryListener(std::shared_ptr<MemoryHub::Arrivals> arrivals) : arrivals_(std::move(arrivals)) {}

    asio::awaitable<std::shared_ptr<Connection>> accept() override {
        auto [error, connection] = co_await arrivals_->async_receive(no_throw);
        if (error) {
            throw std::system_error(make_error_code(asio::error::operation_aborted));
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

COMMUNICA_INLINE MemoryConnector::MemoryConnector() : hub_(std::make_shared<detail::MemoryHub>()) {}

COMMUNICA_INLINE std::string MemoryConnector::dump_state() const {
    throw std::system_error(errc::invalid_state, "a connector in memory has none");
}

COMMUNICA_INLINE MemoryConnector MemoryConnector::load_state(const std::string&) {
    throw std::system_error(errc::invalid_state, "a connector in memory has none");
}

COMMUNICA_INLINE asio::awaitable<std::shared_ptr<Connection>> MemoryConnector::connect(
    asio::any_io_executor executor, ConnectionOptions options) const {
    co_return hub_->connect(executor, options);
}

COMMUNICA_INLINE asio::awaitable<std::shared_ptr<Listener>> MemoryConnector::listen(asio::any_io_executor executor,
                                                                                    ConnectionOptions options) const {
    co_return std::make_shared<detail::MemoryListener>(hub_->open(executor, options));
}

}  // namespace communica
