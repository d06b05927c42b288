// Other libraries of C++, for run.py. Reads lines of JSON, {"library": NAME, "settings": TEXT} with "encode": NOTATION or
// "decode": HEX, and writes for each {"hex": HEX}, {"value": NOTATION}, or {"error": TEXT}. notation.py says what the notation is.
#include "notation.hpp"

#include "support/serialized.hpp"

#define MSGPACK_NO_BOOST  // NOLINT(cppcoreguidelines-macro-usage): the library's
#include <msgpack.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace formats {

enum class Colour { red, green };

struct Address {
    std::string city;
    int floor = 0;
    MSGPACK_DEFINE_MAP(city, floor)
    NLOHMANN_DEFINE_TYPE_INTRUSIVE(Address, city, floor)
};

struct AddressByOrder {
    std::string city;
    int floor = 0;
    MSGPACK_DEFINE(city, floor)
};

}  // namespace formats

MSGPACK_ADD_ENUM(formats::Colour)

namespace formats {

/// A kind of notation, and what stands behind it.
struct Kind {
    std::string name;
    const Json* content;

    explicit Kind(const Json& notation) : name(notation.begin().key()), content(&notation.front()) {}
    std::string text() const { return content->get<std::string>(); }
    std::string bytes() const { return test::from_hex(text()); }
    double floating() const { return std::strtod(text().c_str(), nullptr); }  // which takes 5e-324, too
    bool negative() const { return text().front() == '-'; }
    std::int64_t integer() const { return std::stoll(text()); }
    std::uint64_t natural() const { return std::stoull(text()); }
};

[[noreturn]] Json refuse_native(const std::string& name) { throw std::invalid_argument("no native " + name); }

// ---- msgpack-cxx ----------------------------------------------------------------------------------------------------

class Msgpack {
 public:
    /// The name of the macro that describes structs.
    explicit Msgpack(const std::string& settings) : as_map_(settings == "MSGPACK_DEFINE_MAP") {}

    std::string encode(const Json& notation) {
        pack(notation);
        return {buffer_.data(), buffer_.size()};
    }

    static Json decode(const std::string& bytes) {
        const auto handle = msgpack::unpack(bytes.data(), bytes.size());
        return describe(handle.get());
    }

 private:
    void pack(const Json& notation) {
        if (notation.is_null()) {
            packer_.pack_nil();
        } else if (notation.is_boolean()) {
            packer_.pack(notation.get<bool>());
        } else if (notation.is_string()) {
            packer_.pack(notation.get<std::string>());
        } else if (notation.is_array()) {
            packer_.pack_array(static_cast<std::uint32_t>(notation.size()));
            for (const Json& element : notation) {
                pack(element);
            }
        } else {
            pack_kind(Kind(notation));
        }
    }

    void pack_kind(const Kind& kind) {
        if (kind.name == "i") {
            kind.negative() ? packer_.pack(kind.integer()) : packer_.pack(kind.natural());
        } else if (kind.name == "f") {
            packer_.pack(kind.floating());
        } else if (kind.name == "bytes") {
            const std::string bytes = kind.bytes();
            packer_.pack(std::vector<char>(bytes.begin(), bytes.end()));
        } else if (kind.name == "map") {
            packer_.pack_map(static_cast<std::uint32_t>(kind.content->size()));
            for (const Json& pair : *kind.content) {
                pack(pair[0]);
                pack(pair[1]);
            }
        } else {
            pack_native(kind.text());
        }
    }

    void pack_native(const std::string& name) {
        if (name == "timespec") {
            packer_.pack(std::timespec{1714979289, 123000000});
        } else if (name == "enum") {
            packer_.pack(Colour::green);
        } else if (name == "struct") {
            as_map_ ? packer_.pack(Address{"Riga", 3}) : packer_.pack(AddressByOrder{"Riga", 3});
        } else {
            refuse_native(name);
        }
    }

    static Json describe(const msgpack::object& object) {
        switch (object.type) {
            case msgpack::type::NIL: return nullptr;
            case msgpack::type::BOOLEAN: return object.via.boolean;
            case msgpack::type::STR: return object.as<std::string>();
            case msgpack::type::BIN: return bytes_notation(object.via.bin.ptr, object.via.bin.size);
            case msgpack::type::POSITIVE_INTEGER: return integer_notation(object.via.u64);
            case msgpack::type::NEGATIVE_INTEGER: return integer_notation(object.via.i64);
            case msgpack::type::FLOAT32:
            case msgpack::type::FLOAT64: return floating_notation(object.via.f64);
            case msgpack::type::ARRAY: return describe_array(object.via.array);
            case msgpack::type::MAP: return describe_map(object.via.map);
            default: return {{"other", "ext"}};
        }
    }

    static Json describe_array(const msgpack::object_array& array) {
        return array_notation(std::span(array.ptr, array.size), describe);
    }

    static Json describe_map(const msgpack::object_map& map) {
        Pairs pairs;
        for (const msgpack::object_kv& entry : std::span(map.ptr, map.size)) {
            pairs.emplace_back(describe(entry.key), describe(entry.val));
        }
        return map_notation(pairs);
    }

    bool as_map_;
    msgpack::sbuffer buffer_;
    msgpack::packer<msgpack::sbuffer> packer_{buffer_};
};

// ---- nlohmann/json ---------------------------------------------------------------------------------------------------

Json tree(const Json& notation);

/// As the library has a `std::map`: an array of pairs, if the keys are no texts.
Json tree_of_map(const Json& pairs) {
    Json object = Json::object();
    for (const Json& pair : pairs) {
        if (!pair[0].is_string()) {
            return array_notation(pairs, tree);
        }
        object[pair[0].get<std::string>()] = tree(pair[1]);
    }
    return object;
}

Json tree(const Json& notation) {
    if (notation.is_array()) {
        return array_notation(notation, tree);
    }
    if (!notation.is_object()) {
        return notation;
    }
    const Kind kind(notation);
    if (kind.name == "i") {
        return kind.negative() ? Json(kind.integer()) : Json(kind.natural());
    }
    if (kind.name == "f") {
        return kind.floating();
    }
    if (kind.name == "bytes") {
        const std::string bytes = kind.bytes();
        return Json::binary({bytes.begin(), bytes.end()});
    }
    if (kind.name == "map") {
        return tree_of_map(*kind.content);
    }
    if (kind.text() == "enum") {
        return Colour::green;
    }
    return kind.text() == "struct" ? Json(Address{"Riga", 3}) : refuse_native(kind.text());
}

std::string text_of(const std::vector<std::uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

// ---- libraries by their names ---------------------------------------------------------------------------------------

std::string encode(const std::string& library, const std::string& settings, const Json& notation) {
    if (library == "msgpack-cxx") {
        return Msgpack(settings).encode(notation);
    }
    if (library == "nlohmann to_msgpack") {
        return text_of(Json::to_msgpack(tree(notation)));
    }
    return library == "nlohmann to_cbor" ? text_of(Json::to_cbor(tree(notation))) : tree(notation).dump();
}

Json decode(const std::string& library, const std::string& bytes) {
    if (library == "msgpack-cxx") {
        return Msgpack::decode(bytes);
    }
    if (library == "nlohmann to_msgpack") {
        return tree_notation(Json::from_msgpack(bytes));
    }
    return tree_notation(library == "nlohmann to_cbor" ? Json::from_cbor(bytes) : Json::parse(bytes));
}

Json answer_line(const Json& line) {
    const auto text = [&](const char* name) { return line.at(name).get<std::string>(); };
    try {
        if (line.contains("encode")) {
            return {{"hex", test::to_hex(encode(text("library"), text("settings"), line["encode"]))}};
        }
        return {{"value", decode(text("library"), test::from_hex(text("decode")))}};
    } catch (const std::exception& error) {
        return {{"error", error.what()}};
    }
}

}  // namespace formats

int main() { formats::answer_lines(formats::answer_line); }
