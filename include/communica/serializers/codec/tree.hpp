// Untyped values: reads and writes nlohmann's tree in any format.
#pragma once

#include "../../owned_json.hpp"
#include "reader.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace communica::codec {

/// Writes a tree. The recursion is limited, because the writer refuses anything deeper than `max_depth`.
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

using base::take_apart;
static_assert(base::max_tree_depth == max_depth);

/// Destroys, without recursion, the elements of a container that could not be read to its end.
template <class Container>
class TakenApartOnFailure {
 public:
    explicit TakenApartOnFailure(Container& container) noexcept : container_(&container) {}
    TakenApartOnFailure(const TakenApartOnFailure&) = delete;
    TakenApartOnFailure& operator=(const TakenApartOnFailure&) = delete;
    ~TakenApartOnFailure() {
        if (container_ != nullptr) {
            for (auto& part : *container_) {
                if constexpr (requires { part.second; }) {
                    base::take_apart(part.second);
                } else {
                    base::take_apart(part);
                }
            }
        }
    }
    void dismiss() noexcept { container_ = nullptr; }

 private:
    Container* container_;
};

/// Reads a tree. The last of several equal keys wins.
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
            reader.charge(sizeof(std::string) + block_cost);
            charge_text(reader, read.size());
            if (read.data() != text.data()) {
                text.assign(read);
            }
            return text;
        }
        case Kind::bytes:
        case Kind::extension:
            if constexpr (R::has_bytes) {
                reader.charge(sizeof(nlohmann::json::binary_t) + block_cost);
                return reader.read_binary();
            }
            break;
        case Kind::array: {
            reader.charge(sizeof(nlohmann::json::array_t) + block_cost);
            nlohmann::json::array_t array;
            TakenApartOnFailure guard(array);
            reader.read_array([&] {
                make_room(reader, array, 1);
                array.push_back(read_tree(reader));
            });
            guard.dismiss();
            return array;
        }
        case Kind::object: {
            using Entry = nlohmann::json::object_t::value_type;
            reader.charge(sizeof(nlohmann::json::object_t) + block_cost);
            nlohmann::json::object_t object;
            TakenApartOnFailure guard(object);
            reader.read_object([&](std::string_view key) {
                reader.charge(sizeof(Entry) + node_cost);
                charge_text(reader, key.size());
                // Keys usually come in order.
                object.insert_or_assign(object.end(), std::string(key), read_tree(reader));
            });
            guard.dismiss();
            return object;
        }
    }
    reader.fail("expected any value, got " + found(reader));
}

}  // namespace communica::codec
