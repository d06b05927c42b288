// Opens a stream: a request that the peer answers when it accepts the stream.
#pragma once

#include "../../wire/stream_body.hpp"
#include "../ask.hpp"
#include "shape.hpp"
#include "stream_end.hpp"

#include <cstddef>
#include <exception>
#include <memory>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace communica::peer {

/// Takes the place of a serializer: makes the handle of an accepted stream. A stream that was not accepted is cancelled
/// when the last copy of this is destroyed.
template <class Shape, class S>
class StreamOpening {
 public:
    StreamOpening(std::shared_ptr<StreamEnd> end, S serializer)
        : opening_(std::make_shared<Opening>(std::move(end))), serializer_(std::move(serializer)) {}

    template <class T>
    T load(Bytes answer) const {
        const std::size_t max_loaded = codec::Allowance::mark();  // the most that a message of this entity may allocate
        const auto credit = wire::StreamCredit::load(as_text(answer));
        const auto end = std::move(opening_->end);
        if constexpr (!std::is_void_v<typename Shape::In>) {
            if (credit.bytes == 0) {
                const Error error{.code = errc::requester_error,
                                  .message = "the handler at the other side takes no items",
                                  .kind = Error::Kind::requester};
                end->cancel(error);
                std::rethrow_exception(error.to_exception());
            }
        }
        end->accept(credit);
        if constexpr (std::is_void_v<typename Shape::In>) {
            return StreamAccess::reader<typename Shape::Out>(end, serializer_, max_loaded);
        } else if constexpr (std::is_void_v<typename Shape::Out>) {
            return StreamAccess::upload<typename Shape::In, typename Shape::Result>(end, serializer_, max_loaded);
        } else {
            return StreamAccess::duplex<typename Shape::Out, typename Shape::In>(end, serializer_, max_loaded);
        }
    }

 private:
    struct Opening {
        explicit Opening(std::shared_ptr<StreamEnd> e) : end(std::move(e)) {}
        Opening(const Opening&) = delete;
        Opening& operator=(const Opening&) = delete;
        ~Opening() {  // NOLINT(bugprone-exception-escape): out of memory terminates
            if (end) {
                end->cancel({.code = errc::closed,
                             .message = "the stream is not wanted any more",
                             .kind = Error::Kind::requester});
            }
        }
        std::shared_ptr<StreamEnd> end;
    };

    std::shared_ptr<Opening> opening_;
    [[no_unique_address]] S serializer_;
};

/// Serialises `value` at once, behind space for the credit, which is known when the request is sent.
template <class Shape, class S, class Value, class Token>
auto open(RequestTarget target, const S& serializer, std::string_view route, bool with_route, const Value& value,
          const RequestOptions& options, Token&& token) {
    using Opened = Handle<Shape>;
    auto end = std::make_shared<StreamEnd>(StreamEnd::Role::opener, !std::is_void_v<typename Shape::Out>);
    PreparedPtr request = prepare_message(std::move(target), wire::MessageType::open, route, with_route, options);
    request->outgoing.idempotent = false;
    request->outgoing.stream = end;
    request->outgoing.body.extend(wire::StreamCredit::size);
    dump_into(*request, serializer, value);
    using Outcome = typename CompletionFor<ExceptionCompletion, Opened, Token>::type;
    return asio::async_initiate<Token, typename Outcome::Signature>(
        InitiateRequest<Opened, Outcome, StreamOpening<Shape, S>>{}, token, std::move(request),
        StreamOpening<Shape, S>(std::move(end), serializer));
}

/// The first arguments, as many as the signature has, are the values. Options and a token may follow.
template <class Shape, class S, class... Given>
auto open_with(RequestTarget target, const S& serializer, std::string_view route, bool with_route, Given&&... given) {
    static_assert(Shape::is_one, "communica: this signature has no stream: use request");
    const auto open_value = [&](const auto& value, const RequestOptions& options, auto&& token) {
        return open<Shape>(std::move(target), serializer, route, with_route, value, options,
                           std::forward<decltype(token)>(token));
    };
    return [&]<class... V>(std::type_identity<std::tuple<V...>>) {
        return ask_with_values<S, V...>(
            [&](const auto& values, const RequestOptions& options, auto&& token) {
                using Token = decltype(token);
                if constexpr (sizeof...(V) == 0) {
                    return open_value(Nothing{}, options, std::forward<Token>(token));
                } else if constexpr (sizeof...(V) == 1) {
                    return open_value(std::get<0>(values), options, std::forward<Token>(token));
                } else {
                    return open_value(values, options, std::forward<Token>(token));
                }
            },
            std::forward<Given>(given)...);
    }(std::type_identity<typename Shape::Values>());
}

}  // namespace communica::peer
