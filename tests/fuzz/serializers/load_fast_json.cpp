// Fast JSON: accepts what JsonSerializer accepts, with the same value, and refuses it in the same words.
#include "fuzz/serializers/model.hpp"

#include <communica/serializers/fast_json.hpp>

namespace {

template <class T, class S>
std::string outcome(communica::Bytes bytes) {
    try {
        const T value = S{}.template load<T>(bytes);
        communica::Buffer out;
        communica::JsonSerializer{}.dump(value, out);
        return std::string(out.text());
    } catch (const communica::SerializerError& e) {
        return std::string("refused: ") + e.what();
    }
}

template <class T>
void check(communica::Bytes bytes) {
    fuzz::require(outcome<T, communica::FastJsonSerializer>(bytes) == outcome<T, communica::JsonSerializer>(bytes),
                  "the same outcome");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const communica::Bytes bytes = communica::as_bytes({reinterpret_cast<const char*>(data), size});
    check<nlohmann::json>(bytes);
    check<std::string>(bytes);
    check<std::vector<double>>(bytes);
    check<fuzz::Model>(bytes);
    return 0;
}
