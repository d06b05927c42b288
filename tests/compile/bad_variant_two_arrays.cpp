// expect: communica: of a variant's alternatives only one may be an array
#include "compile/prelude.hpp"

void test(Simple& client) {
    client.request<std::variant<std::vector<int>, std::vector<std::string>>>(1, asio::detached);
}
