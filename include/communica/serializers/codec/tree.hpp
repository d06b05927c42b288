// Untyped values: nlohmann's tree, written to and read from any format.
#pragma once

#include "reader.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace communica::codec {

/// Writes a tree. Its recursion ends at `max_depth`, as the writer refuses what is deeper.
template <class W>
void write_tree(W& writer, const nlohmann::json& tree) {
    using Value = nlohmann::json::value_t;
    switch (tree.type()) {
        case Value::null: writer.null(); break;
        case Value::boolean: writer.boolean(tree.get_ref<const bool&>()); break;
        case Value::number_integer: writer.integer(tree.get_ref<const std::int64_t&>()); break;
        case Value::number_unsigned: writer.integer(tree.get_ref<const std::uint64_t&>()); break;
        case Value::number_float: writer.floating(tree.get_ref<const double&>()); break;
        case Value::string: writer.string(tree.get_ref<const std::string&>()); break;
        case Value::binary:
            if constexpr (W::has_bytes) {
                writer.binary(tree.get_binary());
            } else {
                writer.fail("JSON has no bytes");
            }
            break;
        case Value::array:
            writer.array(tree.size(), [&] {
                std::size_t index = 0;
                for (const nlohmann::json& element : tree.get_ref<const nlohmann::json::array_t&>()) {
                    writer.at(index++);
                    write_tree(writer, element);
                }
            });
            break;
        case Value::object:
            writer.object(tree.size(), [&] {
                for (const auto& [key, value] : tree.get_ref<const nlohmann::json::object_t&>()) {
                    writer.key(key);
                    write_tree(writer, value);
                }
            });
            break;
        case Value::discarded: writer.fail("a value that did not parse is none");
    }
}

/// Reads a tree. Of two equal keys the last one counts.
template <Reader R>
nlohmann::json read_tree(R& reader) {
    switch (reader.peek()) {
        case Kind::null: reader.read_null(); return nullptr;
        case Kind::boolean: return reader.read_bool();
        case Kind::number: {
            const Number number = reader.read_number();
            switch (number.form) {
                case Number::Form::natural: return number.natural;
                case Number::Form::negative: return number.negative;
                case Number::Form::floating: return number.floating;
            }
            break;
        }
        case Kind::string: {
            std::string text;
            const std::string_view read = reader.read_string(text);
            if (read.data() != text.data()) {
                text.assign(read);
            }
            return text;
        }
        case Kind::bytes:
        case Kind::extension:
            if constexpr (R::has_bytes) {
                return reader.read_binary();
            }
            break;
        case Kind::array: {
            nlohmann::json::array_t array;
            reader.read_array([&] { array.push_back(read_tree(reader)); });
            return array;
        }
        case Kind::object: {
            nlohmann::json::object_t object;
            reader.read_object([&](std::string_view key) {
                // Keys mostly come in order.
                object.insert_or_assign(object.end(), std::string(key), read_tree(reader));
            });
            return object;
        }
    }
    reader.fail("expected any value, got " + found(reader));
}

}  // namespace communica::codec
