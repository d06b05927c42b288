// MessagePack: what it loads, nlohmann/json loads alike.
#include "fuzz/serializers/model.hpp"

#include <communica/serializers/msgpack.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using communica::MsgpackSerializer;
    using nlohmann::json;
    const communica::Bytes bytes = communica::as_bytes({reinterpret_cast<const char*>(data), size});
    if (const auto tree = fuzz::load<json, MsgpackSerializer>(bytes)) {
        const json expected = json::from_msgpack(data, data + size, true, false);
        fuzz::require(!expected.is_discarded() && json::to_msgpack(*tree) == json::to_msgpack(expected),
                      "the same value as nlohmann's");
    }
    fuzz::check_round_trip<json, MsgpackSerializer>(bytes);
    fuzz::check_round_trip<fuzz::Model, MsgpackSerializer>(bytes);
    fuzz::check_round_trip<std::vector<float>, MsgpackSerializer>(bytes);
    return 0;
}
