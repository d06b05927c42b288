// What a handler's work comes to: the type and the body of an answer.
#pragma once

#include "../serializers/serializer.hpp"
#include "../wire/error_body.hpp"

#include <exception>
#include <utility>

namespace communica::peer {

/// What `Reply::set_value` throws.
struct UndumpableResult {
    std::exception_ptr cause;
};

/// What a handler throws whose value is loaded only when it runs, and does not load.
struct UnloadableValue {
    std::exception_ptr cause;
};

struct Reply {
    wire::MessageType type = wire::MessageType::ok;
    Buffer body = {};

    /// Throws `UndumpableResult`.
    template <class S, class Value>
    void set_value(const S& serializer, Value&& value) {
        try {
            serializer.dump(std::forward<Value>(value), body);
        } catch (...) {
            throw UndumpableResult{std::current_exception()};
        }
    }

    void set_error(const Error& error) {
        type = wire::error_type(error);
        body.clear();
        wire::write_error_body(body, error);
    }

    /// The request's value could not be loaded. Gives what it was.
    Error set_load_error(const std::exception_ptr& exception) {
        Error error = Error::of_serializer(exception);
        set_error(error);
        return error;
    }

    /// The handler threw, or `set_value`. Only the two errors that are meant for the requester keep their kind. Gives what
    /// it was.
    Error set_handler_error(const std::exception_ptr& exception) {
        try {
            std::rethrow_exception(exception);
        } catch (const UnloadableValue& e) {
            return set_load_error(e.cause);
        } catch (const UndumpableResult& e) {
            set_error(
                {.code = errc::responder_error, .message = "Response serialize error", .kind = Error::Kind::responder});
            return {.code = errc::serializer_error, .message = Error::from(e.cause).text()};
        } catch (...) {
            Error error = Error::from(exception).worded();
            if (error.kind == Error::Kind::requester || error.kind == Error::Kind::responder) {
                set_error(error);
            } else {
                set_error({.code = errc::unknown_error, .message = error.message, .kind = Error::Kind::unknown});
            }
            return error;
        }
    }
};

}  // namespace communica::peer
