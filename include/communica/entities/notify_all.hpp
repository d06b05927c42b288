// Sends one notification to many peers.
#pragma once

#include "../peer/peer.hpp"
#include "../peer/requests.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace communica::peer {

/// Serialises a value once and sends it to each connected peer.
/// Completes with: `void(std::exception_ptr, std::size_t)`, the number of these peers.
/// Executor: the token's, by default `executor`.
/// Errors: `SerializerError`.
template <class S, class V, class Token>
auto notify_all(std::vector<std::shared_ptr<Peer>> peers, asio::any_io_executor executor, const S& serializer,
                const std::optional<std::string_view>& route, const V& value, Token&& token) {
    static_assert(codec::MustDump<S, V>::value, "communica: not a type to send");
    Buffer body;
    std::string quoted_route;
    std::optional<Error> failure;
    try {
        quoted_route = route ? wire::quote_json(*route) : std::string();
        if constexpr (Dumps<S, V>) {
            serializer.dump(value, body);
        }
    } catch (...) {
        failure = Error::of_serializer(std::current_exception());
    }
    using Outcome = typename CompletionFor<ExceptionCompletion, std::size_t, Token>::type;
    return asio::async_initiate<Token, typename Outcome::Signature>(
        [](auto handler, const std::vector<std::shared_ptr<Peer>>& to, asio::any_io_executor inner,
           const std::string& named, Buffer bytes, const std::optional<Error>& failed) {
            std::size_t count = 0;
            for (const auto& peer : to) {
                count += !failed && peer->requester()->notify_now(named, bytes) ? 1 : 0;
            }
            const auto on = asio::get_associated_executor(handler, inner);
            asio::post(on,
                       [handler = std::move(handler), outcome = failed ? Outcome(*failed) : Outcome(count)]() mutable {
                           outcome.give_to(std::move(handler));
                       });
        },
        token, std::move(peers), std::move(executor), std::move(quoted_route), std::move(body), std::move(failure));
}

}  // namespace communica::peer
