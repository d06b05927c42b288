#include <communica/serializers/fast_json.hpp>

#include <iostream>
#include <string>

int main() {
    const auto text = communica::FastJsonSerializer{}.load<std::string>(communica::as_bytes(R"("loaded by simdjson")"));
    std::cout << text << '\n';
}
