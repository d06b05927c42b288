// The type and the body of an answer.
#pragma once

#include "../budget.hpp"
#include "../buffer.hpp"
#include "../connection.hpp"
#include "../error.hpp"
#include "../separate_compilation.hpp"
#include "../wire/metadata.hpp"
#include "route_description.hpp"

#include <cstddef>
#include <exception>
#include <memory>
#include <utility>

namespace communica::peer {

/// Thrown by `Reply::set_value`.
struct UndumpableResult {
    std::exception_ptr cause;
};

/// Thrown by a handler that loads its value when it runs, if the value does not load.
struct UnloadableValue {
    std::exception_ptr cause;
};

/// The answer to a request while the entity's budget is used up.
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

    /// Replaces an answer by an error if its descriptors are more than the requester accepts, or over the budget of
    /// those that are kept until a requester takes them.
    void limit_descriptors(std::size_t most, const std::shared_ptr<base::AttachmentShare>& share);

    /// Answers that the request's value could not be loaded. Returns the error, which names the value of several.
    Error set_load_error(const std::exception_ptr& exception, ValueNames names = {});

    /// Answers the exception of the handler or of `set_value`. Only `RequesterError` and `ResponderError` keep their
    /// kind. Returns the error.
    Error set_handler_error(const std::exception_ptr& exception, ValueNames names = {});
};

/// The same for an answer that an earlier connection has returned: the next one may accept fewer. Returns `answer`.
UnsentMessage& limit_descriptors(UnsentMessage& answer, std::size_t most,
                                 const std::shared_ptr<base::AttachmentShare>& share);

}  // namespace communica::peer

#if !defined(COMMUNICA_SEPARATE_COMPILATION)
#include "reply.ipp"
#endif
