// The name of a C++ type.
#pragma once

#include <cstddef>
#include <source_location>
#include <string_view>

namespace communica::schema {

namespace detail {

/// Returns `... [with T = Uuid; ...]`, `... [T = Uuid]` or `... function_name_of<Uuid>(void)`, depending on the
/// compiler.
template <class T>
constexpr std::string_view function_name_of() {
    return std::source_location::current().function_name();
}

/// Returns the text up to the end of a type: a closing bracket or a `;` at the nesting level of its start.
constexpr std::string_view first_type_in(std::string_view text) noexcept {
    int depth = 0;
    for (std::size_t at = 0; at != text.size(); ++at) {
        const char byte = text[at];
        const bool closes = byte == '>' || byte == ']' || byte == ')';
        if (depth == 0 && (closes || byte == ';')) {
            return text.substr(0, at);
        }
        depth += (byte == '<' || byte == '[' || byte == '(' ? 1 : 0) - (closes ? 1 : 0);
    }
    return text;
}

}  // namespace detail

/// Returns the compiler's name of a type. Another compiler may spell it differently.
template <class T>
constexpr std::string_view type_name() {
    constexpr std::string_view function = detail::function_name_of<T>();
    for (const std::string_view mark : {"T = ", "function_name_of<"}) {
        if (const auto at = function.rfind(mark); at != function.npos) {
            return detail::first_type_in(function.substr(at + mark.size()));
        }
    }
    return function;
}

}  // namespace communica::schema
