// JSON: accepts what nlohmann/json accepts, with the same value, on the path of each type.
#include "fuzz/serializers/model.hpp"

namespace {

using communica::JsonSerializer;
using nlohmann::json;

/// Own rules: integers of 64 bits, 128 levels, no zero byte.
bool is_by_own_rule(std::string_view text) {
    try {
        JsonSerializer{}.load<json>(communica::as_bytes(text));
    } catch (const communica::SerializerError& e) {
        const std::string_view what = e.what();
        return what.find("64 bits") != what.npos || what.find("levels") != what.npos || text.find('\0') != text.npos;
    }
    return false;
}

template <class T>
void check_type(communica::Bytes bytes, const json* tree, bool has_type) {
    const auto value = fuzz::load<T, JsonSerializer>(bytes);
    fuzz::require(value.has_value() == (tree != nullptr && has_type), "the same acceptance of a type");
    if (value) {
        fuzz::require(json(*value).dump() == json(tree->get<T>()).dump(), "the same value of a type");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const communica::Bytes bytes = communica::as_bytes(text);

    const auto tree = fuzz::load<json, JsonSerializer>(bytes);
    const json expected = json::parse(text, nullptr, false);
    if (tree) {
        fuzz::require(tree->dump() == expected.dump(), "the same value");
        communica::Buffer out;
        JsonSerializer{}.dump(*tree, out);
        fuzz::require(json::parse(out.text()).dump() == expected.dump(), "dumped for nlohmann");
    } else {
        fuzz::require(expected.is_discarded() || is_by_own_rule(text), "the same acceptance");
    }
    const json* const there = tree ? &*tree : nullptr;
    check_type<std::string>(bytes, there, there != nullptr && there->is_string());
    check_type<bool>(bytes, there, there != nullptr && there->is_boolean());
    check_type<std::int64_t>(bytes, there,
                             there != nullptr && there->is_number_integer() &&
                                 !(there->is_number_unsigned() && there->get<std::uint64_t>() > INT64_MAX));
    check_type<std::uint64_t>(bytes, there, there != nullptr && there->is_number_unsigned());
    fuzz::check_round_trip<fuzz::Model, JsonSerializer>(bytes);
    fuzz::check_round_trip<std::vector<double>, JsonSerializer>(bytes);
    fuzz::check_round_trip<std::vector<std::byte>, JsonSerializer>(bytes);
    return 0;
}
