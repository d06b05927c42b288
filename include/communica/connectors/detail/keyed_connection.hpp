// A connection whose sides first prove to each other that they share a key (docs/protocol.md, "Shared key").
#pragma once

#include "../../connection.hpp"
#include "../../wire/handshake.hpp"
#include "../../wire/keyed_hello.hpp"
#include "proof.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace communica::detail {

/// Wraps any connection and adds an exchange to its handshake. Afterwards it only forwards.
class KeyedConnection final : public Connection {
 public:
    enum class Side { client, server };

    KeyedConnection(std::shared_ptr<Connection> inner, SharedKey key, Side side)
        : inner_(std::move(inner)), key_(std::move(key)), side_(side) {}

    asio::awaitable<void> write_hello(std::string json) override {
        if (side_ == Side::client && hello_.empty()) {
            hello_ = wire::with_nonce(json, random_nonce());
            return inner_->write_hello(hello_);
        }
        return inner_->write_hello(std::move(json));
    }
    bool has_one_reader() const override { return inner_->has_one_reader(); }
    asio::awaitable<std::string> read_hello() override {
        if (std::exchange(proves_, true)) {
            return inner_->read_hello();
        }
        return side_ == Side::client ? challenged() : challenge();
    }

    asio::any_io_executor get_executor() const override { return inner_->get_executor(); }
    const Credentials& credentials() const override { return inner_->credentials(); }
    std::string binding() const override { return inner_->binding(); }
    asio::awaitable<void> refuse(Error why) override { return inner_->refuse(std::move(why)); }
    void start(std::shared_ptr<Receiver> receiver) override { inner_->start(std::move(receiver)); }
    bool send(SendClass send_class, std::string_view metadata, Buffer& body) override {
        return inner_->send(send_class, metadata, body);
    }
    Buffer lend(std::size_t size) override { return inner_->lend(size); }
    std::size_t unread_answers() const override { return inner_->unread_answers(); }
    std::size_t unwritten_requests() const override { return inner_->unwritten_requests(); }
    bool passes_descriptors() const override { return inner_->passes_descriptors(); }
    bool has_undelivered() override { return inner_->has_undelivered(); }
    void start_pings() override { inner_->start_pings(); }
    std::vector<UnsentMessage> take_unsent() override { return inner_->take_unsent(); }
    void close(std::chrono::steady_clock::duration patience) override { inner_->close(patience); }
    void abort() override { inner_->abort(); }

 private:
    /// The client's part. Returns the hello of a server that has proved the key.
    asio::awaitable<std::string> challenged() {
        const auto challenge = wire::parse_hello(co_await inner_->read_hello());
        const auto nonce = wire::nonce_in(challenge);
        const auto shown = wire::proof_in(challenge);
        if (!nonce || !shown) {
            fail("the server has no shared key");
        }
        if (!is_same_proof(*shown, proof_of("server", *nonce))) {
            co_await tell(another_key);
            fail(another_key);
        }
        co_await inner_->write_hello(wire::write_proof(proof_of("client", *nonce)));
        co_return co_await inner_->read_hello();
    }

    /// The server's part. Returns the hello of a client that has proved the key.
    asio::awaitable<std::string> challenge() {
        hello_ = co_await inner_->read_hello();
        const auto hello = parsed(hello_);
        if (!wire::nonce_in(hello)) {
            co_await tell("this server wants a shared key");
            fail("the client has no shared key");
        }
        const std::string nonce = random_nonce();
        co_await inner_->write_hello(wire::write_challenge(nonce, proof_of("server", nonce)));
        const auto shown = wire::proof_in(parsed(co_await inner_->read_hello()));
        if (!shown || !is_same_proof(*shown, proof_of("client", nonce))) {
            co_await tell(another_key);
            fail(another_key);
        }
        co_return wire::without_nonce(hello);
    }

    /// Null if it can't be parsed. Such a client is refused like one without a key.
    static OwnedJson parsed(const std::string& hello) {
        try {
            return wire::parse_hello(hello);
        } catch (const std::system_error&) {
            return OwnedJson();
        }
    }

    std::string proof_of(std::string_view side, std::string_view nonce) const {
        return proof(key_, side, inner_->binding(), hello_, nonce);
    }

    /// Not a coroutine: GCC 12 destroys an aggregate in a co_await expression twice.
    asio::awaitable<void> tell(const char* why) { return inner_->refuse({errc::authentication_failed, why}); }

    [[noreturn]] static void fail(const char* why) { throw std::system_error(errc::authentication_failed, why); }

    static constexpr const char* another_key = "the other side has another key";

    std::shared_ptr<Connection> inner_;
    SharedKey key_;
    Side side_;
    std::string hello_;    // the client's, as sent
    bool proves_ = false;  // the proofs are exchanged, or were
};

}  // namespace communica::detail
