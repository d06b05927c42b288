// The library's error codes, the errors that cross the wire, and a result that holds an error as a value.
#pragma once

#include "requirements.hpp"

#if defined(COMMUNICA_USE_BOOST_ASIO)
#include <boost/system/system_error.hpp>
#endif

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
    closed = 1,             ///< this entity was closed, stopped or destroyed, or the peer closed in order
    connection_lost,        ///< the connection ended with the request in flight: it may have been carried out
    timeout,                ///< the deadline passed
    not_connected,          ///< there is no connection, and the caller did not want to wait for one
    replaced,               ///< another connection with the same client id replaced this one
    handshake_failed,       ///< the peer's hello violates the protocol, or the peer refused
    authentication_failed,  ///< the shared keys differ, or one side refuses the other's certificate
    protocol_error,         ///< the peer sent bytes that violate the protocol
    message_too_large,      ///< a message exceeds the limit of one of the two sides
    busy,                   ///< the request exceeds a limit of the peer: it was not carried out
    queue_full,             ///< too many bytes of this side wait to be sent
    slow_peer,              ///< the peer did not read what was sent to it
    draining,               ///< the peer finishes its running requests and takes no more
    invalid_argument,       ///< an invalid name, address or option
    invalid_state,          ///< a connector's dumped state that can't be loaded
    not_supported,          ///< the peer does not support the operation
    requester_error,        ///< the peer reports that the request is at fault (`RequesterError`)
    responder_error,        ///< the peer could not answer (`ResponderError`)
    serializer_error,       ///< a value can't be dumped, or bytes do not load as their type (`SerializerError`)
    unknown_error,          ///< the peer's handler threw any other exception (`UnknownError`)
    incompatible_contract,  ///< the types of the two sides differ, and one of them refuses that (`ContractCheck`)
};

namespace base {

inline constexpr auto last_errc = errc::incompatible_contract;

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
            case errc::incompatible_contract: return "the contracts differ";
        }
        return "unknown error";
    }
};

}  // namespace base

/// The instance of this program or shared library.
inline const std::error_category& error_category() noexcept {
    static const base::ErrorCategory category;
    return category;
}

/// Converts an `errc` to a `std::error_code`. The constructor of `std::error_code` calls it.
inline std::error_code make_error_code(errc value) noexcept { return {static_cast<int>(value), error_category()}; }

namespace base {

/// Returns true for the library's category, also for the instance of a plugin compiled with these headers. The standard
/// library compares addresses and takes that instance for another category.
inline bool is_error_category(const std::error_category& category) noexcept {
    return category == error_category() || std::string_view(category.name()) == error_category().name();
}

}  // namespace base

/// Compares a code with an `errc`, also a code from another shared library.
inline bool operator==(const std::error_code& code, errc value) noexcept {
    return code.value() == static_cast<int>(value) && base::is_error_category(code.category());
}

}  // namespace communica

template <>
struct std::is_error_code_enum<communica::errc> : std::true_type {};

namespace communica {

/// Base of the errors that a handler may throw and a request may end with. `what()` is the message alone.
/// `status()` is the field `code` on the wire (by convention an HTTP status), or empty.
class MessageError : public std::system_error {
 public:
    MessageError(std::error_code code, std::string message, std::optional<std::int64_t> status)
        : std::system_error(code), message_(std::make_shared<std::string>(std::move(message))), status_(status) {}

    const char* what() const noexcept override { return message_->c_str(); }
    /// The status that the handler gave, if any.
    std::optional<std::int64_t> status() const noexcept { return status_; }

 private:
    std::shared_ptr<const std::string> message_;  // shared: copying an exception must not throw
    std::optional<std::int64_t> status_;
};

/// The request is at fault. The Python library's `ReqError`.
class RequesterError : public MessageError {
 public:
    explicit RequesterError(std::string message, std::optional<std::int64_t> status = {},
                            std::error_code code = errc::requester_error)
        : MessageError(code, std::move(message), status) {}
};

/// The responder can't answer. The Python library's `RespError`. A `code()` other than `errc::responder_error` comes
/// from the peer's library: `errc::busy`, `errc::draining`, ...
class ResponderError : public MessageError {
 public:
    explicit ResponderError(std::string message, std::optional<std::int64_t> status = {},
                            std::error_code code = errc::responder_error)
        : MessageError(code, std::move(message), status) {}
};

/// A value does not load from, or dump into, the serializer's format, at this side or at the peer.
class SerializerError : public MessageError {
 public:
    explicit SerializerError(std::string message, std::error_code code = errc::serializer_error)
        : MessageError(code, std::move(message), {}) {}
};

/// The peer's handler threw any other exception.
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

/// The error of a request as a value, before it becomes an exception.
struct Error {
    /// The exception type. `none` is a plain `MessageError`.
    enum class Kind { none, requester, responder, serializer, unknown };

    /// An `errc` or a system error.
    std::error_code code;
    std::string message = {};
    /// As `MessageError::status`.
    std::optional<std::int64_t> status = {};
    /// The exception type.
    Kind kind = Kind::none;

    /// The message, or the code's message if it is empty.
    std::string text() const { return message.empty() ? code.message() : message; }

    /// Returns a copy for users: an error of the library always has a message. The message of the peer's handler is
    /// unchanged, even if empty. Without memory there is no message.
    Error worded() const noexcept {
        Error error{.code = code, .status = status, .kind = kind};
        try {
            error.message = kind == Kind::none ? text() : message;
        } catch (...) {  // NOLINT(bugprone-empty-catch): the code says what matters
        }
        return error;
    }

    /// Returns the exception that `request` throws for this error. Without memory for it, that is `std::bad_alloc`.
    std::exception_ptr to_exception() const noexcept {
        try {
            switch (kind) {
                case Kind::requester: return std::make_exception_ptr(RequesterError(message, status, code));
                case Kind::responder: return std::make_exception_ptr(ResponderError(message, status, code));
                case Kind::serializer: return std::make_exception_ptr(SerializerError(message, code));
                case Kind::unknown: return std::make_exception_ptr(UnknownError(message, status));
                case Kind::none: break;
            }
            return std::make_exception_ptr(MessageError(code, text(), status));
        } catch (...) {
            return std::current_exception();
        }
    }

    /// Converts an exception to an error. Without memory for its message, that is `std::errc::not_enough_memory`.
    static Error from(const std::exception_ptr& exception) noexcept {
        try {
            return described(exception);
        } catch (...) {
            return {std::make_error_code(std::errc::not_enough_memory)};
        }
    }

    /// Converts an exception of a serializer: any type becomes a serializer error.
    static Error of_serializer(const std::exception_ptr& exception) noexcept {
        Error error = from(exception);
        if (error.kind != Kind::serializer) {
            error.kind = Kind::none;
            error = {.code = errc::serializer_error, .message = error.worded().message, .kind = Kind::serializer};
        }
        return error;
    }

 private:
    static Error described(const std::exception_ptr& exception) {
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
#if defined(COMMUNICA_USE_BOOST_ASIO)
        } catch (const boost::system::system_error& e) {
            return {e.code(), e.code().message()};
#endif
        } catch (const std::exception& e) {
            return {errc::unknown_error, e.what()};
        } catch (...) {
            return {errc::unknown_error, "an exception that is not a std::exception"};
        }
    }
};

/// A value or an `Error`, the result of `try_request`. Throws only on access to the value of an error, or the error of
/// a value.
template <class T>
class [[nodiscard]] Result {
 public:
    /// The type of the value.
    using value_type = T;
    /// The type of the error.
    using error_type = Error;

    Result() = default;
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    /// True for a value, false for an error.
    bool has_value() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    /// The value. Undefined behaviour for an error; `value()` checks.
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
    /// The type of the value.
    using value_type = void;
    /// The type of the error.
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

/// The former name of `Result`.
template <class T>
using result [[deprecated("communica: Result")]] = Result<T>;

}  // namespace communica
