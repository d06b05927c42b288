// What a call throws, as a value to compare.
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <system_error>

namespace test {

/// The code of the `std::system_error` that `call` throws; no error if it throws none.
template <class Call>
std::error_code code_of(Call&& call) {
    try {
        (void)call();
    } catch (const std::system_error& e) {
        return e.code();
    }
    return {};
}

/// What the exception says that `call` throws; nothing if it throws none.
template <class Call>
std::optional<std::string> what_of(Call&& call) {
    try {
        (void)call();
    } catch (const std::exception& e) {
        return e.what();
    }
    return std::nullopt;
}

}  // namespace test
