#include "../address.hpp"

namespace tool {

namespace {

[[noreturn]] void refuse() {
    throw std::system_error(communica::errc::not_supported, "this program was built without OpenSSL: no TLS, no keys");
}

}  // namespace

Address tls_address(const std::string&, std::uint16_t, const Access&) { refuse(); }

Address with_key_of(const Address&, const std::string&) { refuse(); }

}  // namespace tool
