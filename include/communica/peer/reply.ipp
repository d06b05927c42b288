#pragma once

#include "../wire/error_body.hpp"
#include "reply.hpp"

namespace communica::peer {

COMMUNICA_INLINE void Reply::set_error(const Error& error) {
    type = wire::error_type(error);
    body.release();  // with the descriptors of a result
    wire::write_error_body(body, error);
}

COMMUNICA_INLINE Error Reply::set_load_error(const std::exception_ptr& exception) {
    Error error = Error::of_serializer(exception);
    set_error(error);
    return error;
}

COMMUNICA_INLINE Error Reply::set_handler_error(const std::exception_ptr& exception) {
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

}  // namespace communica::peer
