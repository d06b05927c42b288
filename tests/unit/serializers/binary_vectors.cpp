#include "support/catch.hpp"
#include "support/serialized.hpp"

#include <communica/serializers/cbor.hpp>
#include <communica/serializers/msgpack.hpp>

#include <cstdio>
#include <fstream>

namespace binary_vectors_tests {

namespace {

using nlohmann::json;

/// As tests/interop/binary_vectors.py shows what is long.
std::string shown(const std::string& bytes) {
    if (bytes.size() <= 600) {
        return test::to_hex(bytes);
    }
    std::uint64_t digest = 0xCBF29CE484222325;
    for (const char byte : bytes) {
        digest = (digest ^ static_cast<unsigned char>(byte)) * 0x100000001B3;
    }
    char text[64];
    std::snprintf(text, sizeof text, "%zu bytes, %016llx", bytes.size(), static_cast<unsigned long long>(digest));
    return text;
}

json value_of(const json& vector) {
    if (vector.contains("text")) {
        return std::string(vector["text"].get<std::size_t>(), 'x');
    }
    if (vector.contains("array")) {
        return std::vector<int>(vector["array"].get<std::size_t>());
    }
    if (vector.contains("bytes")) {
        return json::binary(std::vector<std::uint8_t>(vector["bytes"].get<std::size_t>(), 0x5A));
    }
    if (vector.contains("map")) {
        json map = json::object();
        for (int key = 0; key != vector["map"].get<int>(); ++key) {
            char name[16];
            std::snprintf(name, sizeof name, "%05d", key);
            map[name] = key;
        }
        return map;
    }
    return vector["value"];
}

template <class S>
void check(const char* format) {
    std::ifstream file(COMMUNICA_TEST_DATA_DIR "/binary_vectors.json");
    const json vectors = json::parse(file);
    REQUIRE(vectors.size() > 100);
    for (const json& vector : vectors) {
        const json value = value_of(vector);
        const std::string bytes = test::dump<S>(value);
        INFO(vector.dump().substr(0, 200));
        REQUIRE(shown(bytes) == vector[format].get<std::string>());
        REQUIRE(test::load<S, json>(bytes) == value);
        if (value.is_number_float()) {
            REQUIRE(std::signbit(test::load<S, double>(bytes)) == std::signbit(value.get<double>()));
        }
    }
}

}  // namespace

TEST_CASE("MessagePack has the bytes of Python's msgpack, and they load") {
    check<communica::MsgpackSerializer>("msgpack");
}

TEST_CASE("CBOR has the bytes of Python's cbor2, and they load") { check<communica::CborSerializer>("cbor"); }

}  // namespace binary_vectors_tests
