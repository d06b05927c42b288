// What can go wrong: the library's error codes, the errors that cross the wire, and a result that throws for none.
#pragma once

#include "requirements.hpp"

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

namespace communica {

/// The library's own error conditions. Errors of the operating system keep their own categories.
enum class errc {
    closed = 1,             ///< this entity was closed, stopped or destroyed, or the other side closed in order
    connection_lost,        ///< the connection ended with the request on its way: whether it was carried out is unknown
    timeout,                ///< the deadline passed
    not_connected,          ///< there is no connection, and the caller did not want to wait for one
    replaced,               ///< another connection with the same client id took this one's place
    handshake_failed,       ///< the other side did not greet as the protocol wants, or refused
    authentication_failed,  ///< the two sides have not the same shared key, or one refuses the other's certificate
    protocol_error,         ///< the other side sent bytes that are not the protocol
    message_too_large,      ///< a message is over the limit of one of the two sides
    busy,                   ///< the request is over a limit of the other side's: it was not carried out
    queue_full,             ///< too much of this side's waits to be sent
    slow_peer,              ///< the other side did not read what was sent to it
    draining,               ///< the other side answers what it has begun and takes no more
    invalid_argument,       ///< a name, address or option that can't be used
    invalid_state,          ///< a connector's dumped state that can't be loaded
    not_supported,          ///< the other side does not know what is asked of it
    requester_error,        ///< the other side says the request is at fault (`RequesterError`)
    responder_error,        ///< the other side could not answer (`ResponderError`)
    serializer_error,       ///< a value does not fit its bytes or the bytes their type (`SerializerError`)
    unknown_error,          ///< the other side's handler failed in a way of its own (`UnknownError`)
};

/// The category of `errc`.
class ErrorCategory final : public std::error_category {
 public:
    const char* name() const noexcept override { return "communica"; }

    std::string message(int value) const override {
        switch (static_cast<errc>(value)) {
            case errc::closed: return "closed";
            case errc::connection_lost: return "the connection was lost before the answer came";
            case errc::timeout: return "the deadline passed";
            case errc::not_connected: return "not connected";
            case errc::replaced: return "another connection with the same client id took over";
            case errc::handshake_failed: return "the handshake failed";
            case errc::authentication_failed: return "the authentication failed";
            case errc::protocol_error: return "the other side broke the protocol";
            case errc::message_too_large: return "the message is too large";
            case errc::busy: return "the other side is busy";
            case errc::queue_full: return "too much waits to be sent";
            case errc::slow_peer: return "the other side does not read what is sent to it";
            case errc::draining: return "the other side is about to close";
            case errc::invalid_argument: return "invalid argument";
            case errc::invalid_state: return "not a state that this connector can load";
            case errc::not_supported: return "the other side does not support this";
            case errc::requester_error: return "the request is at fault";
            case errc::responder_error: return "the responder failed";
            case errc::serializer_error: return "a value does not fit";
            case errc::unknown_error: return "the handler failed";
        }
        return "unknown error";
    }
};

/// The one of this program or shared library.
inline const std::error_category& error_category() noexcept {
    static const ErrorCategory category;
    return category;
}

/// For `std::error_code`, which finds it.
inline std::error_code make_error_code(errc value) noexcept { return {static_cast<int>(value), error_category()}; }

/// Is this the library's category? A plugin that was compiled with these headers has one of its own, which the standard
/// library takes for another: it compares addresses.
inline bool is_error_category(const std::error_category& category) noexcept {
    return category == error_category() || std::string_view(category.name()) == error_category().name();
}

/// Also of a code that comes from another shared library.
inline bool operator==(const std::error_code& code, errc value) noexcept {
    return code.value() == static_cast<int>(value) && is_error_category(code.category());
}

}  // namespace communica

template <>
struct std::is_error_code_enum<communica::errc> : std::true_type {};

namespace communica {

/// Base of the errors that a handler may throw and a request may end with. `what()` is the message alone.
/// `status()` is the number that travels as `code` on the wire (HTTP's numbers by custom), absent if none was given.
class MessageError : public std::system_error {
 public:
    MessageError(std::error_code code, std::string message, std::optional<std::int64_t> status)
        : std::system_error(code), message_(std::make_shared<std::string>(std::move(message))), status_(status) {}

    const char* what() const noexcept override { return message_->c_str(); }
    /// The number that the handler gave, if it gave one.
    std::optional<std::int64_t> status() const noexcept { return status_; }

 private:
    std::shared_ptr<const std::string> message_;  // shared: copying an exception must not throw
    std::optional<std::int64_t> status_;
};

/// "You asked for something wrong." The Python library's `ReqError`.
class RequesterError : public MessageError {
 public:
    explicit RequesterError(std::string message, std::optional<std::int64_t> status = {},
                            std::error_code code = errc::requester_error)
        : MessageError(code, std::move(message), status) {}
};

/// "I can't answer." The Python library's `RespError`. With `code()` other than `errc::responder_error`
/// it is the library on the other side that speaks: `errc::busy`, `errc::draining`, ...
class ResponderError : public MessageError {
 public:
    explicit ResponderError(std::string message, std::optional<std::int64_t> status = {},
                            std::error_code code = errc::responder_error)
        : MessageError(code, std::move(message), status) {}
};

/// A value that does not load from, or dump into, the serializer's format: here or at the other side.
class SerializerError : public MessageError {
 public:
    explicit SerializerError(std::string message, std::error_code code = errc::serializer_error)
        : MessageError(code, std::move(message), {}) {}
};

/// The handler on the other side threw something else.
class UnknownError : public MessageError {
 public:
    explicit UnknownError(std::string message, std::optional<std::int64_t> status = {})
        : MessageError(errc::unknown_error, std::move(message), status) {}
};

/// A route was defined twice.
class RouteOverrideError : public std::logic_error {
 public:
    using std::logic_error::logic_error;
};

/// An error as a value: what a request can end with, before it becomes an exception.
struct Error {
    /// Which exception it becomes: `none` is a plain `std::system_error`.
    enum class Kind { none, requester, responder, serializer, unknown };

    /// An `errc` or a system error.
    std::error_code code;
    std::string message = {};
    /// As `MessageError::status`.
    std::optional<std::int64_t> status = {};
    /// Which exception it becomes.
    Kind kind = Kind::none;

    /// The message, or that of the code where there is none.
    std::string text() const { return message.empty() ? code.message() : message; }

    /// The same, as users see it: with a message in any case where the library speaks. What the other side's handler said
    /// stays as it is, be it nothing.
    Error worded() const {
        Error error = *this;
        if (kind == Kind::none) {
            error.message = text();
        }
        return error;
    }

    /// The exception that a request would throw.
    std::exception_ptr to_exception() const {
        switch (kind) {
            case Kind::requester: return std::make_exception_ptr(RequesterError(message, status, code));
            case Kind::responder: return std::make_exception_ptr(ResponderError(message, status, code));
            case Kind::serializer: return std::make_exception_ptr(SerializerError(message, code));
            case Kind::unknown: return std::make_exception_ptr(UnknownError(message, status));
            case Kind::none: break;
        }
        return std::make_exception_ptr(MessageError(code, text(), status));
    }

    /// The error that an exception stands for.
    static Error from(const std::exception_ptr& exception) {
        try {
            std::rethrow_exception(exception);
        } catch (const RequesterError& e) {
            return {e.code(), e.what(), e.status(), Kind::requester};
        } catch (const ResponderError& e) {
            return {e.code(), e.what(), e.status(), Kind::responder};
        } catch (const SerializerError& e) {
            return {e.code(), e.what(), {}, Kind::serializer};
        } catch (const UnknownError& e) {
            return {e.code(), e.what(), e.status(), Kind::unknown};
        } catch (const std::system_error& e) {
            return {e.code(), e.what()};
        } catch (const std::exception& e) {
            return {errc::unknown_error, e.what()};
        } catch (...) {
            return {errc::unknown_error, "an exception that is not a std::exception"};
        }
    }

    /// The same of what a serializer threw: whatever that was, a value is at fault.
    static Error of_serializer(const std::exception_ptr& exception) {
        Error error = from(exception);
        if (error.kind != Kind::serializer) {
            error = {.code = errc::serializer_error, .message = error.text(), .kind = Kind::serializer};
        }
        return error;
    }
};

/// A value or an `Error`: what `try_request` completes with. Throws only where a value is asked of an error, and the reverse.
template <class T>
class [[nodiscard]] Result {
 public:
    using value_type = T;
    using error_type = Error;

    Result() = default;
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    /// True for a value, false for an error.
    bool has_value() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    /// The value. Undefined behaviour for an error: `value()` checks.
    T& operator*() & noexcept { return *std::get_if<0>(&state_); }
    const T& operator*() const& noexcept { return *std::get_if<0>(&state_); }
    T&& operator*() && noexcept { return std::move(*std::get_if<0>(&state_)); }
    T* operator->() noexcept { return std::get_if<0>(&state_); }
    const T* operator->() const noexcept { return std::get_if<0>(&state_); }

    /// The value. Throws the exception that `request` throws for this error.
    T& value() & {
        require_value();
        return **this;
    }
    const T& value() const& {
        require_value();
        return **this;
    }
    T&& value() && {
        require_value();
        return *std::move(*this);
    }

    /// The value, or `other` for an error.
    template <class U>
    T value_or(U&& other) const& {
        return has_value() ? **this : static_cast<T>(std::forward<U>(other));
    }
    template <class U>
    T value_or(U&& other) && {
        return has_value() ? *std::move(*this) : static_cast<T>(std::forward<U>(other));
    }

    /// The error. Throws `std::bad_variant_access` for a value.
    const Error& error() const { return std::get<1>(state_); }

 private:
    void require_value() const {
        if (!has_value()) {
            std::rethrow_exception(error().to_exception());
        }
    }

    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
    using value_type = void;
    using error_type = Error;

    Result() = default;
    Result(Error error) : error_(std::move(error)) {}

    bool has_value() const noexcept { return !error_; }
    explicit operator bool() const noexcept { return has_value(); }

    /// Throws the exception that `request` throws for this error.
    void value() const {
        if (error_) {
            std::rethrow_exception(error_->to_exception());
        }
    }
    /// The error. Throws `std::bad_optional_access` for a success.
    const Error& error() const { return error_.value(); }

 private:
    std::optional<Error> error_;
};

template <class T>
using result [[deprecated("communica: Result")]] = Result<T>;

}  // namespace communica
