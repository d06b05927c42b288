// The part of the handshake in which both sides compare their contracts (docs/protocol.md, "Contracts").
#pragma once

#include "../asio.hpp"
#include "../connection.hpp"
#include "../error.hpp"
#include "../wire/handshake.hpp"
#include "contract_exchange.hpp"
#include "hooks.hpp"

#include <memory>
#include <string>
#include <system_error>
#include <utility>

namespace communica::entities {

inline constexpr const char* contracts_differ = "the contracts differ: ";

/// Logs the differences. Returns the reason to refuse the peer, or no error.
inline Error log_differences(const ContractExchange& contract, const Hooks& hooks, const std::string& peer,
                             const ContractDifferences& found) {
    const std::string begin = peer + ": " + contracts_differ;
    std::string all;
    for (const std::string& sentence : found.breaking) {
        hooks.log(LogLevel::warning, [&] { return begin + sentence; });
        all.append(all.empty() ? contracts_differ : "; ").append(sentence);
    }
    for (const std::string& sentence : found.safe) {
        hooks.log(LogLevel::info, [&] { return begin + sentence; });
    }
    if (all.empty() || !contract.refuses()) {
        return {};
    }
    return {.code = errc::incompatible_contract, .message = std::move(all)};
}

/// The server's part, after the client's hello. Returns the reason to refuse the client, or no error.
inline asio::awaitable<Error> compare_with_client(std::shared_ptr<Connection> connection,
                                                  std::shared_ptr<const ContractExchange> contract,
                                                  const Hooks& hooks,  // NOLINT(*-reference-coroutine-parameters)
                                                  std::string hello, std::string id) {
    const std::string peer = "client \"" + id + '"';
    const auto of_client = wire::parse_hello(hello);
    std::string types = contract->types_for(of_client);
    if (types.empty()) {
        co_return Error();
    }
    co_await connection->write_hello(std::move(types));
    try {
        hello = co_await connection->read_hello();
    } catch (const std::system_error& e) {
        if (e.code() == errc::incompatible_contract) {
            hooks.log(LogLevel::warning, [&] { return peer + ": " + e.what(); });
        }
        throw;
    }
    const auto answer = wire::parse_hello(hello);
    co_return log_differences(*contract, hooks, peer, contract->compare(of_client, answer));
}

/// The client's part, after its hello. Returns the server's hello. Throws `errc::incompatible_contract` if one side
/// refuses the other.
inline asio::awaitable<std::string> compare_with_server(std::shared_ptr<Connection> connection,
                                                        std::shared_ptr<const ContractExchange> contract,
                                                        const Hooks& hooks,  // NOLINT(*-reference-coroutine-parameters)
                                                        std::string peer) {
    std::string hello = co_await connection->read_hello();
    std::string answer;
    Error refusal;
    {
        const auto message = wire::parse_hello(hello);
        if (!contract->is_in(message)) {
            co_return hello;
        }
        refusal = log_differences(*contract, hooks, peer, contract->compare(message, message));
        answer = contract->types_for(message);
    }
    if (refusal.code) {
        co_await connection->refuse(refusal);
        throw MessageError(refusal.code, refusal.message, {});
    }
    if (answer.empty()) {
        answer = "{}";
    }
    co_await connection->write_hello(std::move(answer));
    co_return co_await connection->read_hello();
}

}  // namespace communica::entities
