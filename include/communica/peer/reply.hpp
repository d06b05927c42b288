// What a handler's work comes to: the type and the body of an answer.
#pragma once

#include "../buffer.hpp"
#include "../error.hpp"
#include "../separate_compilation.hpp"
#include "../wire/metadata.hpp"

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

/// What is answered where the entity's budget is used up.
inline Error over_budget() {
    return {.code = errc::busy,
            .message = "too many bytes held for all requesters together",
            .status = 503,
            .kind = Error::Kind::responder};
}

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

    void set_error(const Error& error);

    /// The request's value could not be loaded. Gives what it was.
    Error set_load_error(const std::exception_ptr& exception);

    /// The handler threw, or `set_value`. Only the two errors that are meant for the requester keep their kind. Gives what
    /// it was.
    Error set_handler_error(const std::exception_ptr& exception);
};

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "reply.ipp"
#endif
