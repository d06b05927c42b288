// Any bytes in the handshake of a connection with a shared key, on either side: who has not shown the key does not get in.
#include "fuzz.hpp"

#include <communica/connectors/detail/keyed_connection.hpp>

#include <asio/io_context.hpp>

#include <string>
#include <vector>

namespace {

using namespace communica;

const SharedKey& key() {
    static const SharedKey shared("0123456789abcdef");
    return shared;
}
constexpr std::string_view binding = "here";
constexpr std::string_view wanted_proof = "{the proof that somebody with the key would show at this place}!";
static_assert(wanted_proof.size() == wire::challenge_digits);

/// Hears what the input says, one hello after the other. Where a proof is wanted in one, it is filled in.
class Said final : public Connection {
 public:
    Said(asio::any_io_executor executor, std::string_view input, std::string_view other_side)
        : executor_(std::move(executor)), left_(input), other_side_(other_side) {}

    asio::awaitable<std::string> read_hello() override {
        const std::size_t end = left_.find('\0');
        if (end == left_.npos) {
            throw std::system_error(errc::handshake_failed, "the end");
        }
        std::string hello(left_.substr(0, end));
        left_.remove_prefix(end + 1);
        if (const auto at = hello.find(wanted_proof); at != hello.npos) {
            hello.replace(at, wanted_proof.size(), right_proof(hello));
            proven = true;
        }
        heard_.push_back(hello);
        co_return hello;
    }
    asio::awaitable<void> write_hello(std::string json) override {
        written_.push_back(std::move(json));
        co_return;
    }
    asio::awaitable<void> refuse(Error why) override {
        fuzz::require(why.code == errc::authentication_failed, "says that it is the authentication");
        refused = true;
        co_return;
    }

    asio::any_io_executor get_executor() const override { return executor_; }
    const Credentials& credentials() const override { return credentials_; }
    std::string binding() const override { return std::string(::binding); }
    void start(std::shared_ptr<Receiver>) override {}
    bool send(SendClass, std::string_view, Buffer&) override { return false; }
    std::size_t unread_answers() const override { return 0; }
    std::vector<UnsentMessage> take_unsent() override { return {}; }
    void close(std::chrono::steady_clock::duration) override {}
    void abort() override {}

    bool proven = false;
    bool refused = false;

 private:
    /// What the one at the other end would show if it had the key; a server, in the hello that has its nonce.
    std::string right_proof(const std::string& hello) const {
        const auto& clients = other_side_ == "client" ? heard_ : written_;
        const auto& challenge = other_side_ == "client" && !written_.empty() ? written_.front() : hello;
        const auto nonce = wire::nonce_in(nlohmann::json::parse(challenge, nullptr, false));
        return detail::proof(key(), other_side_, ::binding, clients.empty() ? "" : clients.front(), nonce.value_or(""));
    }

    asio::any_io_executor executor_;
    std::string_view left_;
    std::string_view other_side_;
    std::vector<std::string> heard_;
    std::vector<std::string> written_;
    Credentials credentials_;
};

void greet(std::string_view input, detail::KeyedConnection::Side side) {
    const bool is_client = side == detail::KeyedConnection::Side::client;
    asio::io_context context;
    const auto said = std::make_shared<Said>(context.get_executor(), input, is_client ? "server" : "client");
    detail::KeyedConnection connection(said, key(), side);
    bool let_in = false;
    bool ended = false;
    const auto greeting = [&]() -> asio::awaitable<void> {
        if (is_client) {
            co_await connection.write_hello(R"({"client_id": "cafe", "communica": {}})");
        }
        const std::string hello = co_await connection.read_hello();
        fuzz::require(is_client || nlohmann::json::accept(hello), "a server gets a client's hello");
        let_in = true;
    };
    asio::co_spawn(context, greeting(), [&](std::exception_ptr failure) {
        ended = true;
        const Error error = failure ? Error::from(failure) : Error{};
        fuzz::require(!failure || error.code == errc::authentication_failed || error.code == errc::handshake_failed,
                      "fails as handshakes do");
    });
    context.run();
    fuzz::require(ended, "ends");
    fuzz::require(!let_in || said->proven, "nobody gets in without the key");
    fuzz::require(!let_in || !said->refused, "who is let in is not refused");
}

}  // namespace

void fuzz_one(std::string_view input) {
    const bool is_client = fuzz::take_byte(input) % 2 == 0;
    greet(input, is_client ? detail::KeyedConnection::Side::client : detail::KeyedConnection::Side::server);
}
