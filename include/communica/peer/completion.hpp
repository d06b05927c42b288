// The signatures that operations complete with, and how a token chooses one.
#pragma once

#include "../asio.hpp"
#include "../error.hpp"

#include <concepts>
#include <exception>
#include <type_traits>
#include <utility>

namespace communica::peer {

/// `void(std::exception_ptr, T)`, unless the token asks for another signature. An error is given with a value-initialised `T`.
template <class T>
class ExceptionCompletion {
    static_assert(std::is_default_constructible_v<T>,
                  "communica: a callback or future of `request` needs a default constructible reply type; use "
                  "`try_request`, or co_await the request");

 public:
    using Signature = void(std::exception_ptr, T);

    explicit ExceptionCompletion(T value) : value_(std::move(value)) {}
    explicit ExceptionCompletion(const Error& error) : error_(error.to_exception()), value_() {}

    template <class Handler>
    void give_to(Handler&& handler) {
        std::forward<Handler>(handler)(std::move(error_), std::move(value_));
    }

 private:
    std::exception_ptr error_;
    T value_;
};

template <>
class ExceptionCompletion<void> {
 public:
    using Signature = void(std::exception_ptr);

    ExceptionCompletion() = default;
    explicit ExceptionCompletion(const Error& error) : error_(error.to_exception()) {}

    template <class Handler>
    void give_to(Handler&& handler) {
        std::forward<Handler>(handler)(std::move(error_));
    }

 private:
    std::exception_ptr error_;
};

/// `void(asio::error_code, T)`: for tokens that take an error code. The error's message is not passed on.
template <class T>
class CodeCompletion {
    static_assert(std::is_default_constructible_v<T>,
                  "communica: a token that takes an error code needs a default constructible reply type; use "
                  "`try_request`");

 public:
    using Signature = void(asio::error_code, T);

    explicit CodeCompletion(T value) : value_(std::move(value)) {}
    explicit CodeCompletion(const Error& error) : code_(error.code), value_() {}

    template <class Handler>
    void give_to(Handler&& handler) {
        std::forward<Handler>(handler)(code_, std::move(value_));
    }

 private:
    asio::error_code code_;
    T value_;
};

template <>
class CodeCompletion<void> {
 public:
    using Signature = void(asio::error_code);

    CodeCompletion() = default;
    explicit CodeCompletion(const Error& error) : code_(error.code) {}

    template <class Handler>
    void give_to(Handler&& handler) {
        std::forward<Handler>(handler)(code_);
    }

 private:
    asio::error_code code_;
};

/// `void(Result<T>)`.
template <class T>
class ResultCompletion {
 public:
    using Signature = void(Result<T>);

    ResultCompletion()
        requires std::is_void_v<T>
    = default;
    explicit ResultCompletion(Result<T> outcome) : result_(std::move(outcome)) {}

    template <class Handler>
    void give_to(Handler&& handler) {
        std::forward<Handler>(handler)(std::move(result_));
    }

 private:
    Result<T> result_;
};

/// False for what is neither a token nor a callback of the signature `void(A...)`. Of callbacks it knows those with one
/// call operator: others may be tokens.
template <class Token, class Signature>
inline constexpr bool completes = false;
template <class Token, class... A>
    requires(std::is_function_v<std::remove_pointer_t<Token>> || requires { &Token::operator(); })
inline constexpr bool completes<Token, void(A...)> = std::invocable<Token, A...>;
template <class Token, class... A>
    requires(std::is_class_v<Token> && !requires { &Token::operator(); })
inline constexpr bool completes<Token, void(A...)> = true;

/// Makes the compiler state the signature, instead of listing the overloads of Asio.
template <class Signature, class Token>
struct MustComplete {
    static_assert(completes<Token, Signature>,
                  "communica: the last argument is no completion token, and no callback of the operation's signature, "
                  "the first argument of MustComplete");
};

/// The token inside adapters such as `bind_executor`, which name it `target_type`.
template <class Token>
struct InnerToken {
    using type = Token;
};
template <class Token>
    requires requires { typename Token::target_type; }
struct InnerToken<Token> : InnerToken<std::remove_cvref_t<typename Token::target_type>> {};

template <class Token>
inline constexpr bool is_redirect_error = false;
template <class Token>
inline constexpr bool is_redirect_error<asio::redirect_error_t<Token>> = true;

/// Can the callback be called with these arguments? `void` stands for none.
template <class Callback, class Error, class T>
inline constexpr bool takes = std::invocable<Callback, Error, T>;
template <class Callback, class Error>
inline constexpr bool takes<Callback, Error, void> = std::invocable<Callback, Error>;

/// Does the token take an error code? `redirect_error` does, and so does a callback with an error code as its first parameter.
/// A callback that takes both, such as a generic lambda, gets the exception.
template <class Token, class T>
concept TakesErrorCode = is_redirect_error<typename InnerToken<std::remove_cvref_t<Token>>::type> ||
                         (!takes<typename InnerToken<std::remove_cvref_t<Token>>::type, std::exception_ptr, T> &&
                          takes<typename InnerToken<std::remove_cvref_t<Token>>::type, asio::error_code, T>);

/// What an operation completes with: `Completion<T>`, or an error code in place of the exception where the token takes one.
template <template <class> class Completion, class T, class Token>
struct CompletionFor {
    using type = Completion<T>;
};
template <class T, class Token>
    requires TakesErrorCode<Token, T>
struct CompletionFor<ExceptionCompletion, T, Token> {
    using type = CodeCompletion<T>;
};

}  // namespace communica::peer
