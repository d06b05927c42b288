// expect: no match for call|no matching function|async_result|completion
#include "compile/prelude.hpp"

void test(Simple& client) {
    client.request<int>(1, [](const std::string&, int) {});
}
