// Bytes: everything loads, as it is.
#include "fuzz/serializers/model.hpp"

#include <communica/serializers/bytes.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const communica::Bytes bytes = communica::as_bytes(text);
    const communica::BytesSerializer serializer;
    fuzz::require(serializer.load<communica::Bytes>(bytes).data() == bytes.data(), "borrowed");
    communica::Buffer out;
    serializer.dump(serializer.load<std::vector<std::byte>>(bytes), out);
    fuzz::require(out.text() == text, "the same bytes");
    fuzz::require(serializer.load<communica::Buffer>(bytes).text() == serializer.load<std::string>(bytes), "owned");
    return 0;
}
