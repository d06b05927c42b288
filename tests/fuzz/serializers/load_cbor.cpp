// CBOR: what both load, they load alike. nlohmann/json knows neither `undefined` nor all tags, and skips those of typed arrays.
#include "fuzz/serializers/model.hpp"

#include <communica/serializers/cbor.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

// Returns true if there are the bytes of a tag from 64 to 87 (RFC 8746).
static bool may_have_typed_array(std::span<const std::uint8_t> data) {
    for (std::size_t at = 0; at != data.size(); ++at) {
        const std::size_t width = data[at] >= 0xd8 && data[at] <= 0xdb ? std::size_t{1} << (data[at] - 0xd8) : 0;
        if (width == 0 || data.size() - at <= width) {
            continue;
        }
        std::uint64_t tag = 0;
        for (const std::uint8_t byte : data.subspan(at + 1, width)) {
            tag = tag << 8 | byte;
        }
        if (tag >= 64 && tag <= 87) {
            return true;
        }
    }
    return false;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using communica::CborSerializer;
    using nlohmann::json;
    const communica::Bytes bytes = communica::as_bytes({reinterpret_cast<const char*>(data), size});
    if (const auto tree = fuzz::load<json, CborSerializer>(bytes)) {
        const json expected = json::from_cbor(data, data + size, true, false, json::cbor_tag_handler_t::ignore);
        fuzz::require(expected.is_discarded() || may_have_typed_array({data, size}) ||
                          json::to_cbor(*tree) == json::to_cbor(expected),
                      "the same value as nlohmann's");
    }
    fuzz::check_round_trip<json, CborSerializer>(bytes);
    fuzz::check_round_trip<fuzz::Model, CborSerializer>(bytes);
    fuzz::check_round_trip<std::vector<float>, CborSerializer>(bytes);
    return 0;
}
