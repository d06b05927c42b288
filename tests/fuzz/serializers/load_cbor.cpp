// CBOR: what both load, they load alike. nlohmann/json knows neither `undefined` nor all tags.
#include "fuzz/serializers/model.hpp"

#include <communica/serializers/cbor.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using communica::CborSerializer;
    using nlohmann::json;
    const communica::Bytes bytes = communica::as_bytes({reinterpret_cast<const char*>(data), size});
    if (const auto tree = fuzz::load<json, CborSerializer>(bytes)) {
        const json expected = json::from_cbor(data, data + size, true, false, json::cbor_tag_handler_t::ignore);
        fuzz::require(expected.is_discarded() || json::to_cbor(*tree) == json::to_cbor(expected),
                      "the same value as nlohmann's");
    }
    fuzz::check_round_trip<json, CborSerializer>(bytes);
    fuzz::check_round_trip<fuzz::Model, CborSerializer>(bytes);
    fuzz::check_round_trip<std::vector<float>, CborSerializer>(bytes);
    return 0;
}
