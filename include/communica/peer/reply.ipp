#pragma once

#include "../wire/error_body.hpp"
#include "../wire/metadata_reader.hpp"
#include "reply.hpp"

#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>

namespace communica::peer {

namespace detail {

/// Returns the error of a value of several with its name: `/1/age: ...` becomes `argument 2, value: /age: ...`.
COMMUNICA_INLINE std::string with_name(std::string_view message, ValueNames names) {
    std::size_t index = names.size();
    if (message.starts_with('/')) {
        const char* const rest = std::from_chars(message.data() + 1, message.data() + message.size(), index).ptr;
        message.remove_prefix(index < names.size() ? static_cast<std::size_t>(rest - message.data()) : 0);
    }
    if (index >= names.size()) {
        return std::string(message);
    }
    return "argument " + std::to_string(index + 1) + ", " + names[index] + (message.starts_with(':') ? "" : ": ") +
           std::string(message);
}

}  // namespace detail

COMMUNICA_INLINE void Reply::set_error(const Error& error) {
    type = wire::error_type(error);
    body.release();  // with the descriptors of a result
    wire::write_error_body(body, error);
}

COMMUNICA_INLINE void Reply::limit_descriptors(std::size_t most, const std::shared_ptr<base::AttachmentShare>& share) {
    auto* const attached = body.attached();
    const bool is_accepted = attached == nullptr || attached->size() <= most;
    if (is_accepted && (attached == nullptr || attached->reserve(share))) {
        return;
    }
    set_error({.code = errc::responder_error,
               .message = is_accepted ? "the request was carried out, but too many descriptors of answers are not taken"
                                      : "The requester accepts fewer descriptors, or none",
               .status = is_accepted ? 503 : 501,
               .kind = Error::Kind::responder});
}

COMMUNICA_INLINE UnsentMessage& limit_descriptors(UnsentMessage& answer, std::size_t most,
                                                  const std::shared_ptr<base::AttachmentShare>& share) {
    if (answer.body.attached() == nullptr) {
        return answer;
    }
    Reply reply;
    reply.body = std::move(answer.body);
    reply.limit_descriptors(most, share);
    answer.body = std::move(reply.body);
    if (reply.type != wire::MessageType::ok) {
        wire::MetadataReader reader;
        const wire::Metadata& metadata = reader.read(answer.metadata);
        answer.metadata = std::string(metadata.before_type) + std::to_string(static_cast<int>(reply.type)) +
                          std::string(metadata.after_type);
    }
    return answer;
}

COMMUNICA_INLINE Error Reply::set_load_error(const std::exception_ptr& exception, ValueNames names) {
    Error error = Error::of_serializer(exception);
    error.message = detail::with_name(error.message, names);
    set_error(error);
    return error;
}

COMMUNICA_INLINE Error Reply::set_handler_error(const std::exception_ptr& exception, ValueNames names) {
    try {
        std::rethrow_exception(exception);
    } catch (const UnloadableValue& e) {
        return set_load_error(e.cause, names);
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
