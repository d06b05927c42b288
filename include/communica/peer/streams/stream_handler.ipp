#pragma once

#include "../../plain_text.hpp"
#include "../../serializers/codec/allowance.hpp"
#include "stream_handler.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace communica::peer {

COMMUNICA_INLINE void StreamHandler::handle(const Incoming& incoming) const {
    const auto refuse = [&](const Error& error) {
        Reply reply;
        reply.set_error(error);
        report(incoming, error);
        answer(incoming, reply, SendClass::rejection);
    };
    Peer& peer = *incoming.peer;
    if (const auto refusal = peer.streams().refusal()) {
        return refuse(*refusal);
    }
    if (incoming.metadata.id.empty() || !base::is_plain(incoming.metadata.id)) {  // written into messages as it is
        return refuse({.code = errc::requester_error,
                       .message = "The id of a stream is a text of plain ASCII",
                       .kind = Error::Kind::requester});
    }
    const auto credit = wire::StreamCredit::load(as_text(incoming.body));
    const auto end = std::make_shared<StreamEnd>(StreamEnd::Role::accepter, reads_);
    std::unique_ptr<ServedStream> served;
    const codec::Allowance allowance(peer.max_loaded());
    auto metadata = incoming.metadata;
    metadata.type = wire::MessageType::notification;  // no answer for `call` itself: the stream has its own
    const auto call = peer.responder().begin(incoming.connection, metadata, incoming.body.size(), this).call;
    if (!call) {
        return;
    }
    Reply reply;
    try {
        served = load(called(incoming, call), end, incoming.body.subspan(wire::StreamCredit::size));
        if (const auto refusal = peer.responder().refusal(*incoming.connection, allowance.used())) {
            served.reset();
            refuse(*refusal);
        }
    } catch (...) {
        refuse_value(incoming, reply, std::current_exception());
        answer(incoming, reply);
    }
    if (!served) {
        return peer.responder().finish(*call, reply);
    }
    try {
        begin(incoming, end, call, credit, std::move(served));
    } catch (...) {
        end->cancel(Error::from(std::current_exception()));
        peer.responder().finish(*call, reply);
        throw;
    }
}

COMMUNICA_INLINE void StreamHandler::begin(const Incoming& incoming, const std::shared_ptr<StreamEnd>& end,
                                           const std::shared_ptr<InflightCall>& call, wire::StreamCredit credit,
                                           std::unique_ptr<ServedStream> served) {
    const auto given = incoming.peer->streams().begin(end, incoming.connection, incoming.metadata.id);
    Reply reply;
    end->set_call(call);
    given.store(reply.body.extend(wire::StreamCredit::size));
    answer(incoming, reply);
    end->accept(credit);
    incoming.peer->streams().set_deadlines(*end);
    auto coroutine = ServedStream::serve(call, std::move(served));
    start_worker(call, std::move(coroutine));
}

COMMUNICA_INLINE asio::awaitable<void> ServedStream::serve(std::shared_ptr<InflightCall> call,
                                                           std::unique_ptr<ServedStream> self) {
    const auto peer = self->peer();
    const auto end = self->end_;
    std::unique_ptr<Reply> reply;
    std::exception_ptr exception;
    try {
        if (peer->handlers().interceptor()) {
            reply = std::make_unique<Reply>();
            co_await self->intercept(*reply);
        } else {
            co_await self->call(reply);
        }
    } catch (...) {
        exception = std::current_exception();
    }
    self.reset();
    finish_items(*call, *peer, *end, std::move(reply), exception);
    co_await asio::this_coro::reset_cancellation_state();
    co_await asio::this_coro::throw_if_cancelled(false);
    while (!end->is_flushed()) {
        co_await end->async_wait(StreamEnd::For::flush);
    }
    finish_call(*call, *peer);
}

// NOLINTNEXTLINE(*-reference-coroutine-parameters): the interceptor's coroutine owns the reply and awaits this
COMMUNICA_INLINE asio::awaitable<void> ServedStream::call(Reply& reply) {
    std::unique_ptr<Reply> made;
    co_await call(made);
    if (made) {
        reply = std::move(*made);
    }
}

COMMUNICA_INLINE void ServedStream::finish_items(const InflightCall& call, const Peer& peer, StreamEnd& end,
                                                 std::unique_ptr<Reply> reply, const std::exception_ptr& exception) {
    if (!reply) {
        reply = std::make_unique<Reply>();
    }
    if (exception) {
        reply->body.clear();
        const Error error = reply->set_handler_error(exception);
        if (!call.is_cancelled()) {
            peer.handlers().report({call.route(), error, Failure::What::stream});
        }
    }
    end.finish(std::move(*reply));
}

COMMUNICA_INLINE void ServedStream::finish_call(InflightCall& call, const Peer& peer) {
    Reply nothing;
    peer.responder().finish(call, nothing);
}

}  // namespace communica::peer
