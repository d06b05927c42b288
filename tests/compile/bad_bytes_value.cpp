// expect: communica: this serializer cannot dump a value of this type \(concept communica::Dumps\)
// names: MustDump<communica::BytesSerializer, Operands>
#include "compile/prelude.hpp"

void test(Simple& client) {
    client.with(communica::BytesSerializer{}).request<std::string>(Operands{}, asio::detached);
}
