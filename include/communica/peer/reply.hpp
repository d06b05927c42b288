// What a handler's work comes to: the type and the body of an answer.
#pragma once

#include "../serializers/serializer.hpp"
#include "../wire/error_body.hpp"

#include <exception>
#include <memory>
#include <utility>

namespace communica::peer {

struct Reply {
    wire::MessageType type = wire::MessageType::ok;
    Buffer body = {};
    std::unique_ptr<const Error> cause = {};  ///< what the handler, or the serializer, threw

    template <class S, class Value>
    void set_value(const S& serializer, Value&& value) {
        try {
            serializer.dump(std::forward<Value>(value), body);
        } catch (...) {
            cause = std::make_unique<const Error>(Error::from(std::current_exception()));
            set_error(
                {.code = errc::responder_error, .message = "Response serialize error", .kind = Error::Kind::responder});
        }
    }

    void set_error(const Error& error) {
        type = wire::error_type(error);
        body.clear();
        wire::write_error_body(body, error);
    }

    /// The request's value could not be loaded.
    void set_load_error(const std::exception_ptr& exception) {
        cause = std::make_unique<const Error>(Error{
            .code = errc::serializer_error, .message = Error::from(exception).text(), .kind = Error::Kind::serializer});
        set_error(*cause);
    }

    /// The handler threw. Only the two errors that are meant for the requester keep their kind.
    void set_handler_error(const std::exception_ptr& exception) {
        Error error = Error::from(exception);
        cause = std::make_unique<const Error>(error.worded());
        if (error.kind != Error::Kind::requester && error.kind != Error::Kind::responder) {
            error = {.code = errc::unknown_error, .message = std::move(error.message), .kind = Error::Kind::unknown};
        }
        set_error(error);
    }
};

}  // namespace communica::peer
