// A cursor over what simdjson has parsed.
#pragma once

#include "reader.hpp"

#include <simdjson.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace communica::codec {

/// The whole document is valid: no read can fail, and skipping costs nothing. Borrows the parser's memory.
class SimdjsonReader : public Position {
 public:
    static constexpr bool has_bytes = false;

    explicit SimdjsonReader(simdjson::dom::element root) noexcept : element_(root) {}

    Kind peek() const noexcept {
        using Type = simdjson::dom::element_type;
        switch (element_.type()) {
            case Type::ARRAY: return Kind::array;
            case Type::OBJECT: return Kind::object;
            case Type::STRING: return Kind::string;
            case Type::BOOL: return Kind::boolean;
            case Type::NULL_VALUE: return Kind::null;
            default: return Kind::number;
        }
    }

    void skip() const noexcept {}
    void read_null() const noexcept {}
    bool read_bool() const noexcept { return element_.get_bool().value_unsafe(); }

    Number read_number() const noexcept {
        using Type = simdjson::dom::element_type;
        switch (element_.type()) {
            case Type::INT64: return Number::of(std::int64_t{element_.get_int64().value_unsafe()});
            case Type::UINT64: return Number::of(std::uint64_t{element_.get_uint64().value_unsafe()});
            default: return Number::of(element_.get_double().value_unsafe());
        }
    }

    std::string_view read_string(std::string&) const noexcept { return element_.get_string().value_unsafe(); }

    template <class Element>
    void read_array(Element&& element) {
        const Level level(*this);
        const simdjson::dom::array array = element_.get_array().value_unsafe();
        std::size_t index = 0;
        for (const simdjson::dom::element child : array) {
            at(index++);
            element_ = child;
            element();
        }
    }

    template <class Field>
    void read_object(Field&& field) {
        const Level level(*this);
        const simdjson::dom::object object = element_.get_object().value_unsafe();
        for (const simdjson::dom::key_value_pair child : object) {
            at(child.key);
            element_ = child.value;
            field(child.key);
        }
    }

    void finish() const noexcept {}

 private:
    simdjson::dom::element element_;
};

}  // namespace communica::codec
