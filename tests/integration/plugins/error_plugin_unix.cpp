// A plugin that was compiled with the library's headers, as its program was: hands out error codes.
#include <communica/error.hpp>

#include <system_error>

extern "C" void communica_plugin_make_error(int value, std::error_code* code) {
    *code = static_cast<communica::errc>(value);
}
